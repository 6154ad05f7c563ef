"""What frames the places of the page: the bar above them, the lines of those that are not open, rules of style."""
