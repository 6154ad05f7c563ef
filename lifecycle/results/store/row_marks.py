"""What a person noted of rows: a mark and a few words each, appended to a file of the run's folder.

The last line of a key counts. Appending keeps two people's marks apart without a lock: lines this short are written in
one piece.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import msgspec
import pyarrow as pa

MARKS = "marks.jsonl"
MAX_NOTE_CHARACTERS = 500
MARK_COLUMNS = ("mark", "note")


class Mark(StrEnum):
    """What was said of an answer; in the words of the page."""

    RIGHT = "right"
    WRONG = "wrong"
    LOOK_AGAIN = "look again"


class RowMark(NamedTuple):
    """A row's mark, "" for none, and its note."""

    mark: str = ""
    note: str = ""

    @property
    def words(self) -> str:
        """Both, as a cell shows them."""
        return ": ".join(part for part in self if part)


class _Line(msgspec.Struct):
    key: str
    mark: str = ""
    note: str = ""


_decode = msgspec.json.Decoder(_Line).decode
_encode = msgspec.json.Encoder().encode


def write_mark(folder: Path, key: str, row_mark: RowMark) -> None:
    """Keep what was noted of a row; an empty mark takes it back. The note is cut to MAX_NOTE_CHARACTERS."""
    line = _encode(_Line(key, row_mark.mark, row_mark.note[:MAX_NOTE_CHARACTERS])) + b"\n"
    file = os.open(folder / MARKS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, line)
    finally:
        os.close(file)


def read_marks(folder: Path) -> dict[str, RowMark]:
    """By key, what is noted of rows; only of those of which something is. A line cut short is passed over."""
    marks: dict[str, RowMark] = {}
    try:
        lines = (folder / MARKS).read_bytes().splitlines()
    except FileNotFoundError:
        return marks
    for text in lines:
        try:
            line = _decode(text)
        except msgspec.DecodeError:
            continue
        marks[line.key] = RowMark(line.mark, line.note)
    return {key: mark for key, mark in marks.items() if mark.words}


def mark_columns(marks: dict[str, RowMark], keys: Iterable[str]) -> list[pa.Array]:
    """MARK_COLUMNS of rows; null where nothing is noted."""
    found = [marks.get(key, RowMark()) for key in keys]
    return [
        pa.array([mark or None for mark, _ in found], pa.string()),
        pa.array([n or None for _, n in found], pa.string()),
    ]
