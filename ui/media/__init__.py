"""What is not text in a result: pictures that came back, files that were sent, and vectors."""
