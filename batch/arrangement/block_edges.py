"""Where a block begins and ends inside a line: learned from several rows that have it. Pure.

Pieces of a line are cut where sentences end, but "Ref 17 The parties agree. …" has no such end before its document.
What stands right before one block in all rows, and not before other blocks, belongs to it; so does what stands right
behind it. With one block alone, it does if what is left then ends as labels and numbers do ("[17]", "Ref:").
"""

from __future__ import annotations

import os
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


def learn_edges(found: Iterable[tuple[int, bytes, int, int]]) -> tuple[dict[int, Edge], bool]:
    """The edges of blocks that need to be moved, by name, and whether edges of others can be trusted.

    `found` has a block's name, a text that it is in, and where it begins and ends there.
    """
    sides: dict[int, tuple[set[bytes], set[bytes]]] = {}
    for name, body, start, end in found:
        befores, behinds = sides.setdefault(name, (set(), set()))
        if len(befores) < MOST_TAILS:
            befores.add(line_before(body, start)[-TAIL_BYTES:])
        if len(behinds) < MOST_TAILS:
            behinds.add(line_behind(body, end)[:TAIL_BYTES])
    several = {name: (list(befores), list(behinds)) for name, (befores, behinds) in sides.items()}
    if not several:
        return {}, True
    before_all = _common_end([befores[0] for befores, _ in several.values()])
    behind_all = os.path.commonprefix([behinds[0] for _, behinds in several.values()])
    edges: dict[int, Edge] = {}
    compared = 0
    for name, (befores, behinds) in several.items():
        compared += len(befores) > 1 or len(behinds) > 1
        before = _own_beginning(befores, before_all if len(several) > 1 else None)
        behind = _own_end(behinds, behind_all if len(several) > 1 else None)
        if before or behind:
            edges[name] = Edge(before, behind)
    return edges, len(edges) <= MOST_BLURRED * max(1, compared)


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
    common = os.path.commonprefix(list(behinds))
    own = common if common in behinds else common[: common.rfind(b" ") + 1].rstrip()
    return own if len(own.strip()) > len(behind_all.strip()) else b""


def _common_end(texts: Sequence[bytes]) -> bytes:
    return bytes(os.path.commonprefix([text[::-1] for text in texts]))[::-1]
