"""The sample table is a table, and its instruction names its columns."""

from __future__ import annotations

import csv
import io
import re

from batch.samples import sample_table


def test_every_row_has_every_cell() -> None:
    rows = list(csv.DictReader(io.StringIO(sample_table.reviews().decode())))
    assert len(rows) == sample_table.ROWS and all(all(row.values()) for row in rows)
    assert set(re.findall(r"{{(\w+)}}", sample_table.INSTRUCTION)) <= rows[0].keys()


def test_it_is_the_same_every_time() -> None:
    assert sample_table.reviews() == sample_table.reviews()
