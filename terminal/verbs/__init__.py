"""One function a verb: it is given the Runner, asks it, and returns the exit code."""
