"""Addresses beside the page: uploads, downloads, pictures, the session, and the headers of every reply."""
