"""One module a stage: each may be run again after a crash, and ends by saying what comes next."""
