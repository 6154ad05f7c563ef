"""Rows of a result: one in full, with what it was sent with, what was noted of it, and how it is sent again."""
