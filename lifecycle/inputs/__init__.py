"""From a file to a checked draft."""
