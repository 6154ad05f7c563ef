"""Batch jobs over time."""
