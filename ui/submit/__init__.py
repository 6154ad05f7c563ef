"""What is to be sent, and with which settings."""
