"""Copies of what the database knows: a record in each run's folder, a backup of everything, and taking up either."""
