"""What the terminal prints, for people and for programs."""
