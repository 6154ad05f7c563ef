"""The run that is open: its head with what can be done, its outcomes, its table, and what else there is to know."""
