"""What a key owns and has spent."""
