"""The order in which people count: page 2 before page 10, folder by folder."""

from __future__ import annotations

import re

_DIGITS = re.compile(r"([0-9]+)")
NaturalKey = tuple[tuple[tuple[int, int, str], ...], ...]


def natural_key(name: str) -> NaturalKey:
    """What to sort relative paths by."""
    return tuple(tuple(map(_piece, filter(None, _DIGITS.split(part)))) for part in name.split("/"))


def _piece(text: str) -> tuple[int, int, str]:
    if text.isdigit() and text.isascii():
        digits = text.lstrip("0")
        return 0, len(digits), digits  # compared by length first: no number is too long
    return 1, 0, text.casefold()
