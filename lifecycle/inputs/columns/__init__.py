"""Many rows of a table at once, column by column: cut from text, and made into requests, where they are all alike."""
