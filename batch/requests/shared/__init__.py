"""What a run adds to all of its requests: held once, and put into each as it is read."""
