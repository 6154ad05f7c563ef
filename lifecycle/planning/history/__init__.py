"""What earlier runs and tries of the same owner used, and how like they are to what is to be sent."""
