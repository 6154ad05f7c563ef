"""Small pictures of files: made once, in a process of their own, and kept on disk."""
