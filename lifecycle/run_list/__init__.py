"""The table of an account's runs: pages of it, names and tags, and what is done to several runs at once."""
