"""How many tokens something has."""
