"""Sorted batches are read up to a bound, each row once."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.results.store.sorted_stream import SortedStream, row_groups

SCHEMA = pa.schema([("n", pa.int64())])


@given(st.lists(st.integers(0, 50)).map(sorted), st.lists(st.integers(0, 60)).map(sorted), st.integers(1, 7))
def test_every_row_comes_once_and_below_its_bound(numbers: list[int], bounds: list[int], size: int) -> None:
    batches = [pa.record_batch([numbers[i : i + size]], schema=SCHEMA) for i in range(0, len(numbers), size)]
    stream = SortedStream(SCHEMA, batches)
    read: list[int] = []
    for bound in [*bounds, 1_000]:
        rows = stream.read_until("n", bound).column("n").to_pylist()
        assert all(n < bound for n in rows)
        read += rows
        assert read == [n for n in numbers if n < bound]


def test_what_is_read_has_the_schema_even_when_it_is_nothing() -> None:
    assert SortedStream(SCHEMA, []).read_until("n", 5).schema == SCHEMA


def test_row_groups_come_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"n": list(range(5))}), path, row_group_size=2)
    with pq.ParquetFile(path) as file:
        assert [group.column("n").to_pylist() for group in row_groups(file)] == [[0, 1], [2, 3], [4]]
