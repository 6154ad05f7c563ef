"""The requests of a draft or run on the disk: what all share is held once, and put back as they are read."""
