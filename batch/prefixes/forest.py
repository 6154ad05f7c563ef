"""The shared prefixes of a batch as a tree: mined in one streaming pass (two for cuts inside texts), without text.

Memory is about 60 bytes a row and 20 bytes a prefix that only one row has; neither grows with the length of texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import IOBase

import numpy as np
from numpy.typing import NDArray

from batch.prefixes import scan
from batch.prefixes.request_parts import Measure, measure
from batch.prefixes.scan import Scan
from batch.prefixes.scan_text import TextScan

Lines = Callable[[], Iterable[bytes]]
"""Opens the batch anew: a binary stream or any iterable of its lines."""

SLICE = 1 << 18

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Names = NDArray[np.uint64]


@contextmanager
def reading(lines: Lines) -> Iterator[Iterable[bytes]]:
    """Open the lines; close them again if they can be closed."""
    opened = lines()
    try:
        yield opened
    finally:
        if isinstance(opened, IOBase):
            opened.close()


@dataclass(frozen=True)
class Forest:
    """Prefixes that two rows or more begin with, in preorder: parents first, a subtree contiguous.

    `end[v]` is one past the subtree of v; `parent` and `leaf` are -1 for none. `row` is one row that begins with the
    prefix. `tokens` are estimates up to the prefix's end; where `blind`, part of it has an unknown size on top.
    `next_user` says whether what follows begins with a user's turn. `leaf` is each row's deepest prefix.
    """

    ids: Names
    parent: Ints
    end: Ints
    row: Ints
    tokens: Floats
    blind: Bools
    next_user: Bools
    leaf: Ints

    def __len__(self) -> int:
        return len(self.ids)

    def sums(self, values: NDArray[np.float64]) -> Floats:
        """Sum per subtree of one value a prefix."""
        before = np.concatenate(([0.0], np.cumsum(values)))
        return np.asarray(before[self.end] - before[:-1])

    def counts(self, rows: Bools) -> Ints:
        """How many of the rows marked begin with each prefix."""
        own = np.bincount(self.leaf[rows & (self.leaf >= 0)], minlength=len(self))
        before = np.concatenate(([0], np.cumsum(own)))
        return np.asarray(before[self.end] - before[:-1])

    def deepest(self, marked: Bools) -> Ints:
        """Of each prefix, the deepest one marked among itself and its ancestors; -1 for none."""
        found = np.where(marked, np.arange(len(self)), -1)
        above = self.parent.copy()
        while True:
            open_ = np.flatnonzero((found < 0) & (above >= 0))
            if not len(open_):
                return found
            found[open_] = found[above[open_]]
            above[open_] = above[above[open_]]

    def highest(self, values: Floats) -> Floats:
        """Of each prefix, the largest value among itself and its ancestors."""
        best, above = values.copy(), self.parent.copy()
        while True:
            open_ = np.flatnonzero(above >= 0)
            if not len(open_):
                return best
            best[open_] = np.maximum(best[open_], best[above[open_]])
            above[open_] = above[above[open_]]


@dataclass(frozen=True)
class Survey:
    """What planning needs to know of a batch; the rest stays in its file.

    Per row: `offset` of its line, estimated `tokens` (all of it), `twin` (the first row with an equal request, itself
    if there is none; by name only until `twins_checked`), flags of `batch.scan`. `pin_rows` name caches
    themselves, of `pin_tokens` tokens (0: unknown). `heads` are beginnings of long texts as a forest of its own.
    """

    lines: Lines
    split: str
    forest: Forest
    heads: Forest
    offset: Ints
    tokens: Floats
    twin: Ints
    flags: NDArray[np.uint8]
    pin_rows: Ints
    pin_tokens: Floats
    asides: scan.Asides
    twins_checked: bool = False

    def __len__(self) -> int:
        return len(self.offset)


def mine(
    lines: Lines,
    split: str = "part",
    tokens: Measure | None = None,
    caches: Mapping[str, int] | None = None,
    least: float = 600.0,
) -> Survey:
    """Read a batch of normalised JSONL and find what its requests share.

    `tokens` measures one part given as JSON (default: the estimates of `batch.tokens`); `caches` has the sizes of
    cached contents that requests may name themselves; cuts inside texts are not looked for below `least` tokens.
    """
    if split == "text":
        found = TextScan(tokens or measure(), caches or {})
        with reading(lines) as first, reading(lines) as second:
            found.read(first, second, least)
        return _survey(lines, split, found)
    plain = Scan(tokens or measure(), caches or {})
    with reading(lines) as opened:
        plain.run(opened, split == "part")
    return _survey(lines, split, plain)


def _survey(lines: Lines, split: str, found: Scan) -> Survey:
    rows = np.frombuffer(found.rows, dtype=scan.ROW_DTYPE)
    head_rows = np.asarray(found.head_rows, dtype=np.int64)
    heads = _forest(found.heads, np.zeros(len(head_rows), np.uint64), np.asarray(found.head_counts, dtype=np.int64))
    return Survey(
        lines=lines,
        split=split,
        forest=_forest(found.prefixes, rows["base"], rows["novel"].astype(np.int64)),
        heads=_on_rows(heads, head_rows, len(rows)),
        offset=rows["offset"].astype(np.int64),
        tokens=rows["tokens"] + found.tails.tokens(rows["tail"]),
        twin=_twins(rows["whole"]),
        flags=rows["flags"].copy(),
        pin_rows=np.asarray(found.pin_rows, dtype=np.int64),
        pin_tokens=np.asarray(found.pin_tokens),
        asides=found.asides,
    )


def _twins(whole: Names) -> Ints:
    _, first, inverse = np.unique(whole, return_index=True, return_inverse=True)
    return np.asarray(first[inverse])


def _forest(prefixes: scan.Prefixes, base: Names, novel: Ints) -> Forest:
    """Keep what is shared and hang it up as a tree.

    A prefix is shared if two rows wrote it down, or one did and another row builds on it, or a longer one is shared.
    Most are not; arrays of all of them are avoided.
    """
    ids = np.frombuffer(prefixes.ids, dtype=np.uint64)
    begin = np.cumsum(novel) - novel
    met = np.flatnonzero(_among(_met_again(ids, base), ids))
    last = np.full(len(novel), -1)
    np.maximum.at(last, np.searchsorted(begin, met, side="right") - 1, met)
    rows = np.flatnonzero(last >= 0)
    owner = np.repeat(rows, last[rows] + 1 - begin[rows])
    first_of_owner = np.searchsorted(owner, owner)
    kept = begin[owner] + np.arange(len(owner)) - first_of_owner
    names, first = np.unique(ids[kept], return_index=True)
    entry, owner = kept[first], owner[first]
    above = np.where(entry == begin[owner], base[owner], ids[entry - 1]) if len(ids) else names
    leaf = np.where(last >= 0, ids[last] if len(ids) else 0, base)
    return _in_preorder(
        Forest(
            ids=names,
            parent=_find(names, above),
            end=np.zeros(len(names), np.int64),
            row=owner,
            tokens=np.frombuffer(prefixes.tokens)[entry],
            blind=np.frombuffer(prefixes.blind, dtype=np.uint8)[entry] > 0,
            next_user=(names & np.uint64(1)) == 0,
            leaf=_find(names, leaf),
        )
    )


def _met_again(ids: Names, base: Names) -> Names:
    """Names that occur twice, or as a row's base; sorted."""
    ordered = np.sort(ids)
    return np.union1d(ordered[1:][ordered[1:] == ordered[:-1]], base[base > 0])


