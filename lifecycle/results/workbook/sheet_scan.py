"""The rows of a sheet as they stand in its XML, one after another, without its being parsed.

Rows are found by their tags. What could hide a tag (comments, sections of raw text, instructions) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, NamedTuple

from lifecycle.results.workbook.columns import number
from lifecycle.results.workbook.xml_outline import PART_LIMIT, UnusualPart

ROW_LIMIT = 64_000_000  # bytes
_BLOCK = 1 << 20
_SHEET_DATA = re.compile(rb"<((?:[\w.-]+:)?)sheetData\s*(/?)>")
_ROW_NUMBER = re.compile(rb"\sr\s*=\s*[\"'](\d{1,7})[\"']")
_REFERENCE = re.compile(rb"\sr\s*=\s*[\"']([A-Za-z]{1,3})\d{1,7}[\"']")
_STYLE = re.compile(rb"\ss\s*=\s*[\"'](\d{1,6})[\"']")
_CONTENT = re.compile(rb"<(?:[\w.-]+:)?(?:f[\s>/]|is[\s>]|v(?:\s[^>]*)?>[^<])")


class Row(NamedTuple):
    """A row: its number, its start tag, what is in it, and the bytes before it that belong to no row."""

    number: int
    tag: bytes
    body: bytes
    before: bytes


class Cell(NamedTuple):
    """A cell: its column, where it is in the row's body, the number of its style, and whether anything is in it."""

    column: int
    start: int
    end: int
    style: int
    filled: bool


class SheetScan:
    """One pass over a sheet. `head` is all up to its rows; `tail`, once these have been read, all behind them."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._buffer, self._position = b"", 0
        self.head, self.tail, self.trailing = b"", b"", b""
        self._read_head()

    def _read_head(self) -> None:
        while (match := _SHEET_DATA.search(self._buffer)) is None:
            block = self._stream.read(_BLOCK)
            if not block or len(self._buffer) > PART_LIMIT:
                raise UnusualPart("its sheet has no rows")
            self._buffer += block
        if match[2]:
            raise UnusualPart("its sheet is empty")
        self.prefix = match[1]
        self._row, self._row_end = b"<" + self.prefix + b"row", b"</" + self.prefix + b"row>"
        self._end = b"</" + self.prefix + b"sheetData>"
        self._last_cell = b"<" + self.prefix + b"c"
        self._cell = re.compile(
            rb"<%sc(?=[\s/>])([^<>/]*)(?:/>|>(.*?)</%sc\s*>)" % (re.escape(self.prefix), re.escape(self.prefix)), re.S
        )
        self.head, self._buffer = self._buffer[: match.end()], self._buffer[match.end() :]
        self._refuse_hidden(self._buffer)

    def rows(self) -> Iterator[Row]:
        """The rows in order. Numbers that do not ascend are refused."""
        last = 0
        while (found := self._next(last)) is not None:
            if found.number <= last:
                raise UnusualPart("the rows of its sheet are not in order")
            last = found.number
            yield found
        self._read_tail()

    def _next(self, last: int) -> Row | None:
        while True:
            start = self._buffer.find(self._row, self._position)
            stop = self._buffer.find(self._end, self._position, start if start >= 0 else len(self._buffer))
            if stop >= 0:
                self.trailing, self._position = self._buffer[self._position : stop], stop
                return None
            tag_end = self._buffer.find(b">", start) + 1 if start >= 0 else 0
            if tag_end:
                empty = self._buffer[tag_end - 2 : tag_end] == b"/>"
                end = tag_end if empty else self._buffer.find(self._row_end, tag_end)
                if end >= 0:
                    return self._read_row(start, tag_end, end, empty, last)
            self._fill()

    def _read_row(self, start: int, tag_end: int, end: int, empty: bool, last: int) -> Row:
        tag, before = self._buffer[start:tag_end], self._buffer[self._position : start]
        if tag[len(self._row)] not in b" \t\r\n/>" or tag.count(b'"') % 2 or b"<" in tag[1:]:
            raise UnusualPart("a row of its sheet is of an unusual form")
        match = _ROW_NUMBER.search(tag)
        self._position = end if empty else end + len(self._row_end)
        return Row(int(match[1]) if match else last + 1, tag, self._buffer[tag_end:end], before)

    def _fill(self) -> None:
        block = self._stream.read(_BLOCK)
        if not block or len(self._buffer) - self._position > ROW_LIMIT:
            raise UnusualPart("the rows of its sheet do not end")
        self._refuse_hidden(self._buffer[-1:] + block)
        self._buffer, self._position = self._buffer[self._position :] + block, 0

    def _refuse_hidden(self, block: bytes) -> None:
        if b"<!" in block or b"<?" in block:
            place = min(at for at in (block.find(b"<!"), block.find(b"<?")) if at >= 0)
            if self._end not in block[:place]:
                raise UnusualPart("its sheet has comments or raw text among its cells")

    def _read_tail(self) -> None:
        rest = self._stream.read(PART_LIMIT + 1)
        if len(rest) > PART_LIMIT:
            raise UnusualPart("a part of it is too large")
        self.tail = self._buffer[self._position :] + rest

    # -- cells -------------------------------------------------------------------------------------------------------

    def cells(self, body: bytes) -> list[Cell]:
        """All cells of a row; one without a reference stands right of the one before it."""
        found, column, end = list[Cell](), 0, 0
        for match in self._cell.finditer(body):
            _refuse_between(body[end : match.start()])
            end = match.end()
            reference, style = _REFERENCE.search(match[1]), _STYLE.search(match[1])
            column = number(reference[1].decode()) if reference else column + 1
            filled = bool(match[2]) and _CONTENT.search(match[2]) is not None
            found.append(Cell(column, match.start(), end, int(style[1]) if style else 0, filled))
        _refuse_between(body[end:])
        return found

    def last_cell(self, body: bytes) -> Cell | None:
        """The last cell of a row, if that can be told without reading the others; else None."""
        start = body.rfind(self._last_cell)
        match = self._cell.match(body, start) if start >= 0 else None
        if match is None or body[match.end() :].strip():
            return None
        reference, style = _REFERENCE.search(match[1]), _STYLE.search(match[1])
        if reference is None:
            return None
        filled = bool(match[2]) and _CONTENT.search(match[2]) is not None
        return Cell(number(reference[1].decode()), start, match.end(), int(style[1]) if style else 0, filled)


def _refuse_between(between: bytes) -> None:
    if between.strip():
        raise UnusualPart("a row of its sheet is of an unusual form")
