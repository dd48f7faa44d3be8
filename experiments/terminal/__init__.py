"""What commands show in a terminal: output, progress and tables. Nothing is computed here."""
