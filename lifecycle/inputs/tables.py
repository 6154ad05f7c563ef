"""Read CSV, TSV, Parquet and XLSX a batch of rows at a time, each cell both as a person sees it and with its type."""

from __future__ import annotations

import csv
import datetime
import io
import tempfile
import warnings
import xml.etree.ElementTree as ET
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TextIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from batch.errors import Fault, InputError
from batch.formatting import plural
from batch.requests.input_formats import (
    PARQUET,
    TABLE_KINDS,
    XLSX,
    StrictCsv,
    as_text,
    column_names,
    detect_delimiter,
    detect_encoding,
    text_lines,
)
from batch.requests.row_checker import LINE_LIMIT_BYTES

if TYPE_CHECKING:
    from openpyxl import Workbook

BATCH_ROWS = 4096
BATCH_CHARS = 3_000_000
PREVIEW_ROWS = 5
XLSX_UNPACKED_BYTES = 2_000_000_000  # a worksheet of a million rows stays below; a zip bomb does not
# The names that `inputs.parquet` has for itself.
RESERVED_NAMES = ("n", "key", "prompt", "line")


class Batch(NamedTuple):
    """Some rows.

    `lines` are their 1-based places in the source, `texts` the cells of the columns asked for, as text (by column),
    `source_columns` every column with its type; rows that are broken are in `faults` only.
    """

    lines: list[int]
    texts: dict[int, list[str]]
    source_columns: pa.RecordBatch
    faults: list[tuple[int, Fault]]
    progress: float


class Preview(NamedTuple):
    """A table's columns and its first rows, as text."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(kw_only=True)
class Table(ABC):
    """A table that is open for reading once. `schema` names the columns as `inputs.parquet` will have them."""

    names: list[str]
    schema: pa.Schema
    notes: list[str] = field(default_factory=list)

    @abstractmethod
    def batches(self, text_columns: Sequence[int]) -> Iterator[Batch]:
        """The rows in order. `text_columns` are those whose text is needed."""


def table_preview(source: Path | str, kind: str) -> Preview:
    """Look at a table's columns and first rows, for composing a template. Raises InputError."""
    with open_table(source, kind) as table:
        text_columns = range(len(table.names))
        first = next(table.batches(text_columns), None)
        rows = zip(*(first.texts[n][:PREVIEW_ROWS] for n in text_columns), strict=True) if first else ()
        return Preview(tuple(table.names), tuple(rows))


@contextmanager
def open_table(source: Path | str, kind: str) -> Iterator[Table]:
    """Open a table. Raises InputError if it cannot be read as what it is said to be."""
    if kind not in TABLE_KINDS:
        raise InputError(f'"{kind}" is not a table.', "Use CSV, TSV, Parquet or XLSX.")
    if kind in (PARQUET, XLSX):
        if isinstance(source, str):
            raise InputError(f"A table in {kind} cannot be pasted.", "Give it as a file.")
        opened = _parquet(source) if kind == PARQUET else _xlsx(source)
    else:
        opened = _csv(source, kind)
    with opened as table:
        yield table


def unique_column_names(names: Sequence[str], taken_names: Sequence[str] = RESERVED_NAMES) -> list[str]:
    """The columns' names in `inputs.parquet`: a name that is taken there gets "(input)" behind it."""
    taken = {name.casefold() for name in taken_names}
    out = []
    for name in names:
        stored = name
        while stored.casefold() in taken:
            stored += " (input)"
        taken.add(stored.casefold())
        out.append(stored)
    return out


def string_schema(names: Sequence[str]) -> pa.Schema:
    return pa.schema([(name, pa.string()) for name in unique_column_names(names)])


# -- CSV and TSV -------------------------------------------------------------------------------------------------------


