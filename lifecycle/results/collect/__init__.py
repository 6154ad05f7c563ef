"""Received lines to results.parquet."""
