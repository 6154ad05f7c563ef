"""What a user may ask of the system, one class a noun."""
