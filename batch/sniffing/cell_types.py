"""What a cell of text looks like: nothing, a number, a date, a truth value, or words."""

from __future__ import annotations

import re

EMPTY, NUMBER, DATE, TRUTH, TEXT = "", "number", "date", "yes/no", "text"
MOST = 0.9
_CURRENCY = "$€£¥₽₹ \u00a0\u202f"
_DAY = r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}"
_TIME = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?: ?[AaPp][Mm])?"
_DATE = re.compile(rf"(?:{_DAY}(?:[T ]{_TIME})?|{_TIME})(?:Z| ?[+-]\d{{2}}:?\d{{2}})?")
_TRUTHS = frozenset({"true", "false", "yes", "no", "ja", "nein", "oui", "non"})
_NUMBER_SIGNS = frozenset("0123456789.,'\u00a0\u202f ")


def cell_type(text: str) -> str:
    """The type of one cell."""
    text = text.strip()
    if not text:
        return EMPTY
    if len(text) > 40:
        return TEXT
    if any(map(str.isdigit, text)):
        if _DATE.fullmatch(text):  # first: 24.12.2026 has the signs of a number
            return DATE
        return NUMBER if _is_number(text) else TEXT
    return TRUTH if text.casefold() in _TRUTHS else TEXT


def _is_number(text: str) -> bool:
    """With a sign, a currency or per cent, points and commas, and an exponent."""
    body = text.strip(_CURRENCY).lstrip("+-−(").strip(_CURRENCY).rstrip("%) ").rstrip(_CURRENCY)
    mantissa, mark, exponent = body.replace("E", "e").partition("e")
    if mark and not exponent.lstrip("+-").isdigit():
        return False
    return bool(mantissa) and set(mantissa) <= _NUMBER_SIGNS and any(map(str.isdigit, mantissa))


def column_type(cells: list[str]) -> str:
    """The type that nearly all cells of a column have that are not empty."""
    counts: dict[str, int] = {}
    for cell in cells:
        if found := cell_type(cell):
            counts[found] = counts.get(found, 0) + 1
    total = sum(counts.values())
    return next((found for found, count in counts.items() if count >= MOST * total), TEXT) if total else EMPTY
