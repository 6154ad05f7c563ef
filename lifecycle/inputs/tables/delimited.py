"""CSV, TSV and their like: text with one row a line and a separator between cells."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from batch.errors import Fault, InputError
from batch.formatting import plural
from batch.requests.input_formats import LineSource
from batch.requests.row_checker import LINE_LIMIT_BYTES
from batch.sniffing.column_names import column_names
from batch.sniffing.encodings import UTF8, FoundEncoding, find_encoding, named_encoding
from batch.sniffing.text_layout import TextLayout, WantedLayout, find_layout, is_comment
from batch.sniffing.totals import is_footer
from lifecycle.inputs.columns.csv_blocks import CsvBlock, CsvBlocks
from lifecycle.inputs.columns.text_source import TextSource
from lifecycle.inputs.tables.csv_rows import RowReader, cell_count_fault
from lifecycle.inputs.tables.reading import NO_QUOTE, ReadAs, TableReading
from lifecycle.inputs.tables.table import (
    BATCH_CHARS,
    BATCH_ROWS,
    MAX_COLUMNS,
    Batch,
    Lines,
    Table,
    string_schema,
    too_many_columns,
)
from lifecycle.inputs.tables.text import open_binary

SAMPLE_CHARS, SAMPLE_LINES = 1 << 17, 4
SAMPLE_LINE_CHARS = 2_000_000  # a header of 16,384 names of some length stays below
FOOTER_ROWS = 3
_QUOTE_REMEDY = "Put cells that hold the separator or a line break in quotation marks."
NumberedRow = tuple[int, list[str] | Fault]
_ENCODING_REMEDY = "Choose the encoding, or save the file as UTF-8."


@contextmanager
def open_delimited(
    source: Path | str, reading: TableReading, *, glance: bool = False, packed: str = ""
) -> Iterator[Table]:
    """A table of text. At a `glance` only its beginning is looked at to find the encoding."""
    with open_binary(source) as (stream, size):
        encoding = _encoding(stream, source, reading, glance)
        only_returns = _ends_lines_with_returns(stream, encoding)
        text = io.TextIOWrapper(stream, encoding.codec, errors="replace", newline="" if only_returns else "\n")
        lines, complete = _sample(text, reading.header_row)
        layout = find_layout(lines, _wanted(reading), complete=complete)
        _check_layout(layout, lines)
        names = column_names(layout.names)
        text.seek(0)
        checked = "" if encoding.codec.startswith("utf") and not encoding.bad_line else encoding.name
        blocks: CsvBlocks | None = None
        source_text: LineSource = text
        if not glance and not only_returns and CsvBlocks.can_read(layout.dialect):
            source_text = whole = TextSource(text.detach(), encoding.codec)
            blocks = CsvBlocks(whole, layout.dialect, len(names), LINE_LIMIT_BYTES, checked=bool(checked))
        for _ in range(layout.first_line - 1):
            source_text.readline(LINE_LIMIT_BYTES)
        reader = RowReader(
            source_text, layout.dialect, LINE_LIMIT_BYTES, line=layout.first_line, width=len(names), checked=checked
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
            blocks=blocks,
        )


def _encoding(stream: BinaryIO, source: Path | str, reading: TableReading, glance: bool) -> FoundEncoding:
    if isinstance(source, str):
        return FoundEncoding(UTF8)
    found = named_encoding(reading.encoding) if reading.encoding else find_encoding(stream, glance=glance)
    stream.seek(0)
    return found


def _ends_lines_with_returns(stream: BinaryIO, encoding: FoundEncoding) -> bool:
    """Whether most of the first lines end so: elsewhere, a lone carriage return may be part of a cell."""
    start = stream.read(1 << 16).decode(encoding.codec, "replace")
    stream.seek(0)
    returns = start.count("\r") - start.count("\r\n")
    return returns > start.count("\n")


def _sample(text: LineSource, header_row: int | None) -> tuple[list[str], bool]:
    """The first lines, far enough to see some below the header's, and whether they are all there are."""
    lines: list[str] = []
    chars = 0
    least = header_row + 50 if header_row else SAMPLE_LINES
    while chars < SAMPLE_CHARS or len(lines) < least:
        line = text.readline(SAMPLE_LINE_CHARS)
        if not line:
            return lines, True
        lines.append(line)
        chars += len(line)
        if chars > (LINE_LIMIT_BYTES if header_row else SAMPLE_LINE_CHARS):
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
        raise too_many_columns()


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
    blocks: CsvBlocks | None
    comments: int = 0
    ended: bool = False
    held: list[NumberedRow] = field(default_factory=list)  # the last rows, which may be no rows of the table

    def batches(self, text_columns: Sequence[int]) -> Iterator[Batch]:
        rows = self.reader.rows()
        while not self.ended:
            block = self.blocks.read(self.reader.next_line) if self.blocks else None
            if block is not None:
                self.reader.pass_over(block.next_line - self.reader.next_line)
                yield self._block_batch(block, text_columns)
            else:
                yield from self._row_batches(rows, text_columns)
        if self.comments:
            self.notes.append(f"{plural(self.comments, 'comment')} between the rows left out.")

    def _block_batch(self, block: CsvBlock, text_columns: Sequence[int]) -> Batch:
        """The rows of a block behind those that were held; its last ones are held."""
        held_lines, rows, faults = self._sorted_out(self.held)
        whole = max(0, len(block.lines) - FOOTER_ROWS)
        last = zip(*(column.slice(whole).to_pylist() for column in block.columns), strict=True)
        self.held = [(line, list(row)) for line, row in zip(block.lines[whole:].tolist(), last, strict=True)]
        columns = [column.slice(0, whole) for column in block.columns]
        if rows:
            held_columns = zip(*rows, strict=True)
            columns = [
                pa.concat_arrays([pa.array(held, pa.string()), column])
                for held, column in zip(held_columns, columns, strict=True)
            ]
        lines = np.concatenate((np.array(held_lines, np.int64), block.lines[:whole]))
        return self._batch(lines, columns, text_columns, faults)

    def _row_batches(
        self, rows: Iterator[tuple[int, list[str] | Fault]], text_columns: Sequence[int]
    ) -> Iterator[Batch]:
        """Rows that are looked at one by one, until a block can be tried again."""
        ready: list[NumberedRow] = []
        chars = 0
        for line, row in self._looked_at(rows):
            self.held.append((line, row))
            if len(self.held) > FOOTER_ROWS:
                ready.append(self.held.pop(0))
                chars += sum(map(len, row)) if isinstance(row, list) else 0
            if len(ready) >= BATCH_ROWS or chars >= BATCH_CHARS:
                yield self._row_batch(ready, text_columns)
                ready, chars = [], 0
        if self.ended:
            ready += self._body(self.held)
        if ready:
            yield self._row_batch(ready, text_columns)

    def _row_batch(self, numbered_rows: list[NumberedRow], text_columns: Sequence[int]) -> Batch:
        lines, rows, faults = self._sorted_out(numbered_rows)
        cells = zip(*rows, strict=True) if rows else ([] for _ in self.names)
        columns = [pa.array(column, pa.string()) for column in cells]
        return self._batch(np.array(lines, np.int64), columns, text_columns, faults)

    def _looked_at(self, rows: Iterator[tuple[int, list[str] | Fault]]) -> Iterator[NumberedRow]:
        """Rows that are neither blank nor comments, as far as a block that is not clean goes."""
        end = self.blocks.place + self.blocks.size if self.blocks else 0
        for line, row in rows:
            if isinstance(row, Fault):
                yield line, row
                continue
            if is_comment(row, self.layout.comment, len(self.names)):
                self.comments += 1
            elif any(row):
                yield line, row
            if self.blocks and self.reader.at_rest and self.blocks.place >= end:
                return
        self.ended = True

    def _body(self, last: list[NumberedRow]) -> list[NumberedRow]:
        """The last rows up to where a footer begins."""
        left_out = 0
        while len(last) > 1 and isinstance(last[-1][1], list) and is_footer(last[-1][1], len(self.names)):
            last = last[:-1]
            left_out += 1
        if left_out:
            self.notes.append(f"{plural(left_out, 'row')} below the table (a total or a remark) left out.")
        return last

    def _sorted_out(
        self, numbered_rows: list[NumberedRow]
    ) -> tuple[list[int], list[list[str]], list[tuple[int, Fault]]]:
        """The lines and cells of rows with as many cells as there are columns, and what is wrong with the others."""
        lines: list[int] = []
        rows: list[list[str]] = []
        faults: list[tuple[int, Fault]] = []
        for line, row in numbered_rows:
            fitted = row if isinstance(row, Fault) else self._fitted(row)
            if isinstance(fitted, Fault):
                faults.append((line, fitted))
            else:
                lines.append(line)
                rows.append(fitted)
        return lines, rows, faults

    def _fitted(self, row: list[str]) -> list[str] | Fault:
        width = len(self.names)
        if len(row) == width:
            return row
        if len(row) > width and not any(row[width:]):
            return row[:width]
        return cell_count_fault(len(row), width, _QUOTE_REMEDY)

    def _batch(
        self, lines: Lines, columns: list[pa.Array], text_columns: Sequence[int], faults: list[tuple[int, Fault]]
    ) -> Batch:
        source_columns = pa.RecordBatch.from_arrays(columns, schema=self.schema)
        progress = min(1.0, self.stream.tell() / self.size)
        texts = {n: source_columns.column(n) for n in text_columns}
        return Batch(lines, texts, source_columns, faults, progress)
