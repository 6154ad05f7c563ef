"""The shared prefixes of a batch as a tree: mined in one streaming pass (two for cuts inside texts), without text.

Memory is about 60 bytes a row and 20 bytes a prefix that only one row has; neither grows with the length of texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import IOBase

import numpy as np
from numpy.typing import NDArray

from batch.prefixes import scan
from batch.prefixes.partial_lines import partial
from batch.prefixes.request_parts import Measure, default_measure
from batch.prefixes.scan import PrefixScan
from batch.prefixes.scan_text import TextScan
from batch.tokens.text_tokens import MARGIN

LineSource = Callable[[], Iterable[bytes]]
"""Opens the batch anew: a binary stream or any iterable of its lines."""

SLICE = 1 << 18

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Names = NDArray[np.uint64]


@contextmanager
def opened(lines: LineSource) -> Iterator[Iterable[bytes]]:
    """Open the lines; close them again if they can be closed."""
    stream = lines()
    try:
        yield stream
    finally:
        if isinstance(stream, IOBase):
            stream.close()


@dataclass(frozen=True)
class PrefixForest:
    """Prefixes that two rows or more begin with, in preorder: parents first, a subtree contiguous.

    `end[v]` is one past the subtree of v; `parent` and `leaf` are -1 for none. `row` is one row that begins with the
    prefix. `tokens` are estimates up to the prefix's end; where `unknown_size`, something of unknown size comes on top.
    `can_end` says whether a cache may end there: a user's turn follows, and no tool exchange is cut. `leaf` is each
    row's deepest prefix.
    """

    ids: Names
    parent: Ints
    end: Ints
    row: Ints
    tokens: Floats
    unknown_size: Bools
    can_end: Bools
    leaf: Ints

    def __len__(self) -> int:
        return len(self.ids)

    def sums(self, values: NDArray[np.float64]) -> Floats:
        """Sum per subtree of one value a prefix."""
        # In preorder a subtree is a slice, so its sum is a difference of two running sums.
        before = np.concatenate(([0.0], np.cumsum(values)))
        return np.asarray(before[self.end] - before[:-1])

    def counts(self, rows: Bools) -> Ints:
        """How many of the rows marked begin with each prefix."""
        own_counts = np.bincount(self.leaf[rows & (self.leaf >= 0)], minlength=len(self))
        before = np.concatenate(([0], np.cumsum(own_counts)))
        return np.asarray(before[self.end] - before[:-1])

    def deepest(self, marked: Bools) -> Ints:
        """Of each prefix, the deepest one marked among itself and its ancestors; -1 for none."""
        # Pointer doubling: each round looks twice as far up, so that a chain of a million turns takes twenty rounds.
        deepest_marked = np.where(marked, np.arange(len(self)), -1)
        above = self.parent.copy()
        while True:
            pending = np.flatnonzero((deepest_marked < 0) & (above >= 0))
            if not len(pending):
                return deepest_marked
            deepest_marked[pending] = deepest_marked[above[pending]]
            above[pending] = above[above[pending]]

    def highest(self, values: Floats) -> Floats:
        """Of each prefix, the largest value among itself and its ancestors."""
        best, above = values.copy(), self.parent.copy()
        while True:
            pending = np.flatnonzero(above >= 0)
            if not len(pending):
                return best
            best[pending] = np.maximum(best[pending], best[above[pending]])
            above[pending] = above[above[pending]]


@dataclass(frozen=True)
class PrefixSurvey:
    """What planning needs to know of a batch; the rest stays in its file.

    Per row: `offset` of its line, estimated `tokens` (all of it), `duplicate_of` (the first row with an equal request,
    itself if there is none; by name only until `duplicates_checked`), `flags` of `batch.prefixes.scan`. The rows
    `own_cache_rows` name caches themselves, of `own_cache_tokens` tokens (0: unknown). `margin` is half the
    95 % interval of the estimates, as a share.
    """

    lines: LineSource
    split: str
    forest: PrefixForest
    offset: Ints
    tokens: Floats
    duplicate_of: Ints
    flags: NDArray[np.uint8]
    own_cache_rows: Ints
    own_cache_tokens: Floats
    duplicates_checked: bool = False
    margin: float = MARGIN

    def __len__(self) -> int:
        return len(self.offset)


def with_temperature(survey: PrefixSurvey, lines: LineSource, is_0: bool) -> PrefixSurvey:
    """The survey of a batch whose rows differ from those surveyed in their settings alone, which all rows share."""
    flags = survey.flags & ~np.uint8(scan.TEMPERATURE_0)
    return replace(survey, lines=lines, flags=flags | np.uint8(scan.TEMPERATURE_0 * is_0))


def find_prefixes(
    lines: LineSource,
    split: str = "part",
    measure_tokens: Measure | None = None,
    cache_tokens: Mapping[str, int] | None = None,
    min_tokens: float = 600.0,
) -> PrefixSurvey:
    """Read a batch of normalised JSONL and find what its requests share.

    `tokens` measures one part given as JSON (default: the estimates of `batch.tokens`); `cache_tokens` has the sizes
    of cached contents that requests may name themselves; cuts inside texts are not looked for below `min_tokens`.
    """
    measure = measure_tokens or default_measure()
    if split == "text":
        with opened(lines) as first, opened(lines) as second:
            on_disk, reader = partial(first)
            text_scan = TextScan(measure, cache_tokens or {}, reader)
            text_scan.read(on_disk, partial(second)[0], min_tokens)
        survey = _build_survey(lines, split, text_scan)
    else:
        with opened(lines) as stream:
            on_disk, reader = partial(stream)
            prefix_scan = PrefixScan(measure, cache_tokens or {}, reader)
            prefix_scan.run(on_disk, split == "part")
        survey = _build_survey(lines, split, prefix_scan)
    return replace(survey, margin=getattr(measure, "margin", MARGIN))


def _build_survey(lines: LineSource, split: str, finished_scan: PrefixScan) -> PrefixSurvey:
    rows = np.frombuffer(finished_scan.rows, dtype=scan.ROW_DTYPE)
    return PrefixSurvey(
        lines=lines,
        split=split,
        forest=_build_forest(finished_scan.prefixes, rows["base"], rows["novel"].astype(np.int64)),
        offset=rows["offset"].astype(np.int64),
        tokens=rows["tokens"] + finished_scan.suffixes.tokens(rows["tail"]),
        duplicate_of=_duplicates(rows["whole"]),
        flags=rows["flags"].copy(),
        own_cache_rows=np.asarray(finished_scan.own_cache_rows, dtype=np.int64),
        own_cache_tokens=np.asarray(finished_scan.own_cache_tokens),
    )


def _duplicates(request_hashes: Names) -> Ints:
    """Of each row the first with the same name. Mostly none is; only those that are need more than one sort."""
    first_rows = np.arange(len(request_hashes))
    ordered = np.sort(request_hashes)
    rows = np.flatnonzero(_isin_sorted(ordered[1:][ordered[1:] == ordered[:-1]], request_hashes))
    _, first, inverse = np.unique(request_hashes[rows], return_index=True, return_inverse=True)
    first_rows[rows] = rows[first[inverse]]
    return first_rows


def _build_forest(prefixes: scan.PrefixTable, base: Names, new_counts: Ints) -> PrefixForest:
    """Keep what is shared and hang it up as a tree.

    A prefix is shared if two rows wrote it down, or one did and another row builds on it, or a longer one is shared.
    Most are not; arrays of all of them are avoided.
    """
    ids = np.frombuffer(prefixes.ids, dtype=np.uint64)
    begin = np.cumsum(new_counts) - new_counts
    # Most prefixes are one row's own; they are dropped before there is a tree.
    repeated = np.flatnonzero(_isin_sorted(_repeated_ids(ids, base), ids))
    last = np.full(len(new_counts), -1)
    np.maximum.at(last, np.searchsorted(begin, repeated, side="right") - 1, repeated)
    rows = np.flatnonzero(last >= 0)
    owner = np.repeat(rows, last[rows] + 1 - begin[rows])
    first_of_owner = np.searchsorted(owner, owner)
    shared = begin[owner] + np.arange(len(owner)) - first_of_owner
    names, first = np.unique(ids[shared], return_index=True)
    entry, owner = shared[first], owner[first]
    above = np.where(entry == begin[owner], base[owner], ids[entry - 1]) if len(ids) else names
    leaf = np.where(last >= 0, ids[last] if len(ids) else 0, base)
    return _in_preorder(
        PrefixForest(
            ids=names,
            parent=_index_of(names, above),
            end=np.zeros(len(names), np.int64),
            row=owner,
            tokens=np.frombuffer(prefixes.tokens)[entry],
            unknown_size=np.frombuffer(prefixes.unknown_size, dtype=np.uint8)[entry] > 0,
            can_end=(names & np.uint64(1)) == 0,
            leaf=_index_of(names, leaf),
        )
    )


def _repeated_ids(ids: Names, base: Names) -> Names:
    """Names that occur twice, or as a row's base; sorted."""
    ordered = np.sort(ids)
    return np.union1d(ordered[1:][ordered[1:] == ordered[:-1]], base[base > 0])


