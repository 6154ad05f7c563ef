"""Beginnings of texts, by their names at the places of the grid: which were met twice, roughly, and how they go on.

Most rows of a batch begin like a row before them. Long beginnings are kept while there is room, and a text is compared
with them rather than hashed step by step; what comes out is the same.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable

import numpy as np
from xxhash import xxh3_64_intdigest as digest

from batch.prefixes import text_cuts
from batch.prefixes.request_parts import canonical_string
from batch.prefixes.text_cuts import end_name, grid_names, grid_places_within

SLOTS = 1 << 25
LAST_SLOT = SLOTS - 1
FLUSH_SIZE = 1 << 16
ENOUGH = 2
"""So often a name is counted, and no more."""
SCOUTS, SCOUT = (128, 512), 0xC2B2AE3D27D4EB4F
"""Places before the grid where beginnings are counted, too, and the salt of their names: most texts of a row's own
differ from all others there, and are not looked at further."""
MOST_KEPT_BYTES, MOST_KEPT = 1 << 25, 1 << 16
"""Of the beginnings that are kept; more, and all are forgotten, which costs time and nothing else."""


class SeenNames:
    """Which names were met twice, roughly: a yes may be wrong, a no is not."""

    def __init__(self) -> None:
        self._counts = np.zeros(SLOTS, dtype=np.uint8)
        self.slots = self._counts.data
        self._new = array("Q")

    def __contains__(self, name: int) -> bool:
        # The lowest bits mark cuts; the slot is taken from those above them.
        return self.slots[name >> 8 & LAST_SLOT] >= ENOUGH

    def add(self, names: Iterable[int]) -> None:
        self._new.extend(names)
        if len(self._new) > FLUSH_SIZE:
            self.flush()

    def flush(self) -> None:
        """Count what was added since the last time."""
        names = np.asarray(self._new, dtype=np.uint64)
        places, times = np.unique(names >> np.uint64(8) & np.uint64(LAST_SLOT), return_counts=True)
        self._counts[places] = np.minimum(ENOUGH, self._counts[places] + times)
        self._new = array("Q")


class _Stretch:
    """What follows a place of the grid in texts that have one name there, up to a later place, and the names of the
    places on the way; these were counted so many times."""

    __slots__ = ("names", "text", "times")

    def __init__(self, text: bytes, names: list[int]) -> None:
        self.text, self.names, self.times = text, names, 1


def scouts(text: bytes, seed: int) -> list[int]:
    """Names of the beginnings of a text before the grid."""
    if len(text) < SCOUTS[0]:
        return []
    view = memoryview(text)
    return [digest(view[:place], seed ^ SCOUT) for place in SCOUTS if place <= len(text)]


def has_places(size: int) -> bool:
    """Whether beginnings of a text of so many bytes, quotes included, are counted at all."""
    return size >= SCOUTS[0] or grid_places_within(size) > 0


class TextBeginnings:
    """Names of texts (JSON strings, quotes included) at the places of the grid: counted, and found again."""

    def __init__(self) -> None:
        self.seen = SeenNames()
        self._stretches: dict[int, _Stretch] = {}
        self._kept_bytes = 0

    def count(self, text: bytes, seed: int) -> tuple[int, bytes]:
        """Count the beginnings of a text; return the name of all of it, and the text in its one spelling."""
        last = grid_places_within(len(text))
        first = digest(memoryview(text)[: text_cuts.GRID[0]], seed) if last else 0
        known = self._stretches.get(first)
        # What begins like a text that is kept is spelled like it.
        if known is None and (canonical := canonical_string(text)) is not text:
            names = grid_names(canonical, seed)
            self.seen.add(scouts(canonical, seed) + names[1:])
            return end_name(canonical, names), canonical
        if known is None or known.times < ENOUGH:
            self.seen.add(scouts(text, seed))
        if not last:
            return digest(text, seed), text
        names, uncounted = [first], [first]
        self._follow(text, names, last, uncounted)
        self.seen.add(uncounted)
        return digest(memoryview(text)[text_cuts.GRID[last - 1] :], names[-1]), text

    def reach(self, text: bytes, seed: int, until: int) -> int:
        """Up to where a text may be like others of which no place of the grid was met twice; at most a given place.

        Cuts end two bytes before it or earlier.
        """
        for place in SCOUTS:
            if place + 2 >= until:
                return until
            if digest(memoryview(text)[:place], seed ^ SCOUT) not in self.seen:
                return place + 2
        return until

    def shared(self, text: bytes, seed: int) -> list[int]:
        """Names of the beginnings of a text that were met twice, after `seed`, for none of it. All are counted."""
        last = grid_places_within(len(text))
        names = [digest(memoryview(text)[: text_cuts.GRID[0]], seed)] if last else []
        if names and names[0] in self.seen:
            self._follow(text, names, last, None)
        while names and names[-1] not in self.seen:
            names.pop()
        return [seed, *names]

    def _follow(self, text: bytes, names: list[int], last: int, uncounted: list[int] | None) -> None:
        """Name the places of a text up to the last, those of few before among the uncounted; without these, up to
        the first that was not met twice."""
        grid = text_cuts.GRID
        while len(names) < last and (uncounted is not None or names[-1] in self.seen):
            step, stretch = len(names), self._stretches.get(names[-1])
            if stretch is None:
                self._name(text, names, last, uncounted is None)
                self._keep(names[step - 1], _Stretch(text[grid[step - 1] : grid[len(names) - 1]], names[step:]))
            elif stretch.names and step + len(stretch.names) <= last and text.startswith(stretch.text, grid[step - 1]):
                names += stretch.names
                if stretch.times >= ENOUGH:
                    continue
                stretch.times += 1
            else:
                self._name_apart(stretch, text, names, last)
            if uncounted is not None:
                uncounted += names[step:]

    def _name(self, text: bytes, names: list[int], last: int, only_seen: bool) -> None:
        view, grid = memoryview(text), text_cuts.GRID
        for step in range(len(names), last):
            names.append(digest(view[grid[step - 1] : grid[step]], names[-1]))
            if only_seen and names[-1] not in self.seen:
                return

    def _name_apart(self, stretch: _Stretch, text: bytes, names: list[int], last: int) -> None:
        """Name the places of a text up to the first where it differs from a stretch, which then ends before that."""
        view, grid, begin = memoryview(text), text_cuts.GRID, len(names)
        for step in range(begin, last):
            names.append(digest(view[grid[step - 1] : grid[step]], names[-1]))
            same = step - begin
            if same >= len(stretch.names):
                return
            if names[-1] != stretch.names[same]:
                stretch.names = stretch.names[:same]
                stretch.text = stretch.text[: grid[step - 1] - grid[begin - 1]]
                return

    def _keep(self, name: int, stretch: _Stretch) -> None:
        self._kept_bytes += len(stretch.text)
        if self._kept_bytes > MOST_KEPT_BYTES or len(self._stretches) >= MOST_KEPT:
            self._stretches.clear()
            self._kept_bytes = len(stretch.text)
        self._stretches[name] = stretch
