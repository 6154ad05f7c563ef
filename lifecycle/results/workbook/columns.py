"""Columns of a sheet by letters and numbers, and ranges of cells."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

LAST_COLUMN = 16_384
_CELL = re.compile(r"\$?([A-Za-z]{1,3})\$?(\d{1,7})")


class Range(NamedTuple):
    """A rectangle of cells, 1-based, both ends included."""

    left: int
    top: int
    right: int
    bottom: int

    def __str__(self) -> str:
        return f"{letters(self.left)}{self.top}:{letters(self.right)}{self.bottom}"

    @property
    def absolute(self) -> str:
        """As defined names have it: $A$1:$B$2."""
        return f"${letters(self.left)}${self.top}:${letters(self.right)}${self.bottom}"


@lru_cache(LAST_COLUMN)
def letters(column: int) -> str:
    """A column's letters: 1 is A, 27 is AA."""
    name = ""
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


@lru_cache(LAST_COLUMN)
def number(name: str) -> int:
    """The column with these letters."""
    column = 0
    for letter in name.upper():
        column = column * 26 + ord(letter) - 64
    return column


def parse_range(text: str) -> Range | None:
    """A range from A1:B2, or A1 alone; None for anything else."""
    first, _, last = text.partition(":")
    start, end = _CELL.fullmatch(first), _CELL.fullmatch(last or first)
    if not start or not end:
        return None
    return Range(number(start[1]), int(start[2]), number(end[1]), int(end[2]))
