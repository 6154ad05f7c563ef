"""Inputs to try."""
