"""What a file is by its bytes and headers, and how many tokens it has."""
