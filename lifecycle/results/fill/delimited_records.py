"""The records of a delimited text as their bytes are, found by the numbers of the lines that they begin on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import IO, NamedTuple

RECORD_LIMIT = 64_000_000  # bytes
_BLOCK = 1 << 20


class Record(NamedTuple):
    """A record: its bytes, and the line end behind them, b"" at the very end."""

    text: bytes
    end: bytes


@dataclass(frozen=True)
class Dialect:
    """How cells stand beside one another, in bytes: `quote` b"" means that quotation marks mean nothing."""

    separator: bytes
    quote: bytes = b'"'
    escape: bytes = b""

    @cached_property
    def whole(self) -> re.Pattern[bytes]:
        """A line that is a record of its own."""
        return re.compile(rb"%s(?:%s%s)*(?:\r\n|\n|\r)?\Z" % (self._cell, re.escape(self.separator), self._cell))

    @cached_property
    def quoted(self) -> re.Pattern[bytes]:
        """What stands in quotation marks."""
        q = re.escape(self.quote)
        if not self.escape:
            return re.compile(rb"%s[^%s]*%s" % (q, q, q))
        e = re.escape(self.escape)
        return re.compile(rb"%s[^%s%s]*(?:%s.[^%s%s]*)*%s" % (q, q, e, e, q, e, q), re.S)

    @property
    def _cell(self) -> bytes:
        q, s = re.escape(self.quote), re.escape(self.separator)
        inner = rb"[^%s]*(?:%s%s[^%s]*)*" % (q, q, q, q)
        if self.escape:
            e = re.escape(self.escape)
            inner = rb"[^%s%s]*(?:(?:%s%s|%s.)[^%s%s]*)*" % (q, e, q, q, e, q, e)
        # What stands behind the closing mark is no mark: two are one within the cell, which then goes on.
        return rb"(?:%s%s%s(?!%s)[^%s\n]*|[^%s%s\n][^%s\n]*|)" % (q, inner, q, q, s, s, q, s)

    def leaves_open(self, line: bytes, inside: bool) -> bool:
        """Whether a cell in quotation marks goes on after this line; `inside` is whether one does before it."""
        place, end = 0, len(line)
        while place < end:
            if inside:
                place = self._closing(line, place)
                if place < 0:
                    return True
                inside = False
            found = line.find(self.separator, place) if place or not line.startswith(self.quote) else -2
            if found == -2:
                inside, place = True, len(self.quote)
                continue
            if found < 0:
                return False
            place = found + len(self.separator)
            if line.startswith(self.quote, place):
                inside, place = True, place + len(self.quote)
        return inside

    def _closing(self, line: bytes, place: int) -> int:
        """The place behind the mark that closes a cell; -1 where there is none."""
        while (found := line.find(self.quote, place)) >= 0:
            if self.escape and self.escape != self.quote and _escaped(line, found, self.escape, place):
                place = found + 1
            elif line.startswith(self.quote, found + 1):
                place = found + 2
            else:
                return found + 1
        return -1

    def cells(self, record: bytes) -> int:
        """The number of cells of a record."""
        if self.quote and self.quote in record:
            record = self.quoted.sub(b"", record)
        return record.count(self.separator) + 1


def _escaped(line: bytes, place: int, escape: bytes, start: int) -> bool:
    marks = 0
    while place - marks - 1 >= start and line[place - marks - 1 : place - marks] == escape:
        marks += 1
    return marks % 2 == 1


class RecordReader:
    """Reads a text on: lines up to a certain one as they are, or the record that begins on the next line.

    Lines end with a line feed or, where `returns` is set, also with a carriage return alone.
    """

    def __init__(self, stream: IO[bytes], dialect: Dialect, *, returns: bool = False) -> None:
        self._lines = _lines(stream, returns)
        self._dialect = dialect
        self.line = 1  # the number of the next one

    def until(self, line: int) -> Iterator[bytes]:
        """All lines before this one."""
        while self.line < line and (found := next(self._lines, None)) is not None:
            self.line += 1
            yield found

    def rest(self) -> Iterator[bytes]:
        """All lines that are left."""
        return self._lines

    def record(self) -> Record | None:
        """The record that begins on the next line; None at the end."""
        text, dialect = next(self._lines, None), self._dialect
        if text is None:
            return None
        self.line += 1
        if not dialect.quote or dialect.quote not in text or dialect.whole.match(text):
            return split_line_end(text)
        pieces, open_, size = [text], dialect.leaves_open(text, False), len(text)
        while open_ and size < RECORD_LIMIT and (line := next(self._lines, None)) is not None:
            self.line += 1
            pieces.append(line)
            size += len(line)
            open_ = dialect.leaves_open(line, True)
        return split_line_end(b"".join(pieces))


def split_line_end(text: bytes) -> Record:
    """A line and its end."""
    if text.endswith(b"\r\n"):
        return Record(text[:-2], b"\r\n")
    if text.endswith((b"\n", b"\r")):
        return Record(text[:-1], text[-1:])
    return Record(text, b"")


def _lines(stream: IO[bytes], returns: bool) -> Iterator[bytes]:
    """Lines with their ends."""
    rest = b""
    while block := stream.read(_BLOCK):
        block = rest + block
        if len(block) > RECORD_LIMIT:
            raise ValueError("A line does not end.")
        if returns:
            lines = block.splitlines(keepends=True)
            rest = lines.pop() if not block.endswith(b"\n") else b""
        else:
            *lines, rest = block.split(b"\n")
            lines = [line + b"\n" for line in lines]
        yield from lines
    if rest:
        yield from rest.splitlines(keepends=True) if returns else [rest]
