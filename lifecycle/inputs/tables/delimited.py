"""CSV, TSV and their like: text with one row a line and a separator between cells."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO

import pyarrow as pa

from batch.errors import Fault, InputError
from batch.formatting import plural
from batch.requests.row_checker import LINE_LIMIT_BYTES
from batch.sniffing.column_names import column_names
from batch.sniffing.encodings import UTF8, FoundEncoding, find_encoding, named_encoding
from batch.sniffing.text_layout import TextLayout, WantedLayout, find_layout, is_comment
from batch.sniffing.totals import is_footer
from lifecycle.inputs.tables.csv_rows import RowReader, cell_count_fault
from lifecycle.inputs.tables.reading import NO_QUOTE, ReadAs, TableReading
from lifecycle.inputs.tables.table import (
    BATCH_CHARS,
    BATCH_ROWS,
    MAX_COLUMNS,
    Batch,
    Table,
    string_schema,
    too_many_columns,
)
from lifecycle.inputs.tables.text import open_binary

SAMPLE_CHARS = 1 << 17
FOOTER_ROWS = 3
_QUOTE_REMEDY = "Put cells that hold the separator or a line break in quotation marks."
_ENCODING_REMEDY = "Choose the encoding, or save the file as UTF-8."


@contextmanager
def open_delimited(
    source: Path | str, reading: TableReading, *, glance: bool = False, packed: str = ""
) -> Iterator[Table]:
    """A table of text. At a `glance` only its beginning is looked at to find the encoding."""
    with open_binary(source) as (stream, size):
        encoding = _encoding(stream, source, reading, glance)
        text = _text(stream, encoding)
        lines, complete = _sample(text, reading.header_row)
        layout = find_layout(lines, _wanted(reading), complete=complete)
        _check_layout(layout, lines)
        names = column_names(layout.names)
        text.seek(0)
        for _ in range(layout.first_line - 1):
            text.readline()
        reader = RowReader(
            text,
            layout.dialect,
            LINE_LIMIT_BYTES,
            line=layout.first_line,
            width=len(names),
            checked="" if encoding.codec.startswith("utf") and not encoding.bad_line else encoding.name,
        )
        yield _CsvTable(
            names=names,
            schema=string_schema(names),
            read_as=_read_as(packed, encoding, layout, lines),
            notes=_notes(layout, encoding, reading),
            reader=reader,
            layout=layout,
            stream=stream,
            size=max(size, 1),
        )


def _encoding(stream: BinaryIO, source: Path | str, reading: TableReading, glance: bool) -> FoundEncoding:
    if isinstance(source, str):
        return FoundEncoding(UTF8)
    found = named_encoding(reading.encoding) if reading.encoding else find_encoding(stream, glance=glance)
    stream.seek(0)
    return found


def _text(stream: BinaryIO, encoding: FoundEncoding) -> TextIO:
    """The text, whose lines end as most of the first ones do: a lone carriage return may be part of a cell."""
    start = stream.read(1 << 16).decode(encoding.codec, "replace")
    stream.seek(0)
    returns = start.count("\r") - start.count("\r\n")
    only_returns = returns > start.count("\n")
    return io.TextIOWrapper(stream, encoding.codec, errors="replace", newline="" if only_returns else "\n")


def _sample(text: TextIO, header_row: int | None) -> tuple[list[str], bool]:
    """The first lines, far enough to see some below the header's, and whether they are all there are."""
    lines: list[str] = []
    chars = 0
    while chars < SAMPLE_CHARS or (header_row and len(lines) < header_row + 50):
        line = text.readline(SAMPLE_CHARS)
        if not line:
            return lines, True
        lines.append(line)
        chars += len(line)
        if chars > LINE_LIMIT_BYTES:
            break
    return lines, False


def _wanted(reading: TableReading) -> WantedLayout:
    quote = "" if reading.quote == NO_QUOTE else reading.quote or None
    if quote is not None and len(quote) > 1:
        raise InputError("A quotation mark is a single character.", f'Give one, or "{NO_QUOTE}".')
    separator = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "space": " ", "pipe": "|"}.get(
        reading.separator.casefold(), reading.separator
    )
    if len(separator) > 1 or separator in ("\n", "\r"):
        raise InputError("A separator is a single character.", 'Give it as it is, or as "tab".')
    if separator and separator == quote:
        raise InputError("The separator and the quotation mark are the same.", "Choose two different ones.")
    return WantedLayout(separator, quote, reading.header_row, reading.header_rows)


def _check_layout(layout: TextLayout, lines: list[str]) -> None:
    if not layout.names:
        raise InputError("The table is empty.", "The first line names the columns.")
    if len(layout.names) > MAX_COLUMNS:
        raise too_many_columns(len(layout.names))


