"""What comes back, understood."""
