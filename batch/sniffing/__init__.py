"""Find out how a table of text is written, and where its names and its rows begin."""
