"""Where a block begins and ends inside a line: learned from several rows that have it. Pure.

Pieces of a line are cut where sentences end, but "Ref 17 The parties agree. …" has no such end before its document.
What stands right before one block in all rows, and not before other blocks, belongs to it; so does what stands right
behind it. With one block alone, it does if what is left then ends as labels and numbers do ("[17]", "Ref:").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from batch.arrangement.text_pieces import line_before, line_behind

MOST_TAILS, TAIL_BYTES = 8, 800
"""Of what stands beside a block so many rows are looked at, and so many bytes of each."""
MOST_BLURRED = 0.2
"""Share of blocks whose edges had to be moved, from which edges of others are not trusted."""
_AFTER = re.compile(rb"[\])>:|] *$|^ *$")
_BORDER = re.compile(rb" (?=[^ ])")


class Edge(NamedTuple):
    """What belongs to a block before its first and behind its last piece."""

    before: bytes
    behind: bytes


CLEAN = Edge(b"", b"")


class Seen(NamedTuple):
    """A block as it stands in a text: its name, the how manieth of the text it is, where it begins and ends."""

    name: int
    place: int
    body: bytes
    start: int
    end: int


_Sides = tuple[set[bytes], set[bytes]]


def learn_edges(found: Iterable[Seen]) -> tuple[dict[int, Edge], bool]:
    """The edges of blocks that need to be moved, by name, and whether edges of others can be trusted."""
    places: dict[int, dict[int, _Sides]] = {}
    for name, place, body, start, end in found:
        befores, behinds = places.setdefault(place, {}).setdefault(name, (set(), set()))
        if len(befores) < MOST_TAILS:
            befores.add(line_before(body, start)[-TAIL_BYTES:])
        if len(behinds) < MOST_TAILS:
            behinds.add(line_behind(body, end)[:TAIL_BYTES])
    edges: dict[int, Edge] = {}
    compared = 0
    for of_place in places.values():
        edges |= _edges_of(of_place)
        compared += sum(len(befores) > 1 or len(behinds) > 1 for befores, behinds in of_place.values())
    return edges, len(edges) <= MOST_BLURRED * max(1, compared)


def _edges_of(blocks: dict[int, _Sides]) -> dict[int, Edge]:
    """Edges of the blocks that stand in one place of their texts."""
    before_all = behind_all = None
    if len(blocks) > 1:
        before_all = _common_end([next(iter(befores)) for befores, _ in blocks.values()])
        behind_all = _common_beginning([next(iter(behinds)) for _, behinds in blocks.values()])
    edges = {
        name: Edge(_own_beginning(list(befores), before_all), _own_end(list(behinds), behind_all))
        for name, (befores, behinds) in blocks.items()
    }
    return {name: edge for name, edge in edges.items() if edge != CLEAN}


def _own_beginning(befores: Sequence[bytes], before_all: bytes | None) -> bytes:
    """What belongs to a block of what stands before it: from a border of words on."""
    if len(befores) < 2 or b"" in befores:
        return b""
    common = _common_end(befores)
    places = [0] if common in befores else []
    places += [border.end() for border in _BORDER.finditer(common)]
    own = next((common[place:] for place in places), b"")
    if before_all is not None:
        return own if len(own.strip()) > len(before_all.strip()) else b""
    left = [before[: len(before) - len(own)] for before in befores]
    return own if own.strip() and b"?" not in own and all(_AFTER.search(each) for each in left) else b""


def _own_end(behinds: Sequence[bytes], behind_all: bytes | None) -> bytes:
    """What belongs to a block of what stands behind it: up to a border of words."""
    if len(behinds) < 2 or b"" in behinds or behind_all is None:
        return b""
    common = _common_beginning(behinds)
    own = common if common in behinds else common[: common.rfind(b" ") + 1].rstrip()
    return own if len(own.strip()) > len(behind_all.strip()) else b""


def _common_beginning(texts: Sequence[bytes]) -> bytes:
    if not texts:
        return b""
    least, most = min(texts), max(texts)
    return least[: next((n for n, (one, other) in enumerate(zip(least, most, strict=False)) if one != other), None)]


def _common_end(texts: Sequence[bytes]) -> bytes:
    return _common_beginning([text[::-1] for text in texts])[::-1]
