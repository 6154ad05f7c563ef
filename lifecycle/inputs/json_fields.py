"""Fields of JSON objects as columns: values as texts, and for each name the narrowest type that holds them all.

Ids and other things of one's own stand beside a request in JSONL, and in what Google echoes of it. Names and types
are known only after the last object, so texts are collected first and cast at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Raw

from lifecycle.inputs.tables.records import field_kind, field_text
from lifecycle.inputs.tables.table import column_type, unique_column_names

MAX_FIELDS = 100  # columns; what a stranger's lines have beyond that is counted, and left out
SPOOL_ROWS, SPOOL_BYTES = 8192, 2_000_000
_SPOOL_SCHEMA = pa.schema([("line", pa.int64()), ("fields", pa.string())])

_fields = msgspec.json.Decoder(dict[str, Raw]).decode


class FieldNames:
    """The names seen so far, in order, each with the kinds of its values. `dropped` counts values left out."""

    def __init__(self) -> None:
        self._kinds: dict[str, set[str]] = {}
        self.dropped = 0

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)

    def add(self, name: str, value: Raw) -> bool:
        """Take note of a value that is not null; False if there are too many names to keep it."""
        if name not in self._kinds and len(self._kinds) >= MAX_FIELDS:
            self.dropped += 1
            return False
        self._kinds.setdefault(name, set()).add(field_kind(value))
        return True

    def type_of(self, name: str) -> pa.DataType:
        """The type of a column that holds all values of this name."""
        return column_type(self._kinds[name])


class OwnFields:
    """What the lines of a draft have beside their requests, kept on disk by line until the draft is complete."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "fields.part"
        self._writer: pq.ParquetWriter | None = None
        self._lines: list[int] = []
        self._texts: list[bytes] = []
        self._bytes = 0
        self.names = FieldNames()

    def add(self, line: int, fields: Mapping[str, Raw]) -> None:
        """Take the fields of one line; lines come in ascending order."""
        kept = {name: value for name, value in fields.items() if self.names.add(name, value)}
        self._lines.append(line)
        self._texts.append(msgspec.json.encode(kept))
        self._bytes += len(self._texts[-1])
        if len(self._lines) >= SPOOL_ROWS or self._bytes >= SPOOL_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, _SPOOL_SCHEMA, compression="lz4", use_dictionary=False)
        columns = [pa.array(self._lines, pa.int64()), pa.array([text.decode() for text in self._texts], pa.string())]
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=_SPOOL_SCHEMA))
        self._lines, self._texts, self._bytes = [], [], 0

    def append_to(self, inputs: Path) -> None:
        """Give the rows of an inputs.parquet these fields as columns, by their line. Does nothing without any."""
        if not self.names:
            return
        self._flush()
        if self._writer is not None:
            self._writer.close()
        part = inputs.with_suffix(".fields")
        with pq.ParquetFile(inputs, pre_buffer=False) as file, pq.ParquetFile(self._path, pre_buffer=False) as spool:
            given = file.schema_arrow
            stored = unique_column_names([*self.names], given.names)
            fields = [pa.field(name, self.names.type_of(own)) for name, own in zip(stored, self.names, strict=True)]
            schema = pa.schema([*given, *fields])
            rows = _SpooledRows(spool)
            with pq.ParquetWriter(part, schema, compression="lz4", write_statistics=["n"]) as out:
                for group in range(file.num_row_groups):
                    for batch in file.iter_batches(SPOOL_ROWS, row_groups=[group]):
                        texts = rows.texts(batch.column("line").to_pylist(), [*self.names])
                        columns = [
                            pa.array(column, pa.string()).cast(field.type)
                            for column, field in zip(texts, fields, strict=True)
                        ]
                        out.write_batch(pa.RecordBatch.from_arrays([*batch.columns, *columns], schema=schema))
        part.replace(inputs)

    def discard(self) -> None:
        """Remove the file of collected fields. May be called at any time."""
        if self._writer is not None:
            self._writer.close()
        self._path.unlink(missing_ok=True)


class _SpooledRows:
    """The collected fields, read once in ascending order of their lines."""

    def __init__(self, spool: pq.ParquetFile) -> None:
        self._rows = (
            pair
            for batch in spool.iter_batches(SPOOL_ROWS)
            for pair in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True)
        )
        self._next = next(self._rows, None)

    def texts(self, lines: Sequence[int], names: Sequence[str]) -> list[list[str | None]]:
        """For each name the texts of these lines, None where a line has no such field."""
        columns: list[list[str | None]] = [[] for _ in names]
        for line in lines:
            while self._next is not None and self._next[0] < line:
                self._next = next(self._rows, None)
            own = _fields(self._next[1]) if self._next is not None and self._next[0] == line else {}
            for column, name in zip(columns, names, strict=True):
                column.append(field_text(own[name]) if name in own else None)
        return columns
