"""Fetches files from public addresses, and from nowhere else."""
