"""The file formats of results."""
