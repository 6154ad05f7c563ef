"""Cuts inside a text: after a run of newlines, where tokenizers do not merge across (measured: 6,000 of 6,000).

A text is its JSON string, quotes included; a cut is a place in those bytes. Prefixes of a text are named at fixed
places (the grid) by chained hashes, and at any other place by a hash from the grid place before it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from xxhash import xxh3_64_intdigest as digest

_ESCAPES = re.compile(rb"\\(?:([nr](?:\\[nr])*)|.)")
_LARGEST, _N = 1 << 32, ord("n")
FIRST_GRID_PLACE = 2048
"""Bytes to the first grid place: about half the smallest cache that any model takes."""


def _grid_places() -> list[int]:
    places = [FIRST_GRID_PLACE]
    while places[-1] < _LARGEST:
        places.append(places[-1] * 8 // 7)
    return places


GRID = _grid_places()


def grid_places_within(size: int) -> int:
    """How many grid places lie inside a text of so many bytes."""
    return bisect_right(GRID, size - 2)


def grid_names(text: bytes, seed: int) -> list[int]:
    """Names of the text up to each grid place inside it; the first is `seed`, for the place 0."""
    names, view, before = [seed], memoryview(text), 0
    for place in GRID[: grid_places_within(len(text))]:
        seed = digest(view[before:place], seed)
        names.append(seed)
        before = place
    return names


def last_grid_place(names: list[int]) -> int:
    """The place that the last of some grid names stands for."""
    return GRID[len(names) - 2] if len(names) > 1 else 0


def end_name(text: bytes, names: list[int]) -> int:
    """Name of the whole text, given those of its grid."""
    return digest(memoryview(text)[last_grid_place(names) :], names[-1])


def name_at(text: bytes, names: list[int], place: int) -> int:
    """Name of the text up to a place; grid names up to there are needed."""
    step = bisect_right(GRID, place)
    return digest(memoryview(text)[GRID[step - 1] if step else 0 : place], names[step])


def find_cuts(text: bytes, resume: int, until: int) -> Iterator[tuple[int, int]]:
    """Places after runs of newlines that end at least two bytes before `until`, each with where to resume.

    `resume` is 1 at first and then what came with the last pair, or `until` after one without cuts. What comes out
    depends on the text before `until` only, so that texts equal up to there have equal cuts. The last pair has the
    place 0 and says where to resume behind `until`.
    """
    for match in _ESCAPES.finditer(text, resume, len(text) - 1):
        start, end = match.span()
        if end > until - 2:
            yield 0, min(start, until)
            return
        if match.lastindex and (text[end - 1] == _N or text.find(b"n", start, end) > 0):
            yield end, end
    yield 0, until
