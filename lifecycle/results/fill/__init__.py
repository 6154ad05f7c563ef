"""The table as it was given, with the answers beside its own columns."""
