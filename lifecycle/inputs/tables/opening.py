"""Open a table of any form, or look at its first rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from batch.errors import InputError
from batch.requests.input_formats import PARQUET, TABLE_KINDS, XLSX
from lifecycle.inputs.tables.delimited import open_delimited
from lifecycle.inputs.tables.parquet import open_parquet
from lifecycle.inputs.tables.reading import ReadAs, TableReading
from lifecycle.inputs.tables.table import Table
from lifecycle.inputs.tables.workbook import open_workbook

PREVIEW_ROWS = 5


@dataclass(frozen=True)
class PreviewColumn:
    """A column: its type in a word ("text", "number", …), and how many of the rows looked at have nothing in it."""

    name: str
    type: str
    empty: int


@dataclass(frozen=True)
class Preview:
    """A table's columns and its first `rows`, as text.

    `row_count` is None where counting would take too long; `rows_seen` is how many rows types and empty cells were
    counted over. `file_columns` are the columns whose cells seem to name files or hold their bytes.
    """

    columns: tuple[PreviewColumn, ...]
    rows: tuple[tuple[str, ...], ...]
    row_count: int | None
    rows_seen: int
    read_as: ReadAs
    file_columns: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(column.name for column in self.columns)


def table_preview(source: Path | str, kind: str, reading: TableReading | None = None) -> Preview:
    """Look at a table's columns and first rows, for composing a template. Raises InputError."""
    with open_table(source, kind, reading) as table:
        text_columns = range(len(table.names))
        first = next(table.batches(text_columns), None)
        texts = [first.texts[n] if first else [] for n in text_columns]
        columns = tuple(
            PreviewColumn(name, "text", sum(not text for text in column))
            for name, column in zip(table.names, texts, strict=True)
        )
        rows = tuple(zip(*(column[:PREVIEW_ROWS] for column in texts), strict=True))
        return Preview(columns, rows, None, len(first.lines) if first else 0, table.read_as)


@contextmanager
def open_table(source: Path | str, kind: str, reading: TableReading | None = None) -> Iterator[Table]:
    """Open a table. Raises InputError if it cannot be read as what it is said to be."""
    reading = reading or TableReading()
    if kind not in TABLE_KINDS:
        raise InputError(f'"{kind}" is not a table.', "Use CSV, TSV, Parquet or XLSX.")
    if kind in (PARQUET, XLSX):
        if isinstance(source, str):
            raise InputError(f"A table in {kind} cannot be pasted.", "Give it as a file.")
        opened = open_parquet(source) if kind == PARQUET else open_workbook(source)
    else:
        opened = open_delimited(source, kind)
    with opened as table:
        yield table
