"""A text as pieces: its lines, and what long lines consist of. Pure.

A line that is long may hold a question and a document, one after the other. It is cut after sentences, before labels
(`Context:`) and around tags, and what is still long where the letters themselves say so: wherever the same text stands,
it falls into the same pieces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from batch.arrangement.text_lines import NEWLINE, line_starts, split_lines

LONG_LINE_BYTES = 240
"""Shorter lines are one piece each."""
LONG_PIECE_BYTES = 600
"""Longer pieces are cut by their letters."""
_CUT_EVERY, _WINDOW = 16, 8
"""One of so many places is a cut, by a hash of so many bytes that follow."""
_BORDERS = re.compile(
    rb"[.!?](?:\\\"|[)'\]*]){0,3}(?P<gap> +)"  # after a sentence
    rb"|(?P<label> +)(?=[A-Z][A-Za-z]{1,20}:(?: |$))"
    rb"|(?<![^ ])[A-Z][A-Za-z]{1,20}:(?P<labelled> +)"
    rb"|(?<=\xe3\x80\x82)|(?<=\xef\xbc[\x81\x9a\x9f])"  # after a wide full stop, or ! : ?
    rb"|(?<=[a-z/]>) *| *(?=<[a-z]{1,20}>)"
)
_PLACES = re.compile(rb"(?<= )[^ \\]|[\xc2-\xf4]")
_DATA = re.compile(rb"(?<=[A-Za-z0-9+/_-]{5})[A-Za-z0-9+/_-]")
"""A place in encoded data that is in no escape."""
_FACTORS = np.array([3**n * 0x9E3779B1 & 0xFFFFFFFF for n in range(_WINDOW)], dtype=np.uint32)


def split_pieces(body: bytes) -> tuple[list[bytes], list[int]]:
    """The pieces of a text, and where each begins, and where one behind the last would."""
    lines = split_lines(body)
    starts = line_starts(lines)
    if max(map(len, lines)) <= LONG_LINE_BYTES:
        return lines, starts
    pieces: list[bytes] = []
    places: list[int] = []
    for line, start in zip(lines, starts, strict=False):
        if len(line) <= LONG_LINE_BYTES:
            pieces.append(line)
            places.append(start)
            continue
        for begin, end in pieces_of_line(line):
            pieces.append(line[begin:end])
            places.append(start + begin)
    return pieces, [*places, starts[-1]]


def pieces_of(body: bytes) -> list[bytes]:
    """The pieces of a text alone."""
    lines = split_lines(body)
    return lines if max(map(len, lines)) <= LONG_LINE_BYTES else split_pieces(body)[0]


def pieces_of_line(line: bytes) -> Iterator[tuple[int, int]]:
    """Where the pieces of a long line begin and end; spaces between them are of none."""
    begin = 0
    for border in _BORDERS.finditer(line):
        first, last = border.span(border.lastgroup or 0)
        if first > begin:
            yield from _by_letters(line, begin, first)
        begin = last
    if begin < len(line):
        yield from _by_letters(line, begin, len(line))


def _by_letters(line: bytes, begin: int, end: int) -> Iterator[tuple[int, int]]:
    if end - begin > LONG_PIECE_BYTES:
        places = np.array([found.start() for found in _PLACES.finditer(line, begin, end)], dtype=np.int64)
        every = _CUT_EVERY
        if len(places) * LONG_PIECE_BYTES < end - begin:  # neither words nor wide letters: encoded data
            every *= 8
            places = np.array([found.start() for found in _DATA.finditer(line, begin, end)], dtype=np.int64)
        places = places[places <= end - _WINDOW]
        if len(places):
            window = np.lib.stride_tricks.sliding_window_view(np.frombuffer(line, dtype=np.uint8), _WINDOW)[places]
            names = window.astype(np.uint32) @ _FACTORS
            for cut in places[(names >> np.uint32(16)) % every == 0].tolist():
                if cut > begin:
                    yield begin, cut
                    begin = cut
    yield begin, end


def line_before(body: bytes, at: int) -> bytes:
    """What stands before a place in its line."""
    begin = body.rfind(NEWLINE, 0, at)
    return body[begin + len(NEWLINE) if begin >= 0 else 0 : at]


def line_behind(body: bytes, at: int) -> bytes:
    """What stands behind a place in its line."""
    end = body.find(NEWLINE, at)
    return body[at : end if end >= 0 else len(body)]