def _isin_sorted(sorted_ids: Names, ids: Names) -> Bools:
    """Which of the ids are among some, which are sorted; in slices, since there may be very many."""
    is_member = np.zeros(len(ids), dtype=bool)
    for begin in range(0, len(ids) if len(sorted_ids) else 0, SLICE):
        part = ids[begin : begin + SLICE]
        is_member[begin : begin + SLICE] = (
            sorted_ids[np.minimum(np.searchsorted(sorted_ids, part), len(sorted_ids) - 1)] == part
        )
    return is_member


def _index_of(names: Names, targets: Names) -> Ints:
    """Places of the wanted among sorted names; -1 for 0, which names nothing."""
    return np.where(targets > 0, np.searchsorted(names, targets), -1)


def _in_preorder(forest: PrefixForest) -> PrefixForest:
    """The same forest renumbered; siblings stand in the order of their first rows."""
    count, parent = len(forest), forest.parent
    size = _subtree_sizes(parent)
    # A node's number is its parent's, plus one, plus the sizes of the siblings before it; the sums run down the tree by
    # pointer doubling, without visiting nodes one by one.
    order = np.lexsort((forest.row, parent))
    ordered = size[order]
    passed = np.cumsum(ordered) - ordered
    new_family = np.concatenate(([True], parent[order][1:] != parent[order][:-1])) if count else np.zeros(0, bool)
    begin = np.maximum.accumulate(np.where(new_family, np.arange(count), 0))
    number = np.empty(count, np.int64)
    number[order] = passed - passed[begin]
    number += parent >= 0
    above = parent.copy()
    while len(pending := np.flatnonzero(above >= 0)):
        number[pending] += number[above[pending]]
        above[pending] = above[above[pending]]
    order_back = np.argsort(number)
    renumbered = np.append(number, -1)
    return PrefixForest(
        ids=forest.ids[order_back],
        parent=renumbered[parent[order_back]],
        end=np.arange(count) + size[order_back],
        row=forest.row[order_back],
        tokens=forest.tokens[order_back],
        unknown_size=forest.unknown_size[order_back],
        can_end=forest.can_end[order_back],
        leaf=renumbered[forest.leaf],
    )


def _subtree_sizes(parent: Ints) -> Ints:
    """Prefixes in each subtree, from the deepest level up."""
    depth, above = (parent >= 0).astype(np.int64), parent.copy()
    while len(pending := np.flatnonzero(above >= 0)):
        depth[pending] += depth[above[pending]]
        above[pending] = above[above[pending]]
    order = np.argsort(depth, kind="stable")
    bounds = np.searchsorted(depth[order], np.arange(depth.max(initial=0) + 2))
    size = np.ones(len(parent), np.int64)
    for level in range(len(bounds) - 2, 0, -1):
        nodes = order[bounds[level] : bounds[level + 1]]
        np.add.at(size, parent[nodes], size[nodes])
    return size
