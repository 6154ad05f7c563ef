"""What several verbs do: find the account, check the input, watch a run, write its results."""
