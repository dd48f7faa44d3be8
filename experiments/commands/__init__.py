"""What a user can do, one verb per file, as functions that Python programs call too; cli.py only parses arguments."""
