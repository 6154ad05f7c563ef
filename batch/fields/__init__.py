"""Answer fields: what a person wants back from each row, read from what he types or pastes, and the schema of it."""
