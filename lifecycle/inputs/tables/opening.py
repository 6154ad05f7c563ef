"""Open a table of any form, or look at its first rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa

from batch.errors import InputError
from batch.requests.input_formats import PARQUET as PARQUET_KIND
from batch.requests.input_formats import RECORDS, TABLE_KINDS, XLSX
from batch.sniffing.cell_types import EMPTY, TEXT, column_type
from batch.sniffing.json_values import LINES
from lifecycle.inputs.tables.delimited import open_delimited
from lifecycle.inputs.tables.forms import GZIP, JSON, PARQUET, WORKBOOK, ZIP, Form, form_of
from lifecycle.inputs.tables.packed import unpacked
from lifecycle.inputs.tables.parquet import open_parquet
from lifecycle.inputs.tables.reading import ReadAs, TableReading
from lifecycle.inputs.tables.records import are_requests, open_records
from lifecycle.inputs.tables.table import Table
from lifecycle.inputs.tables.workbook import open_workbook

PREVIEW_ROWS = 5
_BINARY_KINDS = {PARQUET_KIND: PARQUET, XLSX: WORKBOOK}
_MEDIA_SUFFIXES = (
    ".jpg", ".jpeg", ".png", ".webp", ".gif", ".heic", ".pdf", ".mp3", ".wav", ".m4a", ".flac", ".ogg", ".mp4", ".mov",
    ".webm", ".tif", ".tiff", ".bmp",
)  # fmt: skip


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
    with open_table(source, kind, reading, glance=True) as table:
        text_columns = range(len(table.names))
        batches = table.batches(text_columns)
        first = next(batches, None)
        texts = [first.texts[n].to_pylist() if first else [] for n in text_columns]
        columns = tuple(
            PreviewColumn(name, _type_word(field.type, column), sum(not text for text in column))
            for name, field, column in zip(table.names, table.schema, texts, strict=True)
        )
        rows = tuple(zip(*(column[:PREVIEW_ROWS] for column in texts), strict=True))
        seen = len(first.lines) if first else 0
        is_all = first is None or first.progress >= 1
        row_count = table.row_count if table.row_count is not None else seen if is_all else None
        file_columns = tuple(
            name
            for name, field, column in zip(table.names, table.schema, texts, strict=True)
            if holds_files(field.type, column)
        )
        read_as = replace(table.read_as, notes=tuple(table.notes), file_columns=file_columns)
        return Preview(columns, rows, row_count, seen, read_as, file_columns)


@contextmanager
def open_table(
    source: Path | str, kind: str, reading: TableReading | None = None, *, glance: bool = False
) -> Iterator[Table]:
    """Open a table, by what its bytes say it is. Raises InputError if it is none.

    A `glance` does not look at what comes after the first rows.
    """
    reading = reading or TableReading()
    if kind not in TABLE_KINDS:
        raise InputError(f'"{kind}" is not a table.', "Use CSV, TSV, Parquet or XLSX.")
    if isinstance(source, str) and kind in (PARQUET_KIND, XLSX):
        raise InputError(f"A table in {kind} cannot be pasted.", "Give it as a file.")
    form = form_of(source)
    if form.name in (GZIP, ZIP) and isinstance(source, Path):
        with unpacked(source, form.name, glance=glance) as inner:
            inside = form_of(inner)
            if inside.name in (GZIP, ZIP):
                raise InputError(f"{source.name} is packed twice.", "Unpack it once.")
            with _opened(inner, kind, inside, reading, glance, form.name) as table:
                yield table
        return
    with _opened(source, kind, form, reading, glance, "") as table:
        yield table


@contextmanager
def _opened(
    source: Path | str, kind: str, form: Form, reading: TableReading, glance: bool, packed: str
) -> Iterator[Table]:
    if form.name == PARQUET and isinstance(source, Path):
        opened = open_parquet(source, packed=packed)
    elif form.name == WORKBOOK and isinstance(source, Path):
        opened = open_workbook(source, reading, packed=packed)
    elif form.name == JSON and (kind == RECORDS or not isinstance(source, str)):
        if are_requests(source, form.json):
            remedy = "Name it .jsonl." if form.json == LINES else "Name it .json."
            raise InputError("The file is not a table; it holds requests as JSON (JSONL).", remedy)
        opened = open_records(source, form.json, glance=glance, packed=packed)
    else:
        opened = open_delimited(source, reading, glance=glance, packed=packed)
    with opened as table:
        if kind in _BINARY_KINDS and _BINARY_KINDS[kind] != form.name:
            table.notes.append(f"In spite of its name, the file is {table.read_as.format.upper()}.")
        yield table


def _type_word(kind: pa.DataType, texts: Sequence[str]) -> str:
    """A column's type as people call it; what is text by its type may look like something else."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_boolean(kind):
        return "yes/no"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_temporal(kind):
        return "date"
    if pa.types.is_nested(kind):
        return "list" if pa.types.is_list(kind) or pa.types.is_large_list(kind) else "object"
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return "bytes"
    return column_type(list(texts[:500])) if column_type(list(texts[:500])) != EMPTY else TEXT


def holds_bytes(kind: pa.DataType) -> bool:
    """Whether a column's type is bytes, or the bytes and path that data sets of pictures have."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        kind = kind.value_type
    if pa.types.is_struct(kind):
        return {"bytes", "path"} <= {kind.field(n).name for n in range(kind.num_fields)}
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def holds_files(kind: pa.DataType, texts: Sequence[str]) -> bool:
    """Whether a column's cells name files or hold their bytes, by its type and its first cells."""
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return any(text.startswith("<bytes, ") for text in texts)
    if pa.types.is_struct(kind):
        return {"bytes", "path"} <= {kind.field(n).name for n in range(kind.num_fields)}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.types.is_struct(kind.value_type) and holds_files(kind.value_type, ())
    filled = [text.strip() for text in texts[:200] if text.strip()]
    named = sum(len(text) < 2000 and "\n" not in text and _path(text).endswith(_MEDIA_SUFFIXES) for text in filled)
    return bool(filled) and named >= 0.8 * len(filled)


def _path(text: str) -> str:
    """The path of an address, or a path itself."""
    if "://" not in text:
        return text.casefold()
    try:
        return urlsplit(text).path.casefold()
    except ValueError:
        return ""
