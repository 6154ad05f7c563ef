"""What is to come back from each row: the answer's fields, and a few rows tried before all are sent."""