@contextmanager
def open_binary(source: Path | str) -> Iterator[tuple[BinaryIO, int]]:
    """A source's bytes and their number, whether a file or pasted text. Raises InputError if it cannot be opened."""
    if isinstance(source, str):
        pasted = source.encode("utf-8", "surrogatepass")
        yield io.BytesIO(pasted), len(pasted)
        return
    try:
        file = source.open("rb")
        size = source.stat().st_size
    except OSError as error:
        raise InputError(f"The file {source.name} cannot be read: {error.strerror}.", "Choose another file.") from None
    with file:
        yield file, size


@contextmanager
def open_text(source: Path | str, notes: list[str]) -> Iterator[tuple[TextIO, BinaryIO, int]]:
    """A source's text in its own encoding, the stream below it, and its size; `notes` tells of a fallback."""
    with open_binary(source) as (stream, size):
        encoding, bad = detect_encoding(stream)
        if bad:
            notes.append(
                f"The file is not UTF-8 (line {bad}); it was read as Windows-1252. If letters look wrong, save it as"
                " UTF-8 and choose it again."
            )
        stream.seek(0)
        yield io.TextIOWrapper(stream, encoding, newline=""), stream, max(size, 1)


@contextmanager
def _csv(source: Path | str, kind: str) -> Iterator[Table]:
    notes: list[str] = []
    with open_text(source, notes) as (text, stream, size):
        start = text.read(65_536).lstrip("\r\n")
        text.seek(0)
        dialect = StrictCsv()
        dialect.delimiter = detect_delimiter(start.splitlines()[0] if start.strip() else "", kind)
        csv.field_size_limit(LINE_LIMIT_BYTES)
        lines = _CsvLines(text)
        reader = csv.reader(lines, dialect)
        table = _CsvTable(
            names=[], schema=pa.schema([]), notes=notes, lines=lines, reader=reader, stream=stream, size=size
        )
        table.read_header()
        yield table


class _CsvLines:
    """The lines of a CSV file. One over the limit is empty, and its number is left in `too_long`."""

    def __init__(self, text: TextIO) -> None:
        self._lines = text_lines(text, LINE_LIMIT_BYTES)
        self.too_long: list[int] = []

    def __iter__(self) -> Iterator[str]:
        for number, line in self._lines:
            if line is None:
                self.too_long.append(number)
            yield line or ""


@dataclass(kw_only=True)
class _CsvTable(Table):
    lines: _CsvLines
    reader: Any
    stream: BinaryIO
    size: int

    def read_header(self) -> None:
        try:
            header = next((row for row in self.reader if any(cell.strip() for cell in row)), None)
        except csv.Error as error:
            raise InputError(f"The table's header cannot be read: {error}.", "Correct the first line.") from None
        if header is None:
            raise InputError("The table is empty.", "The first line names the columns.")
        if header[0].lstrip().startswith("{") and "contents" in "".join(header):
            raise InputError("The file is not a table; its lines look like JSONL.", "Name it .jsonl.")
        self.names = column_names(header)
        if self.names != header:
            self.notes.append("Columns without a name of their own were given one.")
        self.schema = string_schema(self.names)

    def batches(self, text_columns: Sequence[int]) -> Iterator[Batch]:
        width, rows, lines, chars = len(self.names), [], [], 0
        faults: list[tuple[int, Fault]] = []
        while (numbered_row := self._next()) is not None:
            line, row = numbered_row
            if isinstance(row, Fault):
                faults.append((line, row))
            elif len(row) != width:
                if any(row):
                    faults.append((line, _cell_count_fault(len(row), width)))
            else:
                rows.append(row)
                lines.append(line)
                chars += sum(map(len, row))
            if len(rows) + len(faults) >= BATCH_ROWS or chars >= BATCH_CHARS:
                yield self._batch(lines, rows, text_columns, faults)
                rows, lines, chars, faults = [], [], 0, []
        if rows or faults:
            yield self._batch(lines, rows, text_columns, faults)

    def _next(self) -> tuple[int, list[str] | Fault] | None:
        line = self.reader.line_num + 1
        try:
            row = next(self.reader)
            if self.lines.too_long:
                return self.lines.too_long.pop(), Fault("A line is too long.", "Close its quotation marks.")
            return line, row
        except StopIteration:
            return None
        except csv.Error as error:
            return line, Fault(f"The row cannot be read: {error}.", "Look at its quotation marks.")

    def _batch(
        self, lines: list[int], rows: list[list[str]], text_columns: Sequence[int], faults: list[tuple[int, Fault]]
    ) -> Batch:
        columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in self.names]
        source_columns = pa.RecordBatch.from_arrays(
            [pa.array(column, pa.string()) for column in columns], schema=self.schema
        )
        return Batch(
            lines, {n: columns[n] for n in text_columns}, source_columns, faults, self.stream.tell() / self.size
        )


