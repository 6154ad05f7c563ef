"""Streams of tables in ascending order of a column, read side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


class SortedStream:
    """A stream of batches that can be read up to a bound: every `read_until` returns the rows below it, once."""

    def __init__(self, schema: pa.Schema, batches: Iterable[pa.RecordBatch | pa.Table]) -> None:
        self._empty = schema.empty_table()
        self._batches = iter(batches)
        self._rest: pa.Table | None = None

    def read_until(self, column: str, bound: int) -> pa.Table:
        """All further rows whose `column`, ascending and never null, is below `bound`."""
        parts = [self._empty]
        while (table := self._next()) is not None:
            cut = int(np.searchsorted(table.column(column).to_numpy(), bound))
            parts.append(table.slice(0, cut))
            if cut < table.num_rows:
                self._rest = table.slice(cut)
                break
        return pa.concat_tables(parts)

    def _next(self) -> pa.Table | None:
        rest, self._rest = self._rest, None
        batch = rest if rest is not None else next(self._batches, None)
        return pa.Table.from_batches([batch]) if isinstance(batch, pa.RecordBatch) else batch


def row_groups(file: pq.ParquetFile) -> Iterator[pa.Table]:
    """A Parquet file's row groups, one after another, just as they were written."""
    for number in range(file.num_row_groups):
        yield file.read_row_group(number, use_threads=False)
