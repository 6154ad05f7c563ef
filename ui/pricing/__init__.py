"""What a submission will cost."""
