"""Results of a run: collected by key, accounted for row by row, paged, compared and exported."""
