"""Where a block begins and ends inside a line: learned from several rows that have it. Pure.

Pieces of a line are cut where sentences end, but "Ref 17 The parties agree. …" has no such end before its document.
What stands right before one block in all rows, and not before other blocks, belongs to it; so does what stands right
behind it. With one block alone, it does if what is left then ends as labels and numbers do ("[17]", "Ref:").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from batch.arrangement.text_pieces import line_before, line_behind

MOST_TAILS, TAIL_BYTES = 8, 800
"""Of what stands beside a block so many rows are looked at, and so many bytes of each."""
MOST_BLURRED = 0.2
"""Share of blocks whose edges had to be moved, from which edges of others are not trusted."""
_AFTER = re.compile(rb"[\])>:|] *$|^ *$")
_BORDER = re.compile(rb" (?=[^ ])")
_STOP = re.compile(rb"[.!?:>]\\*\"? +|>")
_ASKS = re.compile(rb" (?=[A-Z<])")
_DIGITS = re.compile(rb"\d+")
KIND_BYTES = 8
"""Lines whose first (or last) words begin (or end) with so many equal bytes, but for digits, are of one kind."""


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
    befores = _own({name: list(sides[0]) for name, sides in blocks.items()}, _beginning_of, _own_beginning)
    behinds = _own({name: list(sides[1]) for name, sides in blocks.items()}, _end_of, _own_end)
    edges = {name: Edge(befores[name], behinds[name]) for name in blocks}
    return {name: edge for name, edge in edges.items() if edge != CLEAN}


def _own(
    sides: dict[int, list[bytes]],
    kind_of: Callable[[bytes], bytes],
    own_of: Callable[[list[bytes], list[bytes]], bytes],
) -> dict[int, bytes]:
    """What belongs to each block on one side, held against blocks that stand in texts of the same kind."""
    kinds: dict[bytes, set[int]] = {}
    for name, tails in sides.items():
        for tail in tails:
            kinds.setdefault(kind_of(tail), set()).add(name)
    own: dict[int, bytes] = {}
    for name, tails in sides.items():
        peers = set().union(*(kinds[kind_of(tail)] for tail in tails)) - {name}
        own[name] = own_of(tails, [tail for peer in peers for tail in sides[peer][:1]])
    return own


def _beginning_of(before: bytes) -> bytes:
    return _DIGITS.sub(b"0", before).lstrip().partition(b" ")[0][:KIND_BYTES]


def _end_of(behind: bytes) -> bytes:
    return _DIGITS.sub(b"0", behind).rstrip().rpartition(b" ")[2][-KIND_BYTES:]


def _own_beginning(befores: list[bytes], others: list[bytes]) -> bytes:
    """What belongs to a block of what stands before it: from a border of words on.

    What stands before others in the same way is the question, or a label: "… say of it? The parties agree. " and
    "… say of it? This is a lease. ".
    """
    if len(befores) < 2 or b"" in befores:
        return b""
    common = _common_end(befores)
    whole = common in befores
    start = 0 if whole else next((border.end() for border in _BORDER.finditer(common)), len(common))
    own = common[start:]
    if not own.strip():
        return b""
    if others:
        asked = max(_end_of_question(own, other) for other in others)
        return own[asked:] if own[asked:].strip() else b""
    left = [before[: len(before) - len(own)] for before in befores]
    return own if b"?" not in own and all(_AFTER.search(each) for each in left) else b""


def _end_of_question(own: bytes, other: bytes) -> int:
    """How much of what may belong to a block stands before another one, too: up to where a sentence or label ends."""
    if own in other:
        return len(own)
    ends = [0, *(stop.end() for stop in _STOP.finditer(own))]
    return max(end for end in ends if own[:end] in other)


def _own_end(behinds: list[bytes], others: list[bytes]) -> bytes:
    """What belongs to a block of what stands behind it: up to a border of words, and not what others have, too."""
    if len(behinds) < 2 or b"" in behinds or not others:
        return b""
    common = _common_beginning(behinds)
    own = common if common in behinds else common[: common.rfind(b" ") + 1].rstrip()
    if any(own in other for other in others):
        return b""
    starts = [len(own), *(stop.start() for stop in _ASKS.finditer(own))]
    return own[: min(start for start in starts if start == len(own) or any(own[start:] in other for other in others))]


def _common_beginning(texts: Sequence[bytes]) -> bytes:
    if not texts:
        return b""
    least, most = min(texts), max(texts)
    return least[: next((n for n, (one, other) in enumerate(zip(least, most, strict=False)) if one != other), None)]


def _common_end(texts: Sequence[bytes]) -> bytes:
    return _common_beginning([text[::-1] for text in texts])[::-1]
