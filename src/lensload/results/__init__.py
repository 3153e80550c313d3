"""A run as values and as a file; runs merged and compared. It never draws and never prints."""
