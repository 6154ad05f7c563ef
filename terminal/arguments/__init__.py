"""What may be written on the command line."""
