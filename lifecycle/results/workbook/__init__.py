"""Workbooks: written as a stream, and the user's own filled in without being written anew."""
