"""Threads that claim runs and advance them."""
