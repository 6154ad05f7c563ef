"""Which shared text to cache, and which rows share a job."""
