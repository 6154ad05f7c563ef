"""Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from batch.requests.input_formats import as_text, column_names
from lifecycle.inputs.tables.damage import readable
from lifecycle.inputs.tables.reading import ReadAs
from lifecycle.inputs.tables.table import BATCH_CHARS, BATCH_ROWS, Batch, Table, unique_column_names


@contextmanager
def open_parquet(path: Path) -> Iterator[Table]:
    with readable(path, "Parquet"):
        file = pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
    with file:
        header_names = list(file.schema_arrow.names)
        names = column_names(header_names)
        fields = [file.schema_arrow.field(n).with_name(name) for n, name in enumerate(unique_column_names(names))]
        table = _ParquetTable(names=names, schema=pa.schema(fields), read_as=ReadAs("parquet"), path=path, file=file)
        if names != header_names:
            table.notes.append("Columns without a name of their own were given one.")
        yield table


@dataclass(kw_only=True)
class _ParquetTable(Table):
    path: Path
    file: pq.ParquetFile

    def batches(self, text_columns: Sequence[int]) -> Iterator[Batch]:
        total, start = max(self.file.metadata.num_rows, 1), 0
        for batch in _guarded(self.file.iter_batches(batch_size=_batch_rows(self.file)), self.path):
            source_columns = pa.RecordBatch.from_arrays(batch.columns, schema=self.schema)
            lines = list(range(start + 1, start + 1 + batch.num_rows))
            start += batch.num_rows
            yield Batch(
                lines, {n: _texts(source_columns.column(n)) for n in text_columns}, source_columns, [], start / total
            )


def _batch_rows(file: pq.ParquetFile) -> int:
    """So many rows that a batch stays small even where a cell holds a document."""
    groups = [file.metadata.row_group(n) for n in range(file.metadata.num_row_groups)]
    widest = max((group.total_byte_size / max(group.num_rows, 1) for group in groups), default=1)
    return max(1, min(BATCH_ROWS, int(BATCH_CHARS / max(widest, 1))))


def _guarded(batches: Iterator[pa.RecordBatch], path: Path) -> Iterator[pa.RecordBatch]:
    """A damaged page shows only when it is read."""
    while True:
        with readable(path, "Parquet"):
            batch = next(batches, None)
        if batch is None:
            return
        yield batch


def _texts(column: pa.Array) -> list[str]:
    if pa.types.is_float32(column.type) or pa.types.is_float16(column.type):
        return [as_text(None if v is None else float(str(np.float32(v)))) for v in column.to_pylist()]
    return [value if type(value) is str else as_text(value) for value in column.to_pylist()]
