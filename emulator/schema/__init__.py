"""Which requests are accepted."""