def _read_as(packed: str, encoding: FoundEncoding, layout: TextLayout, lines: list[str]) -> ReadAs:
    question, remedy = (encoding.question, _ENCODING_REMEDY) if encoding.question else (layout.question, layout.remedy)
    first = lines[0] if lines else ""
    return ReadAs(
        "tsv" if layout.dialect.separator == "\t" else "csv",
        packed=packed,
        encoding=encoding.codec.removesuffix("-sig"),
        separator=layout.dialect.separator,
        quote=layout.dialect.quote,
        escape=layout.dialect.escape,
        line_end="\r\n" if first.endswith("\r\n") else first[-1:] if first.endswith(("\n", "\r")) else "\n",
        header_row=layout.header_line,
        header_rows=layout.header_rows,
        first_row=layout.first_line,
        skipped_lines=layout.skipped_lines,
        question=question,
        remedy=remedy,
    )


def _notes(layout: TextLayout, encoding: FoundEncoding, reading: TableReading) -> list[str]:
    notes = list(layout.notes)
    if any(not name.strip() for name in layout.names) and layout.header_line:
        notes.append("Columns without a name of their own were given one.")
    elif layout.header_line and len({name.strip().casefold() for name in layout.names}) < len(layout.names):
        notes.append("Columns that share a name were given numbers.")
    if encoding.bad_line and not reading.encoding and encoding.codec != UTF8:
        notes.append(
            f"The file is not UTF-8 (line {encoding.bad_line}); it was read as {encoding.name}. If letters look wrong,"
            " choose another encoding."
        )
    return notes


@dataclass(kw_only=True)
class _CsvTable(Table):
    reader: RowReader
    layout: TextLayout
    stream: BinaryIO
    size: int
    comments: int = 0

    def batches(self, text_columns: Sequence[int]) -> Iterator[Batch]:
        rows: list[list[str]] = []
        lines: list[int] = []
        chars = 0
        faults: list[tuple[int, Fault]] = []
        for line, row in self._rows_without_footer():
            if isinstance(row, Fault):
                faults.append((line, row))
            else:
                rows.append(row)
                lines.append(line)
                chars += sum(map(len, row))
            if len(rows) + len(faults) >= BATCH_ROWS or chars >= BATCH_CHARS:
                yield self._batch(lines, rows, text_columns, faults)
                rows, lines, chars, faults = [], [], 0, []
        if rows or faults:
            yield self._batch(lines, rows, text_columns, faults)
        if self.comments:
            self.notes.append(f"{plural(self.comments, 'comment')} between the rows left out.")

    def _rows_without_footer(self) -> Iterator[tuple[int, list[str] | Fault]]:
        """Rows with as many cells as there are columns, without sums and remarks below the last one."""
        last: list[tuple[int, list[str] | Fault]] = []
        for line, row in self.reader.rows():
            if isinstance(row, list):
                if not any(row):
                    continue
                if is_comment(row, self.layout.comment, len(self.names)):
                    self.comments += 1
                    continue
            last.append((line, row))
            if len(last) > FOOTER_ROWS:
                line, row = last.pop(0)
                yield line, row if isinstance(row, Fault) else self._fitted(row)
        yield from ((line, row if isinstance(row, Fault) else self._fitted(row)) for line, row in self._body(last))

    def _body(self, last: list[tuple[int, list[str] | Fault]]) -> list[tuple[int, list[str] | Fault]]:
        """The last rows up to where a footer begins."""
        left_out = 0
        while len(last) > 1 and isinstance(last[-1][1], list) and is_footer(last[-1][1], len(self.names)):
            last = last[:-1]
            left_out += 1
        if left_out:
            self.notes.append(f"{plural(left_out, 'row')} below the table (a total or a remark) left out.")
        return last

    def _fitted(self, row: list[str]) -> list[str] | Fault:
        width = len(self.names)
        if len(row) == width:
            return row
        if len(row) > width and not any(row[width:]):
            return row[:width]
        return cell_count_fault(len(row), width, _QUOTE_REMEDY)

    def _batch(
        self, lines: list[int], rows: list[list[str]], text_columns: Sequence[int], faults: list[tuple[int, Fault]]
    ) -> Batch:
        columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in self.names]
        source_columns = pa.RecordBatch.from_arrays(
            [pa.array(column, pa.string()) for column in columns], schema=self.schema
        )
        progress = min(1.0, self.stream.tell() / self.size)
        return Batch(lines, {n: columns[n] for n in text_columns}, source_columns, faults, progress)
