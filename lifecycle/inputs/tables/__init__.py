"""Read tables of every common form a batch of rows at a time, and say how each was read."""