def _cell_count_fault(cells: int, width: int) -> Fault:
    return Fault(
        f"The row has {plural(cells, 'cell')}, but the table has {plural(width, 'column')}.",
        "Put cells that hold the separator or a line break in quotation marks.",
    )


# -- Parquet -----------------------------------------------------------------------------------------------------------


@contextmanager
def _parquet(path: Path) -> Iterator[Table]:
    with _readable(path, "Parquet"):
        file = pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
    with file:
        header_names = list(file.schema_arrow.names)
        names = column_names(header_names)
        fields = [file.schema_arrow.field(n).with_name(name) for n, name in enumerate(unique_column_names(names))]
        table = _ParquetTable(names=names, schema=pa.schema(fields), path=path, file=file)
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
        with _readable(path, "Parquet"):
            batch = next(batches, None)
        if batch is None:
            return
        yield batch


def _texts(column: pa.Array) -> list[str]:
    if pa.types.is_float32(column.type) or pa.types.is_float16(column.type):
        return [as_text(None if v is None else float(str(np.float32(v)))) for v in column.to_pylist()]
    return [value if type(value) is str else as_text(value) for value in column.to_pylist()]


# -- XLSX --------------------------------------------------------------------------------------------------------------

# What goes wrong inside a workbook shows as almost anything.
_BROKEN = (
    OSError, KeyError, ValueError, TypeError, AttributeError, IndexError, zipfile.BadZipFile, ET.ParseError,
    NotImplementedError, EOFError, zipfile.LargeZipFile, pa.ArrowException,
)  # fmt: skip


@contextmanager
def _readable(path: Path, kind: str) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"There is no file {path.name}.", "Choose another file.") from None
    except _BROKEN as error:
        detail = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        message = f"{path.name} cannot be read as {kind}: {detail.rstrip('.')}."
        raise InputError(message, "Save it again, or export it as CSV.") from None


