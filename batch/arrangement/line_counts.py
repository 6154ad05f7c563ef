"""How many texts have a line, and two lines one after the other: counted roughly, in a table of fixed size.

Lines are known by 64-bit hashes; each is counted in two places of the table, and the smaller figure is believed: what
others added by chance makes it too large, never too small.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Counts = NDArray[np.int64]

SLOTS = 1 << 24
MOST = (1 << 16) - 1
"""Counters end here."""
STRONG_BYTES = 20
"""Lines of so many bytes say by themselves where they are from; shorter ones stand in many texts."""
FLUSH_LINES = 1 << 16
_SECOND_FACTOR, _NEXT_FACTOR, _ALL_BITS = 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03, (1 << 64) - 1
_SECOND, _NEXT, _BESIDE = map(np.uint64, (_SECOND_FACTOR, _NEXT_FACTOR, 0xA0761D6478BD642F))
_SHIFT, _OWNER_BITS = np.uint64(40), np.uint64(32)


def next_to(first: Hashes, second: Hashes) -> Hashes:
    """Names of pairs of neighbours."""
    return (first * _SECOND) ^ (second * _NEXT)


def one_between(first: Hashes, second: Hashes) -> Hashes:
    """Names of pairs that have one between them."""
    return (first * _SECOND) ^ (second * _BESIDE)


class LineCounts:
    """Counters of lines and pairs, filled text by text."""

    def __init__(self) -> None:
        self._table = np.zeros(SLOTS, dtype=np.uint16)
        self._hashes, self._sizes, self._texts = array("q"), array("I"), array("I")
        self._names = array("Q")
        self.filled = 0
        """Names that have places, about."""

    def add(self, hashes: Sequence[int], sizes: Sequence[int]) -> None:
        """Count the lines of one text, and its pairs."""
        self._hashes.extend(hashes)
        self._sizes.extend(sizes)
        self._texts.append(len(hashes))
        if len(self._hashes) > FLUSH_LINES:
            self.flush()

    def add_name(self, name: int) -> None:
        """Count something else by its name."""
        self._names.append(name)
        if len(self._names) > FLUSH_LINES:
            self.flush()

    def flush(self) -> None:
        """Count what was added since the last time; what a text has several times counts once."""
        hashes = np.frombuffer(self._hashes, dtype=np.uint64)
        sizes = np.frombuffer(self._sizes, dtype=np.uint32)
        text = np.repeat(np.arange(len(self._texts)), np.frombuffer(self._texts, dtype=np.uint32))
        filled = sizes > 0
        hashes, sizes, text = hashes[filled], sizes[filled], text[filled]
        names = np.frombuffer(self._names, dtype=np.uint64)
        pairs = line_pairs(hashes, sizes >= STRONG_BYTES, text)
        self._count(
            np.concatenate([hashes, *(pair for pair, _ in pairs), names]),
            np.concatenate([text, *(owner for _, owner in pairs), np.arange(len(names))]),
        )
        self._hashes, self._sizes, self._texts = array("q"), array("I"), array("I")
        self._names = array("Q")

    def of(self, names: Hashes) -> Counts:
        """How many texts have each; what was added after the last `flush` is not in it."""
        table = self._table
        first, second = _places(names)
        return np.minimum(table[first], table[second]).astype(np.int64)

    def of_few(self, names: Sequence[int]) -> list[int]:
        """The same of a few names, at a tenth of the time."""
        table = self._table.data
        return [
            min(
                table[(name * _SECOND_FACTOR & _ALL_BITS) >> 40 & SLOTS - 1],
                table[(name * _NEXT_FACTOR & _ALL_BITS) >> 40 & SLOTS - 1],
            )
            for name in names
        ]

    def _count(self, names: Hashes, text: Counts) -> None:
        for places in _places(names):
            # One sort of both together tells a text's repetitions from other texts; it is faster than `np.unique`.
            keys = places.astype(np.uint64) << _OWNER_BITS | text.astype(np.uint64)
            keys.sort()
            once = keys[_first_of_run(keys)] >> _OWNER_BITS
            first = np.flatnonzero(_first_of_run(once))
            slots, times = once[first], np.diff(np.append(first, len(once)))
            known = self._table[slots]
            self.filled += int(np.count_nonzero(known == 0)) // 2
            self._table[slots] = np.minimum(known + times, MOST)


def _first_of_run(values: Hashes) -> NDArray[np.bool_]:
    """Where sorted values differ from the one before."""
    return np.append(True, values[1:] != values[:-1])[: len(values)]


def line_pairs(hashes: Hashes, strong: NDArray[np.bool_], text: Counts) -> list[tuple[Hashes, Counts]]:
    """Names of all pairs that are counted, each kind with the texts they are in: neighbours; strong lines with what
    weak ones are between; strong lines with one such between."""
    joined = text[:-1] == text[1:]
    neighbours = next_to(hashes[:-1], hashes[1:])[joined], text[:-1][joined]
    place = np.flatnonzero(strong)
    joined = (text[place[:-1]] == text[place[1:]]) & (np.diff(place) > 1)
    over_weak = strong_pairs(hashes, place)[joined], text[place[:-1]][joined]
    hashes, text = hashes[place], text[place]
    joined = text[:-2] == text[2:]
    return [neighbours, over_weak, (one_between(hashes[:-2], hashes[2:])[joined], text[:-2][joined])]


def strong_pairs(hashes: Hashes, place: Counts) -> Hashes:
    """Names of pairs of lines at these places, with what is between them."""
    until = np.cumsum(hashes * _BESIDE)
    between = until[place[1:] - 1] - until[place[:-1]]
    return np.asarray(next_to(hashes[place[:-1]], hashes[place[1:]]) + between)


def _places(names: Hashes) -> tuple[Hashes, Hashes]:
    """The two places of each name."""
    last = np.uint64(SLOTS - 1)
    return (names * _SECOND >> _SHIFT) & last, (names * _NEXT >> _SHIFT) & last
