"""What stages do to one shard, job or cache."""