@contextmanager
def _xlsx(path: Path) -> Iterator[Table]:
    """A workbook's first sheet, spooled once as text: only then are the types of its columns known."""
    with tempfile.TemporaryDirectory() as folder:
        spool = Path(folder) / "sheet.parquet"
        with _readable(path, "XLSX"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            names, kinds, notes = _copy_to_parquet(path, spool)
        fields = zip(unique_column_names(names), (column_type(kind) for kind in kinds), strict=True)
        with pq.ParquetFile(spool) as file:
            yield _XlsxTable(names=names, schema=pa.schema(list(fields)), notes=notes, file=file)


def _open_workbook(path: Path) -> Workbook:
    from openpyxl import load_workbook  # takes longer to import than anything else here, and only workbooks need it
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        return load_workbook(path, read_only=True, data_only=True)
    except InvalidFileException as error:
        raise ValueError(str(error)) from error


def _copy_to_parquet(path: Path, spool: Path) -> tuple[list[str], list[set[str]], list[str]]:
    with zipfile.ZipFile(path) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > XLSX_UNPACKED_BYTES:
            raise InputError(f"{path.name} is too large for XLSX.", "Export it as CSV or Parquet.")
    book = _open_workbook(path)
    try:
        sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"] or book.worksheets
        if not sheets:
            raise InputError(f"{path.name} has no worksheet.", "Choose another file.")
        sheet = sheets[0]
        sheet.reset_dimensions()
        rows = ((n, _trimmed(row)) for n, row in enumerate(sheet.iter_rows(values_only=True), 1))
        _, header = next(((n, row) for n, row in rows if row), (0, None))
        if header is None:
            raise InputError(f'The sheet "{sheet.title}" is empty.', "The first row names the columns.")
        header_names = [as_text(value) for value in header]
        names = column_names(header_names)
        notes = [] if names == header_names else ["Columns without a name of their own were given one."]
        if len(sheets) > 1:
            notes.append(f'Only the first sheet, "{sheet.title}", was read.')
        kinds: list[set[str]] = [set() for _ in names]
        _write_text_rows(rows, spool, kinds)
        return names, kinds, notes
    finally:
        book.close()


def _trimmed(row: Sequence[Any]) -> list[Any]:
    cells = list(row)
    while cells and (cells[-1] is None or cells[-1] == ""):
        cells.pop()
    return cells


def _write_text_rows(rows: Iterator[tuple[int, list[Any]]], spool: Path, kinds: list[set[str]]) -> None:
    width = len(kinds)
    schema = pa.schema([("line", pa.int64()), ("cells", pa.int32()), *((str(n), pa.string()) for n in range(width))])
    with pq.ParquetWriter(spool, schema, compression="lz4") as writer:
        pending: list[list[Any]] = []
        for line, row in rows:
            if not row:
                continue
            cells = row[:width] + [None] * (width - len(row))
            for kind, value in zip(kinds, cells, strict=True):
                if value is not None:
                    kind.add(_kind_of_value(value))
            pending.append([line, len(row), *(None if v is None else as_text(v) for v in cells)])
            if len(pending) >= BATCH_ROWS:
                writer.write_batch(_columns(pending, schema))
                pending = []
        if pending:
            writer.write_batch(_columns(pending, schema))


def _columns(rows: list[list[Any]], schema: pa.Schema) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    return pa.RecordBatch.from_arrays(
        [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema
    )


def _kind_of_value(value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int" if abs(value) < 2**63 else "str"
    if isinstance(value, float):
        return "float"
    if isinstance(value, datetime.datetime):
        return "date" if value.time() == datetime.time() else "datetime"
    return "date" if isinstance(value, datetime.date) else "str"


def column_type(kinds: set[str]) -> pa.DataType:
    """The narrowest type that holds values of all these kinds."""
    for wide, type_ in (
        ({"bool"}, pa.bool_()),
        ({"int"}, pa.int64()),
        ({"int", "float"}, pa.float64()),
        ({"date"}, pa.date32()),
        ({"date", "datetime"}, pa.timestamp("us")),
    ):
        if kinds and kinds <= wide:
            return type_
    return pa.string()


@dataclass(kw_only=True)
class _XlsxTable(Table):
    file: pq.ParquetFile

    def batches(self, text_columns: Sequence[int]) -> Iterator[Batch]:
        total, start, width = max(self.file.metadata.num_rows, 1), 0, len(self.names)
        for batch in self.file.iter_batches(batch_size=BATCH_ROWS):
            start += batch.num_rows
            lines, cells = batch.column(0).to_pylist(), batch.column(1).to_pylist()
            faults = [(line, _cell_count_fault(n, width)) for line, n in zip(lines, cells, strict=True) if n > width]
            if faults:
                batch = batch.filter(pa.array([n <= width for n in cells]))
                lines = batch.column(0).to_pylist()
            texts = {n: [value or "" for value in batch.column(n + 2).to_pylist()] for n in text_columns}
            typed = [batch.column(n + 2).cast(f.type) for n, f in enumerate(self.schema)]
            source_columns = pa.RecordBatch.from_arrays(typed, schema=self.schema)
            yield Batch(lines, texts, source_columns, faults, start / total)
