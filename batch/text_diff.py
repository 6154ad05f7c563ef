"""Where two texts differ, word by word, for people who read them side by side. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

MAX_PAIRS = 1_000_000  # of tokens to be held against each other: some tenths of a second
MIN_LINES = 10  # texts of fewer are not told apart by lines
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")


class TextPiece(NamedTuple):
    """A stretch of a text; `changed` if the other text does not have it there."""

    text: str
    changed: bool


TextPieces = list[TextPiece]


def diff_texts(before: str, after: str) -> tuple[TextPieces, TextPieces]:
    """Both texts cut into pieces that, joined, are the texts again.

    Word by word, or line by line where that is too much; of texts that differ in thousands of lines, all but what they
    begin and end with alike is each text's own.
    """
    splitters: tuple[Callable[[str], list[str]], ...] = (_WORDS.findall, lambda text: text.splitlines(keepends=True))
    for split, min_lines in zip(splitters, (0, MIN_LINES), strict=True):
        first, second = split(before), split(after)
        start, end = _common_ends(first, second)
        pairs = (len(first) - start - end) * (len(second) - start - end)
        if pairs <= MAX_PAIRS and min_lines <= min(len(first), len(second)):
            return _pieces_of_both(first, second, start, end)
    start, end = _common_ends(before, after)
    return _middle_changed(before, start, end), _middle_changed(after, start, end)


def _common_ends(before: Sequence[str], after: Sequence[str]) -> tuple[int, int]:
    """How many elements both have alike at their beginning, and then at their end."""
    shorter = min(len(before), len(after))
    start = next((n for n in range(shorter) if before[n] != after[n]), shorter)
    end = next((n for n in range(shorter - start) if before[-1 - n] != after[-1 - n]), shorter - start)
    return start, end


def _pieces_of_both(before: list[str], after: list[str], start: int, end: int) -> tuple[TextPieces, TextPieces]:
    inner_before, inner_after = before[start : len(before) - end], after[start : len(after) - end]
    pieces: tuple[TextPieces, TextPieces] = [], []
    _append(pieces[0], before[:start], changed=False)
    _append(pieces[1], after[:start], changed=False)
    for kind, a, b, c, d in SequenceMatcher(None, inner_before, inner_after, autojunk=False).get_opcodes():
        _append(pieces[0], inner_before[a:b], changed=kind != "equal")
        _append(pieces[1], inner_after[c:d], changed=kind != "equal")
    _append(pieces[0], before[len(before) - end :], changed=False)
    _append(pieces[1], after[len(after) - end :], changed=False)
    return pieces


def _middle_changed(text: str, start: int, end: int) -> TextPieces:
    pieces: TextPieces = []
    for part, changed in (
        (text[:start], False),
        (text[start : len(text) - end], True),
        (text[len(text) - end :], False),
    ):
        _append(pieces, [part], changed=changed)
    return pieces


def _append(pieces: TextPieces, tokens: Sequence[str], *, changed: bool) -> None:
    """Append tokens, to the last piece if that is of the same kind."""
    text = "".join(tokens)
    if not text:
        return
    if pieces and pieces[-1].changed == changed:
        pieces[-1] = TextPiece(pieces[-1].text + text, changed)
    else:
        pieces.append(TextPiece(text, changed))
