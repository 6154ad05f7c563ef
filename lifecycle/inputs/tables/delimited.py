"""CSV and TSV."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import pyarrow as pa

from batch.errors import Fault, InputError
from batch.requests.input_formats import StrictCsv, column_names, detect_delimiter, text_lines
from batch.requests.row_checker import LINE_LIMIT_BYTES
from lifecycle.inputs.tables.reading import ReadAs
from lifecycle.inputs.tables.table import BATCH_CHARS, BATCH_ROWS, Batch, Table, cell_count_fault, string_schema
from lifecycle.inputs.tables.text import open_text

_QUOTE_REMEDY = "Put cells that hold the separator or a line break in quotation marks."


@contextmanager
def open_delimited(source: Path | str, kind: str) -> Iterator[Table]:
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
            names=[],
            schema=pa.schema([]),
            read_as=ReadAs(kind),
            notes=notes,
            lines=lines,
            reader=reader,
            stream=stream,
            size=size,
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
                    faults.append((line, cell_count_fault(len(row), width, _QUOTE_REMEDY)))
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
