"""The stages of a run's life: each may be run again after a crash, and ends by saying what comes next."""
