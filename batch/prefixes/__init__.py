"""Which beginnings requests share."""
