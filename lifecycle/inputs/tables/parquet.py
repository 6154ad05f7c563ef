"""Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from batch.errors import InputError
from batch.sniffing.column_names import column_names
from lifecycle.inputs.tables.arrow_texts import text_array
from lifecycle.inputs.tables.damage import readable
from lifecycle.inputs.tables.reading import ReadAs
from lifecycle.inputs.tables.table import (
    BATCH_CHARS,
    BATCH_ROWS,
    MAX_COLUMNS,
    Batch,
    Table,
    too_many_columns,
    unique_column_names,
)

MAX_ROW_BYTES = 300_000_000


@contextmanager
def open_parquet(path: Path, *, packed: str = "") -> Iterator[Table]:
    with readable(path, "Parquet"):
        file = pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
    with file:
        with readable(path, "Parquet"):
            header_names = list(file.schema_arrow.names)
        if len(header_names) > MAX_COLUMNS:
            raise too_many_columns()
        if _row_bytes(file) > MAX_ROW_BYTES:
            raise InputError(f"The rows of {path.name} are too large to be sent.", "Leave out the largest column.")
        names = column_names(header_names)
        fields = [
            file.schema_arrow.field(n).with_name(name).with_nullable(True)
            for n, name in enumerate(unique_column_names(names))
        ]
        table = _ParquetTable(
            names=names,
            schema=pa.schema(fields),
            read_as=ReadAs("parquet", packed=packed),
            row_count=file.metadata.num_rows,
            path=path,
            file=file,
        )
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
            with readable(self.path, "Parquet"):
                source_columns = pa.RecordBatch.from_arrays(batch.columns, schema=self.schema)
                texts = {n: text_array(source_columns.column(n)) for n in text_columns}
            lines = np.arange(start + 1, start + 1 + batch.num_rows)
            start += batch.num_rows
            yield Batch(lines, texts, source_columns, [], min(1.0, start / total))


def _row_bytes(file: pq.ParquetFile) -> float:
    """How large the rows are where they are largest."""
    groups = [file.metadata.row_group(n) for n in range(file.metadata.num_row_groups)]
    return max((group.total_byte_size / max(group.num_rows, 1) for group in groups), default=1)


def _batch_rows(file: pq.ParquetFile) -> int:
    """So many rows that a batch stays small even where a cell holds a document."""
    widest = _row_bytes(file)
    return max(1, min(BATCH_ROWS, int(BATCH_CHARS / max(widest, 1))))


def _guarded(batches: Iterator[pa.RecordBatch], path: Path) -> Iterator[pa.RecordBatch]:
    """A damaged page shows only when it is read."""
    while True:
        with readable(path, "Parquet"):
            batch = next(batches, None)
        if batch is None:
            return
        yield batch
