"""One input row to one request."""
