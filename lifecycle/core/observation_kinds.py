"""Kinds of what ended runs teach about the next ones, as the store keeps them."""

DURATION_HOURS, IMPLICIT_RATE = "duration_hours", "implicit_rate"
