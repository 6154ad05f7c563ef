"""Cut what a person typed at its separators: not inside quotation marks or brackets, and each character looked at once.

A quotation mark opens a quotation only where a word would begin, so that apostrophes and inches are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from batch.errors import InputError

_CLOSING = {"(": ")", "[": "]", "{": "}"}
_QUOTES = {'"': '"', "“": "”", "„": "“", "'": "'", "`": "`", "«": "»"}
_BEFORE_QUOTE = frozenset(":|,;([{=/\n")
_NUMBER_CHARS = 30
_NUMBER = re.compile(r"[-+]?\d[\d_]*(?:\.\d+)?")
_BOUND = re.compile(r"\s{1,5}[-+]?\d[\d_.]{0,30}\s{0,5}(?:[,;()|]|\Z)")


def outside(text: str) -> Iterator[tuple[int, str]]:
    """The characters of a text that stand outside of quotations and brackets, with their places.

    An opening bracket counts as outside, what is in it and its closing one do not. Raises InputError for a quotation
    or a bracket without an end.
    """
    position, before = 0, "\n"
    depth: list[tuple[str, int]] = []
    while position < len(text):
        character = text[position]
        if character in _QUOTES and before in _BEFORE_QUOTE:
            end = text.find(_QUOTES[character], position + 1)
            if end < 0 and character != "'":
                raise InputError(f"A quotation is not closed: {excerpt(text, position)}", f"Add {_QUOTES[character]}.")
            if end > 0:
                position, before = end + 1, _QUOTES[character]
                continue
        if not depth:
            yield position, character
        if character in _CLOSING:
            depth.append((_CLOSING[character], position))
        elif depth and character == depth[-1][0]:
            depth.pop()
        before = before if character in " \t" else character
        position += 1
    if depth:
        raise InputError(f"A bracket is not closed: {excerpt(text, depth[-1][1])}", f'Add "{depth[-1][0]}".')


def split(text: str, separators: str) -> list[str]:
    """A text cut at any of some characters, each piece without blanks around it."""
    pieces, start = [], 0
    for position, character in outside(text):
        if character in separators:
            pieces.append(text[start:position].strip())
            start = position + 1
    return [*pieces, text[start:].strip()]


def find(text: str, wanted: str) -> int:
    """Where the first of some characters stands, outside of quotations and brackets; -1 for nowhere."""
    return next((position for position, character in outside(text) if character in wanted), -1)


def find_dash(text: str) -> int:
    """Where a dash stands that a note follows: between blanks, and not between two numbers; -1 for nowhere."""
    for position, character in outside(text):
        if character not in "-–—" or not (text[position - 1 : position].isspace() and position > 0):
            continue
        after = position + 2 if text[position : position + 2] == "--" else position + 1
        if text[after : after + 1].isspace() and not _is_range(text, position, after):
            return position
    return -1


def _is_range(text: str, before: int, after: int) -> bool:
    """Whether a dash stands between two numbers, and nothing is said of the second."""
    words = text[max(0, before - _NUMBER_CHARS) : before].split()
    return bool(words and _NUMBER.fullmatch(words[-1].lstrip(":("))) and _BOUND.match(text, after) is not None


def cut_brackets(text: str) -> tuple[str, str]:
    """A text without the round brackets that it ends with, and what is in them; "" where it does not end so."""
    if not text.endswith(")"):
        return text, ""
    openings = [position for position, character in outside(text) if character == "("]
    return (text[: openings[-1]].rstrip(), text[openings[-1] + 1 : -1].strip()) if openings else (text, "")


def unquote(text: str) -> str:
    """A word without the quotation marks around it."""
    closing = _QUOTES.get(text[:1])
    return text[1:-1] if closing and len(text) > 1 and text.endswith(closing) else text


def is_quoted(text: str) -> bool:
    """Whether a text stands in quotation marks as a whole."""
    return unquote(text) != text


def excerpt(text: str, position: int, length: int = 40) -> str:
    """A text from a place on, short enough for a sentence."""
    piece = text[position : position + length].replace("\n", " ")
    return f'"{piece}…"' if position + length < len(text) else f'"{piece}"'
