"""A table that was given: its first rows, how it is read, and the instruction that names its columns."""
