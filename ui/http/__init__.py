"""Addresses beside the page: uploads, downloads, the session, and the headers of every reply."""
