"""The place where runs are found: those under way as cards, all others as a table, and what is done to several."""