def _among(some: Names, ids: Names) -> Bools:
    """Which of the ids are among some, which are sorted; in slices, since there may be very many."""
    found = np.zeros(len(ids), dtype=bool)
    for begin in range(0, len(ids) if len(some) else 0, SLICE):
        part = ids[begin : begin + SLICE]
        found[begin : begin + SLICE] = some[np.minimum(np.searchsorted(some, part), len(some) - 1)] == part
    return found


def _find(names: Names, wanted: Names) -> Ints:
    """Places of the wanted among sorted names; -1 for 0, which names nothing."""
    return np.where(wanted > 0, np.searchsorted(names, wanted), -1)


def _in_preorder(forest: Forest) -> Forest:
    """The same forest renumbered; siblings stand in the order of their first rows."""
    count, parent = len(forest), forest.parent
    size = _sizes(parent)
    order = np.lexsort((forest.row, parent))
    ordered = size[order]
    passed = np.cumsum(ordered) - ordered
    new_family = np.concatenate(([True], parent[order][1:] != parent[order][:-1])) if count else np.zeros(0, bool)
    begin = np.maximum.accumulate(np.where(new_family, np.arange(count), 0))
    number = np.empty(count, np.int64)
    number[order] = passed - passed[begin]
    number += parent >= 0
    above = parent.copy()
    while len(open_ := np.flatnonzero(above >= 0)):
        number[open_] += number[above[open_]]
        above[open_] = above[above[open_]]
    back = np.argsort(number)
    renumbered = np.append(number, -1)
    return Forest(
        ids=forest.ids[back],
        parent=renumbered[parent[back]],
        end=np.arange(count) + size[back],
        row=forest.row[back],
        tokens=forest.tokens[back],
        blind=forest.blind[back],
        next_user=forest.next_user[back],
        leaf=renumbered[forest.leaf],
    )


def _sizes(parent: Ints) -> Ints:
    """Prefixes in each subtree, from the deepest level up."""
    depth, above = (parent >= 0).astype(np.int64), parent.copy()
    while len(open_ := np.flatnonzero(above >= 0)):
        depth[open_] += depth[above[open_]]
        above[open_] = above[above[open_]]
    order = np.argsort(depth, kind="stable")
    bounds = np.searchsorted(depth[order], np.arange(depth.max(initial=0) + 2))
    size = np.ones(len(parent), np.int64)
    for level in range(len(bounds) - 2, 0, -1):
        nodes = order[bounds[level] : bounds[level + 1]]
        np.add.at(size, parent[nodes], size[nodes])
    return size


def _on_rows(forest: Forest, rows: Ints, count: int) -> Forest:
    """A forest over some rows as one over all."""
    leaf = np.full(count, -1)
    leaf[rows] = forest.leaf
    return Forest(
        forest.ids, forest.parent, forest.end, rows[forest.row], forest.tokens, forest.blind, forest.next_user, leaf
    )
