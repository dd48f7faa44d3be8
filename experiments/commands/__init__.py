"""What a user can do, one verb per file, as functions that Python programs call too; cli/ only parses arguments."""
