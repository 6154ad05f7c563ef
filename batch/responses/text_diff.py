"""Where two texts differ, word by word, for people who read them side by side. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

MOST_PAIRS = 1_000_000  # of tokens to be held against each other: some tenths of a second
FEWEST_LINES = 10  # texts of fewer are not told apart by lines
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")


class Piece(NamedTuple):
    """A stretch of a text; `own` if the other text does not have it there."""

    text: str
    own: bool


Pieces = list[Piece]


def differences(one: str, two: str) -> tuple[Pieces, Pieces]:
    """Both texts cut into pieces that, joined, are the texts again.

    Word by word, or line by line where that is too much; of texts that differ in thousands of lines, all but what they
    begin and end with alike is each text's own.
    """
    ways: tuple[Callable[[str], list[str]], ...] = (_WORDS.findall, lambda text: text.splitlines(keepends=True))
    for cut, fewest in zip(ways, (0, FEWEST_LINES), strict=True):
        first, second = cut(one), cut(two)
        start, end = _alike(first, second)
        pairs = (len(first) - start - end) * (len(second) - start - end)
        if pairs <= MOST_PAIRS and fewest <= min(len(first), len(second)):
            return _pieces(first, second, start, end)
    start, end = _alike(one, two)
    return _whole(one, start, end), _whole(two, start, end)


def _alike(one: Sequence[str], two: Sequence[str]) -> tuple[int, int]:
    """How many elements both have alike at their beginning, and then at their end."""
    least = min(len(one), len(two))
    start = next((n for n in range(least) if one[n] != two[n]), least)
    end = next((n for n in range(least - start) if one[-1 - n] != two[-1 - n]), least - start)
    return start, end


def _pieces(one: list[str], two: list[str], start: int, end: int) -> tuple[Pieces, Pieces]:
    inner_one, inner_two = one[start : len(one) - end], two[start : len(two) - end]
    found: tuple[Pieces, Pieces] = [], []
    _add(found[0], one[:start], own=False)
    _add(found[1], two[:start], own=False)
    for kind, a, b, c, d in SequenceMatcher(None, inner_one, inner_two, autojunk=False).get_opcodes():
        _add(found[0], inner_one[a:b], own=kind != "equal")
        _add(found[1], inner_two[c:d], own=kind != "equal")
    _add(found[0], one[len(one) - end :], own=False)
    _add(found[1], two[len(two) - end :], own=False)
    return found


def _whole(text: str, start: int, end: int) -> Pieces:
    pieces: Pieces = []
    for part, own in ((text[:start], False), (text[start : len(text) - end], True), (text[len(text) - end :], False)):
        _add(pieces, [part], own=own)
    return pieces


def _add(pieces: Pieces, tokens: Sequence[str], *, own: bool) -> None:
    """Append tokens, to the last piece if that is of the same kind."""
    text = "".join(tokens)
    if not text:
        return
    if pieces and pieces[-1].own == own:
        pieces[-1] = Piece(pieces[-1].text + text, own)
    else:
        pieces.append(Piece(text, own))
