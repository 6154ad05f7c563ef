"""What frames the sections of the page: its title and banner, and its rules of style."""
