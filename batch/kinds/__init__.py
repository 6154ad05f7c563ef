"""What a kind of request is: its form on the wire, its check, size, route, answer, price and columns."""
