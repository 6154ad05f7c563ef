"""Which stretches of a text other texts have, too: long runs of lines, cut where they stop being together.

A run is cut where two lines are often found, but seldom after each other: between a question that is asked of many
documents and a document that is asked many questions. Where more texts share one part of a run than the rest of it,
the parts are blocks of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest as digest

from batch.arrangement.block_edges import CLEAN, Edge, Seen, learn_edges
from batch.arrangement.line_counts import STRONG_BYTES, Counts, Hashes, LineCounts, next_to, one_between, strong_pairs
from batch.arrangement.text_lines import NEWLINE, is_closer, is_label
from batch.arrangement.text_pieces import LONG_LINE_BYTES, pieces_of_line, split_pieces

MIN_BLOCK_BYTES = 2000
"""No text of fewer bytes has the tokens of the smallest cache (1,024)."""
TOGETHER, MORE, EVERYWHERE = 0.6, 1.6, 0.9
"""Shares: two lines are together from, one is in more texts than another from, a line is in all texts from."""
MOST_REMEMBERED, LINES_LOOKED_AT = 1 << 16, 40
MOST_LAYOUTS = 1 << 10
LINES_AROUND = 5


class Block(NamedTuple):
    """A stretch of a text, in bytes of its body, and about how many texts have it."""

    start: int
    end: int
    texts: int


class Layout(NamedTuple):
    """The blocks of a text in their order, and where its beginning ends that all texts have (0: there is none)."""

    lead: int
    blocks: tuple[Block, ...]
    names: tuple[int, ...] = ()


class _Known(NamedTuple):
    size: int
    name: int
    texts: int


class BlockFinder:
    """Finds the blocks of texts whose lines were counted; a block that was found once is known again at once."""

    def __init__(self, counts: LineCounts, texts: int) -> None:
        self._counts, self._all = counts, max(2, texts)
        self._known: dict[int, list[_Known]] = {}
        self._least_known = self._remembered = 0
        self._unknown: dict[int, int] = {}
        """Texts that were not recalled when so many blocks were remembered."""
        self._leading: set[int] = set()
        self._layouts: dict[int, Layout] = {}
        self._edges: dict[int, Edge] = {}
        self._are_edges_sharp = True

    def learn_edges(self, bodies: Iterable[bytes]) -> None:
        """Look where blocks begin and end in some texts: inside a line, no cut of a piece need be a border."""
        found = [(body, self._found(body)) for body in bodies]
        self._edges, self._are_edges_sharp = learn_edges(
            Seen(name, place, body, block.start, block.end)
            for body, layout in found
            for place, (block, name) in enumerate(zip(layout.blocks, layout.names, strict=True))
        )

    def layout(self, body: bytes) -> Layout:
        """Where the blocks of a text are."""
        found = self._found(body)
        return self._moved_edges(body, found) if self._edges or not self._are_edges_sharp else found

    def _found(self, body: bytes) -> Layout:
        # To fall a long line into its pieces takes long, and is in vain until more blocks are known.
        is_long = body.find(NEWLINE, 0, LONG_LINE_BYTES) < 0
        name = digest(body) if is_long else 0
        if not is_long or self._unknown.get(name) != self._remembered:
            recalled = self._recalled(body)
            if recalled is not None:
                return recalled
        name = name or digest(body)
        layout = self._layouts.get(name)
        if layout is None:
            if len(self._layouts) >= MOST_LAYOUTS:
                self._layouts.clear()
            layout = self._layouts[name] = self._analysed(body)
        elif is_long:
            if len(self._unknown) >= MOST_LAYOUTS:
                self._unknown.clear()
            self._unknown[name] = self._remembered
        return layout

    def _moved_edges(self, body: bytes, layout: Layout) -> Layout:
        """The layout with blocks as long as they were seen to be; without those whose edges are not known."""
        blocks: list[Block] = []
        names: list[int] = []
        at = 0
        for block, name in zip(layout.blocks, layout.names, strict=True):
            edge = self._edges.get(name)
            if edge is None and not self._are_edges_sharp and _is_inside_line(body, block):
                continue
            before, behind = edge or CLEAN
            start = block.start - len(before) if body[: block.start].endswith(before) else block.start
            end = block.end + len(behind) if body.startswith(behind, block.end) else block.end
            blocks.append(Block(max(at, start), end, block.texts))
            names.append(name)
            at = end
        return Layout(min(layout.lead, blocks[0].start) if blocks else 0, tuple(blocks), tuple(names))

    def is_everywhere(self, lines: list[bytes]) -> NDArray[np.bool_]:
        """Which of some lines all texts have."""
        return self._counts.of(_hashes(lines)) >= EVERYWHERE * self._all

    def _recalled(self, body: bytes) -> Layout | None:
        """The layout, if all that is long in the text is known."""
        blocks: list[Block] = []
        names: list[int] = []
        at = lead = done = looked_at = 0
        only_lead, size, find, known_blocks = True, len(body), body.find, self._known
        while at < size and looked_at < LINES_LOOKED_AT and at - done < MIN_BLOCK_BYTES:
            end = find(NEWLINE, at)
            end = size if end < 0 else end
            line, behind = body[at:end], end + len(NEWLINE)
            length = end - at
            for first, last in pieces_of_line(line) if length > LONG_LINE_BYTES else ((0, length),):
                name = hash(line if last - first == length else line[first:last])
                known = known_blocks.get(name)
                block = _first_there(known, body, at + first) if known else None
                if block:
                    begin = at + first
                    done = begin + block.size
                    blocks.append(Block(begin, done, block.texts))
                    names.append(block.name)
                    behind = done + len(NEWLINE) if body.startswith(NEWLINE, done) else done
                    looked_at, only_lead = 0, False
                    # No block is so short that it could follow there.
                    behind = size if size - done < self._least_known else behind
                    break
                looked_at += 1
                if only_lead:
                    only_lead = name in self._leading or first == last
                    lead = at + last if only_lead else lead
                if at + last - done >= MIN_BLOCK_BYTES:
                    return None
            at = behind
            lead = at if only_lead else lead
        if not blocks or len(body) - done >= MIN_BLOCK_BYTES or at - done >= MIN_BLOCK_BYTES:
            return None
        return Layout(min(lead, blocks[0].start), tuple(blocks), tuple(names))

    def _analysed(self, body: bytes) -> Layout:
        pieces, starts = split_pieces(body)
        text = _Text(pieces, starts, self._counts)
        ranges = sorted(
            (self._with_edges(text, first, last), texts) for first, last, texts in text.blocks() if last >= first
        )
        blocks = tuple(Block(starts[first], starts[last] + len(pieces[last]), n) for (first, last), n in ranges)
        names = tuple(
            self._remember(hash(pieces[first]), body[block.start : block.end], texts)
            for ((first, _), texts), block in zip(ranges, blocks, strict=True)
        )
        lead = self._lead(text, ranges[0][0][0]) if ranges else 0
        self._leading.update(hash(piece) for piece in pieces[:lead] if piece)
        return Layout(starts[lead], blocks, names)

    def _remember(self, first_piece: int, block: bytes, texts: int) -> int:
        name = digest(block)
        if len(self._known) < MOST_REMEMBERED:
            self._least_known = min(self._least_known or len(block), len(block))
            self._remembered += 1
            known = self._known.setdefault(first_piece, [])
            known.append(_Known(len(block), name, texts))
            known.sort(key=lambda one: -one.size)
        return name

    def _lead(self, text: _Text, first: int) -> int:
        """How many lines at the beginning, before the first block, all texts have; a label belongs to what follows."""
        lead = 0
        for place in range(first):
            if text.lines[place] and text.count_of(place) < EVERYWHERE * self._all:
                break
            lead = place + 1
        if lead == first:
            return lead
        while lead and (not text.lines[lead - 1] or is_label(text.lines[lead - 1])):
            lead -= 1
        return lead

    def _with_edges(self, text: _Text, first: int, last: int) -> tuple[int, int]:
        """A block with the short lines that belong to it: what opens and closes it, and its own."""
        lines, texts = text.lines, text.count_of(first)
        at, only_labels = first, False
        while (above := text.filled_before(at)) is not None and len(lines[above]) < STRONG_BYTES:
            label = is_label(lines[above]) and text.count_of(above) > 1
            is_said_to_all = text.count_of(above) >= max(MORE * texts, EVERYWHERE * self._all)
            if not label and (only_labels or is_said_to_all or text.pairs_of(above, at) < TOGETHER * texts):
                break
            # What stands before a line of many texts says nothing of this block.
            at, only_labels = above, label or text.count_of(above) >= MORE * texts
        first, at = at, last
        texts = text.count_of(last)
        while (below := text.filled_behind(at)) is not None and len(lines[below]) < STRONG_BYTES:
            closer = is_closer(lines[below]) and text.count_of(below) > 1
            if not closer and (is_label(lines[below]) or text.pairs_of(at, below) < TOGETHER * texts):
                break
            at = below
        # What a text ends with and asks for something ("Answer:") stays at its end.
        if text.filled_behind(at) is None:
            while at > first and is_label(lines[at]) and not is_closer(lines[at]):
                at = text.filled_before(at) or first
        return first, at


class _Text:
    """A text under analysis: its pieces that are not empty, with how many texts have each."""

    def __init__(self, lines: list[bytes], starts: list[int], counts: LineCounts) -> None:
        self.lines, self.starts, self._counts = lines, starts, counts
        self._sizes = np.fromiter(map(len, lines), dtype=np.int64, count=len(lines))
        self._filled = np.flatnonzero(self._sizes)
        self._hashes = _hashes([line for line in lines if line])
        self._texts = counts.of(self._hashes)

    def count_of(self, place: int) -> int:
        return int(self._texts[self._index(place)])

    def _index(self, place: int) -> int:
        return int(np.searchsorted(self._filled, place))

    def pairs_of(self, place: int, other: int) -> int:
        """How many texts have the line at `other` after that at `place`, but for empty lines."""
        index = self._index(place)
        return int(self._counts.of(next_to(self._hashes[[index]], self._hashes[[self._index(other)]]))[0])

    def filled_before(self, place: int) -> int | None:
        index = self._index(place)
        return int(self._filled[index - 1]) if index else None

    def filled_behind(self, place: int) -> int | None:
        index = self._index(place)
        return int(self._filled[index + 1]) if index + 1 < len(self._filled) else None

    def blocks(self) -> Iterator[tuple[int, int, int]]:
        """First and last line of each block, and how many texts have it."""
        sizes = self._sizes[self._filled]
        strong = np.flatnonzero(sizes >= STRONG_BYTES)
        texts = self._texts[strong]
        if not len(strong) or sizes[strong][texts > 1].sum() < MIN_BLOCK_BYTES / 2:
            return
        apart = self._apart(strong, texts)
        bounds = np.append(np.flatnonzero(np.append(True, apart)), len(strong))
        for begin, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            if texts[begin] > 1:
                yield from self._parts(strong, texts, begin, end)

    def _apart(self, strong: Counts, texts: Counts) -> NDArray[np.bool_]:
        """Between which strong lines a run ends."""
        hashes = self._hashes
        # Two lines of many texts may follow each other in few: what counts is how many have the rarer ones around them.
        rarest = np.where(texts > 1, texts, np.iinfo(np.int64).max)
        left, right = _least_before(rarest), _least_before(rarest[::-1])[::-1]
        both_shared = (texts[:-1] > 1) & (texts[1:] > 1)
        pairs = self._counts.of(strong_pairs(hashes, strong))
        together = both_shared & (pairs > 1) & (pairs >= TOGETHER * np.minimum(left[:-1], right[1:]))
        # A line that all texts have joins what stands before and behind it to everything: look past it.
        outer = self._counts.of(one_between(hashes[strong[:-2]], hashes[strong[2:]]))
        never = (outer < 2) | (outer < TOGETHER * np.minimum(left[:-2], right[2:]))
        together[:-1] &= ~(together[:-1] & together[1:] & never)
        return ~together

    def _parts(self, strong: Counts, texts: Counts, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
        """A run as blocks: what stands at its ends is a block of its own if other texts share it, and is long."""
        if self._bytes(strong, begin, end) < MIN_BLOCK_BYTES:
            return
        inner = texts[begin:end]
        sizes = self._sizes[self._filled[strong[begin:end]]]
        order = np.argsort(inner, kind="stable")
        low = int(inner[order][np.searchsorted(np.cumsum(sizes[order]), sizes.sum() / 10)])
        fewer = np.flatnonzero(inner >= TOGETHER * low)
        first, last = begin + int(fewer[0]), begin + int(fewer[-1]) + 1
        if first > begin:
            yield from self._parts(strong, texts, begin, first)
        if last < end:
            yield from self._parts(strong, texts, last, end)
        usual = np.flatnonzero(texts[first:last] < MORE * low)
        inner_first, inner_last = first + int(usual[0]), first + int(usual[-1]) + 1
        is_main = self._bytes(strong, inner_first, inner_last) >= MIN_BLOCK_BYTES
        for outer_first, outer_last in ((first, inner_first), (inner_last, last)):
            if outer_last > outer_first and self._bytes(strong, outer_first, outer_last) >= MIN_BLOCK_BYTES:
                yield self._block(strong, outer_first, outer_last, int(np.median(texts[outer_first:outer_last])))
            elif outer_last > outer_first and is_main and outer_first == first:
                inner_first = first
            elif outer_last > outer_first and is_main and not self._ends_the_text(strong, outer_last):
                inner_last = last
        if self._bytes(strong, inner_first, inner_last) >= MIN_BLOCK_BYTES:
            yield self._block(strong, inner_first, inner_last, low)

    def _ends_the_text(self, strong: Counts, end: int) -> bool:
        return end == len(strong)

    def _bytes(self, strong: Counts, begin: int, end: int) -> int:
        if end <= begin:
            return 0
        return int(self.starts[self._filled[strong[end - 1]] + 1] - self.starts[self._filled[strong[begin]]])

    def _block(self, strong: Counts, begin: int, end: int, texts: int) -> tuple[int, int, int]:
        return int(self._filled[strong[begin]]), int(self._filled[strong[end - 1]]), texts


def _first_there(known: list[_Known], body: bytes, begin: int) -> _Known | None:
    """The first of some blocks that stands in a text at a place."""
    view = memoryview(body)
    for block in known:
        if digest(view[begin : begin + block.size]) == block.name:
            return block
    return None


def _is_inside_line(body: bytes, block: Block) -> bool:
    """Whether something stands before or behind a block in its first or last line."""
    starts = not block.start or body[: block.start].endswith(NEWLINE)
    ends = block.end == len(body) or body.startswith(NEWLINE, block.end)
    return not (starts and ends)


def _least_before(values: Counts) -> Counts:
    """At each place the least of some values before it and its own."""
    least = values.copy()
    for step in range(1, LINES_AROUND):
        np.minimum(least[step:], values[:-step], out=least[step:])
    return least


def _hashes(lines: list[bytes]) -> Hashes:
    return np.fromiter(map(hash, lines), dtype=np.int64, count=len(lines)).view(np.uint64)
