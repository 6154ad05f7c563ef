"""Rows of a table of text, a block of bytes at a time. A block that is not written as the rule book says is left alone.

In a clean block every quotation mark begins a cell, ends one, or is one of a pair inside of one, and all rows have as
many cells as there are columns. There, and only there, Arrow's reader and Python's give the same cells, and the parity
of quotation marks tells which line feeds end rows.
"""

from __future__ import annotations

import csv
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from batch.sniffing.separators import Dialect
from lifecycle.inputs.columns.blank_cells import text_buffers
from lifecycle.inputs.columns.text_source import TextSource

BLOCK_BYTES, LEAST_BYTES = 4 << 20, 1 << 18
FIRST_BYTES = 1 << 16  # that the first row of a block usually fits in
_SUSPECT_LINES = 3  # of one row; see `RowReader`
_LF, _CR = 10, 13
_ODD_SIGNS = (b"\0", b"\x1a")
_NO_SEPARATOR = "\x01"
_REPLACED = "\ufffd".encode()
Places = npt.NDArray[np.int64]


class CsvBlock(NamedTuple):
    """Rows that are not blank: the number of each one's first line, and the columns. `next_line` follows them."""

    lines: Places
    columns: list[pa.Array]
    next_line: int


class CsvBlocks:
    """Reads blocks of rows of `width` cells, all smaller than `limit` bytes.

    With `checked`, replacement characters are no clean text.
    """

    def __init__(self, source: TextSource, dialect: Dialect, width: int, limit: int, *, checked: bool) -> None:
        self._source = source
        self._separator = dialect.separator.encode()
        self._quote = dialect.quote.encode()
        self._width, self._limit = width, limit
        self._odd_signs = _ODD_SIGNS if dialect.separator else (*_ODD_SIGNS, _NO_SEPARATOR.encode())
        self._checked = checked
        self._dialect = dialect
        self._cells = width  # of each row, those behind the last column included, which are empty
        self._parse = pa_csv.ParseOptions(
            delimiter=dialect.separator or _NO_SEPARATOR,
            quote_char=dialect.quote or False,
            double_quote=bool(dialect.quote),
            newlines_in_values=bool(dialect.quote),
        )
        self.size = BLOCK_BYTES

    @property
    def place(self) -> int:
        """How many bytes of the text were read, by whomever."""
        return self._source.place

    @staticmethod
    def can_read(dialect: Dialect) -> bool:
        """Whether tables that are written so can have clean blocks."""
        signs = [sign for sign in (dialect.separator, dialect.quote) if sign]
        plain = all(sign.isascii() and sign not in "\r\n\0" for sign in signs)
        return plain and not dialect.escape and not dialect.spaced and dialect.separator != " "

    def read(self, line: int) -> CsvBlock | None:
        """The rows of the next block, whose first line has this number; None if there is none, or none that is clean.

        What is not returned is not consumed: about `size` bytes, the least that is tried.
        """
        while True:
            data = self._source.block(self.size)
            block, used = self._read(data, line, at_end=len(data) < self.size)
            self._source.unread(data[used:])
            if block is not None:
                self.size = min(BLOCK_BYTES, self.size * 2)
                return block
            if self.size == LEAST_BYTES or not data:
                return None
            self.size = LEAST_BYTES

    def _read(self, data: bytes, line: int, *, at_end: bool) -> tuple[CsvBlock | None, int]:
        """The rows of a block, and how many bytes they took."""
        cut = self._cut(data, at_end) if data and self._is_plain(data) else None
        if cut is None:
            return None, 0
        ends, feeds = cut
        size = int(ends[-1]) + 1
        block = self._block(data[:size], ends, feeds, line)
        return block, size if block is not None else 0

    def _is_plain(self, data: bytes) -> bool:
        return (
            len(data) < self._limit
            and not any(sign in data for sign in self._odd_signs)
            and (b"\r" not in data or data.count(b"\r") == data.count(b"\r\n"))
            and not (self._checked and _REPLACED in data)
        )

    def _cut(self, data: bytes, at_end: bool) -> tuple[Places, Places] | None:
        """Where rows end, and where line feeds are; None if quotation marks are out of place, or no row ends."""
        signs = np.frombuffer(data, np.uint8)
        feeds = np.flatnonzero(signs == _LF)
        if at_end and signs[-1] != _LF:
            feeds = np.append(feeds, len(signs))
        quoted = bool(self._quote) and self._quote in data
        marks = np.flatnonzero(signs == self._quote[0]) if quoted else np.zeros(0, np.int64)
        ends = feeds[np.searchsorted(marks, feeds) & 1 == 0] if quoted else feeds
        if not len(ends) or (at_end and ends[-1] != feeds[-1]):
            return None
        if quoted and not self._are_in_place(signs, marks[: np.searchsorted(marks, ends[-1])]):
            return None
        return ends, feeds

    def _are_in_place(self, signs: npt.NDArray[np.uint8], marks: Places) -> bool:
        """Whether each quotation mark begins or ends a cell, or is one of a pair."""
        separator = self._separator[0] if self._separator else _LF
        begin, end = marks[0::2], marks[1::2]
        before = signs[np.maximum(begin - 1, 0)]
        begins = (before == separator) | (before == _LF) | (begin == 0)
        begins[1:] |= begin[1:] == end[:-1] + 1
        after = signs[np.minimum(end + 1, len(signs) - 1)]
        ends = (after == separator) | (after == _LF) | (after == _CR) | (end + 1 == len(signs))
        ends[:-1] |= end[:-1] + 1 == begin[1:]
        return bool(begins.all() and ends.all())

    def _block(self, data: bytes, ends: Places, feeds: Places, line: int) -> CsvBlock | None:
        columns = self._columns(data)
        if columns is None:
            return None
        starts = np.concatenate(([0], ends[:-1] + 1))
        places = np.searchsorted(feeds, ends)
        firsts = np.concatenate(([0], places[:-1] + 1))
        filled = _filled(data, starts, ends)
        lines = firsts[filled] + line
        if len(lines) != len(columns[0]) or self._may_be_swallowed(columns, (places - firsts + 1)[filled]):
            return None
        kept = ~_are_all_empty(columns)
        if not kept.all():
            lines, columns = lines[kept], [column.filter(pa.array(kept)) for column in columns]
        return CsvBlock(lines, columns, line + int(places[-1]) + 1)

    def _columns(self, data: bytes) -> list[pa.Array] | None:
        """The columns; None if rows differ in how many cells they have, or have more than empty ones behind them."""
        try:
            columns = self._parsed(data)
        except pa.ArrowInvalid:
            cells = self._first_cells(data[:FIRST_BYTES])
            if not self._width <= cells != self._cells:
                return None
            self._cells = cells
            try:
                columns = self._parsed(data)
            except pa.ArrowInvalid:
                return None
        further = columns[self._width :]
        return columns[: self._width] if not further or _are_all_empty(further).all() else None

    def _first_cells(self, data: bytes) -> int:
        """How many cells the first row has, 0 where that cannot be seen."""
        lines = (line + "\n" for line in data.decode("utf-8", "replace").split("\n"))
        try:
            return len(next(self._dialect.reader(lines), []))
        except csv.Error:
            return 0

    def _parsed(self, data: bytes) -> list[pa.Array]:
        names = [str(n) for n in range(self._cells)]
        table = pa_csv.read_csv(
            pa.BufferReader(data),
            pa_csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
            self._parse,
            pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=True
            ),
        )
        columns = [column.combine_chunks() for column in table.columns]
        return [pa.concat_arrays(c.chunks) if isinstance(c, pa.ChunkedArray) else c for c in columns]

    def _may_be_swallowed(self, columns: list[pa.Array], spans: Places) -> bool:
        """Whether lines inside of a row may be rows of their own, so that the row has to be looked at."""
        long = spans >= _SUSPECT_LINES
        if self._width < 2 or not long.any():
            return False
        inside = np.zeros(len(spans), np.int64)
        for column in columns:
            if (text_buffers(column)[1] == self._separator[0]).any():
                counts = pc.count_substring(column, self._separator.decode())
                inside += counts.to_numpy(zero_copy_only=False)
        return bool((long & (inside == spans * (self._width - 1) - (self._cells - 1))).any())


def _filled(data: bytes, starts: Places, ends: Places) -> npt.NDArray[np.bool_]:
    """The lines with anything on them."""
    signs = np.frombuffer(data, np.uint8)
    sizes = ends - starts
    only_return = (sizes == 1) & (signs[np.minimum(starts, len(signs) - 1)] == _CR)
    filled: npt.NDArray[np.bool_] = (sizes > 0) & ~only_return
    return filled


def _are_all_empty(columns: list[pa.Array]) -> npt.NDArray[np.bool_]:
    empty = np.ones(len(columns[0]), bool)
    for column in columns:
        if not empty.any():
            break
        empty &= pc.equal(pc.binary_length(column), 0).to_numpy(zero_copy_only=False)
    return empty
