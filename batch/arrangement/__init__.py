"""Text that many requests share, wherever it stands: found, and put first by rules that keep what is meant."""
