"""Values and pure decisions that all of the lifecycle shares."""
