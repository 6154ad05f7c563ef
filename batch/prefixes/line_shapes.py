"""Lines that differ in nothing but their keys and last texts, found a block at a time, without decoding them. Pure.

Most batches are thousands of such lines: what stands between the key and the last text, and behind that, is the same.
One of them is decoded. Of the others only the quotation marks are looked at, and the bytes between: where these are
the same and those stand in the same order, a line can only hold the same, with another key and another text. Lines
are valid JSON, as normalised ones are.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest as digest

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

HEAD, OPENING, CLOSING = b'{"key":"', b'{"text":"', b'"}'
QUOTE, BACKSLASH, NEWLINE, SPACE = b'"\\\n '
KEY_QUOTES = 4
"""Quotation marks up to the end of the key, that of its end included."""
PROBE = OPENING + b"?" + CLOSING
WORD, FAR_WORDS = 8, 8
ONES = np.uint64(0x0101010101010101)
COMPARED_BYTES = 1 << 9
"""So many bytes are compared in all lines at once, more of them by a hash of each."""
MOST_ENDINGS, MOST_SHAPES = 8, 1 << 16
TRY_ALIKE_EVERY = 8
"""After a block with several shapes, the next that is looked at as if it had one only."""
LONG_LINE = 1 << 9
UNKNOWN = -1

SHAPE = struct.Struct("<QQQdBI")
SHAPE_DTYPE = np.dtype(
    {
        "names": ["base", "seed", "settings", "tokens", "flags", "quotes"],
        "formats": ["<u8", "<u8", "<u8", "<f8", "u1", "<u4"],
    }
)
"""A shape as it is kept: `quotes` are the quotation marks up to the last text, that of its beginning included."""


class RowShape(NamedTuple):
    """What rows have in common that differ in key and last text alone.

    `base` is their deepest prefix (0: none), `seed` names what is before the last text, `settings` what is not prompt;
    `tokens` are those before the last text.
    """

    base: int
    seed: int
    settings: int
    tokens: float
    flags: int


class LineBlock:
    """Lines that each end with a newline: where they begin and end, and which quotation marks they have."""

    def __init__(self, text: bytes) -> None:
        self.text, self._data = text, np.frombuffer(text, np.uint8)
        self.ends = np.flatnonzero(self._data == NEWLINE)
        self.starts = np.concatenate(([0], self.ends[:-1] + 1))

    def __len__(self) -> int:
        return len(self.ends)

    @cached_property
    def is_plain(self) -> bool:
        """Whether no line is empty or begins with white space."""
        return bool((self._data[self.starts] > SPACE).all())

    @cached_property
    def _quotes_and_newlines(self) -> tuple[Ints, Ints]:
        """Where quotation marks and newlines stand, and which of them are newlines."""
        data = self._data
        places = np.flatnonzero((data == QUOTE) | (data == NEWLINE))
        places = places[~_is_escaped(data, places)]
        return places, np.flatnonzero(data[places] == NEWLINE)

    def quote_from_start(self, number: int) -> tuple[Ints, Bools]:
        """Where the quotation mark of that number (from 0) stands in each line, and which lines have so many."""
        places, newlines = self._quotes_and_newlines
        index = np.concatenate(([0], newlines[:-1] + 1)) + number
        return places[np.minimum(index, len(places) - 1)], index < newlines

    def quote_from_end(self, number: int) -> Ints:
        """Where the one of that number before the newline (1: the last) stands; in another line if there is none."""
        places, newlines = self._quotes_and_newlines
        return places[np.maximum(newlines - number, 0)]

    def first_quotes(self, at: Ints) -> Ints | None:
        """The first quotation mark at or after each of some places; None where one is more than 64 bytes away."""
        found, pending = np.empty(len(at), np.int64), np.arange(len(at))
        for _ in range(FAR_WORDS):
            if (at > len(self.text) - WORD).any():
                return None
            # A byte that equals a quotation mark becomes 0, and of such bytes the lowest has its highest bit set.
            words = self._words[at] ^ (ONES * np.uint64(QUOTE))
            zero = (words - ONES) & ~words & (ONES << np.uint64(7))
            found[pending] = at + (np.bitwise_count((zero & (~zero + np.uint64(1))) - np.uint64(1)) >> 3)
            missing = np.flatnonzero(zero == 0)
            if not len(missing):
                return found
            pending, at = pending[missing], at[missing] + WORD
        return None

    def line(self, number: int) -> bytes:
        """One line with its newline."""
        return self.text[self.starts[number] : self.ends[number] + 1]

    def holds(self, expected: bytes, at: Ints) -> Bools:
        """At which of some places these 8 bytes or more stand; nothing stands outside of the block."""
        size, text = len(expected), self.text
        if size > COMPARED_BYTES:
            return np.array([place >= 0 and text.startswith(expected, place) for place in at.tolist()], dtype=bool)
        last = len(text) - size
        equal = (at >= 0) & (at <= last)
        if last < 0:
            return equal
        at = np.clip(at, 0, last)
        for begin in (*range(0, size - WORD, WORD), size - WORD):
            equal &= self._words[at + begin] == np.uint64(int.from_bytes(expected[begin : begin + WORD], "little"))
        return equal

    @cached_property
    def _words(self) -> NDArray[np.uint64]:
        """Eight bytes from every place on; an overlapping view, which costs no copy."""
        return np.ndarray((len(self.text) - WORD + 1,), "<u8", self.text, 0, (1,))


def count_quotes(text: bytes) -> int | None:
    """How many quotation marks there are that no backslash escapes; None where it takes a closer look to tell."""
    if b"\\" not in text and len(text) < COMPARED_BYTES:
        return text.count(b'"')
    data = np.frombuffer(text, np.uint8)
    is_quote, is_backslash = data == QUOTE, data == BACKSLASH
    count = np.count_nonzero(is_quote)
    if (is_backslash[1:] & is_backslash[:-1]).any():
        return None
    return int(count - np.count_nonzero(is_quote[1:] & is_backslash[:-1]))


def _is_escaped(data: NDArray[np.uint8], marks: Ints) -> Bools:
    """Which quotation marks have an odd number of backslashes before them."""
    odd = np.zeros(len(marks), dtype=bool)
    before = np.maximum(marks - 1, 0)
    pending, distance = np.flatnonzero((data[before] == BACKSLASH) & (data[marks] == QUOTE)), 1
    while len(pending):
        odd[pending] = distance % 2 == 1
        distance += 1
        before = marks[pending] - distance
        pending = pending[(before >= 0) & (data[np.maximum(before, 0)] == BACKSLASH)]
    return odd


class _Ending(NamedTuple):
    """What stands behind a last text, from its closing quotation mark on, and how many of these it has."""

    text: bytes
    quotes: int
    seed: int


class _Latest(NamedTuple):
    """A shape as it is written: what is between key and text, their quotation marks included, and behind the text."""

    middle: bytes
    ending: _Ending
    place: int


@dataclass
class MatchedLines:
    """Per line of a block: the place of its shape among those known (UNKNOWN), the name of it, whether known or not
    (0: it has none), and from where to where the part with the last text stands."""

    shape: Ints
    names: list[int]
    begin: Ints
    end: Ints


class LineShapes:
    """Shapes that were met. Of very many all are forgotten; that costs time, nothing else."""

    def __init__(self, decode_last: Callable[[bytes], bytes | None]) -> None:
        self._records = bytearray(MOST_SHAPES * SHAPE.size)
        self.table = np.frombuffer(self._records, SHAPE_DTYPE)
        self._decode_last = decode_last
        self._known: dict[int, int] = {}
        self._endings: list[_Ending] = []
        self._latest: _Latest | None = None
        self._blocks_mixed = 0

    def find(self, name: int) -> int:
        """The place of a shape in the table by its name."""
        return self._known.get(name, UNKNOWN)

    def match(self, block: LineBlock) -> MatchedLines:
        """The shapes of the lines of a block."""
        if self._latest is not None and not self._blocks_mixed % TRY_ALIKE_EVERY:
            matched = self._match_alike(block, self._latest)
            if matched is not None:
                return matched
        self._blocks_mixed += 1
        count = len(block)
        nowhere = np.zeros((2, count), np.int64)
        matched = MatchedLines(np.full(count, UNKNOWN), [0] * count, *nowhere)
        key_ends, has_key = block.quote_from_start(KEY_QUOTES - 1)
        is_open = has_key & block.holds(HEAD, block.starts)
        for ending in self._endings:
            closing = block.ends + 1 - len(ending.text)
            opening = block.quote_from_end(ending.quotes + 1)
            fits = is_open & block.holds(ending.text, closing)
            fits &= (block.quote_from_end(ending.quotes) == closing) & (opening > key_ends)
            if fits.any():
                matched.begin[fits] = opening[fits] + 1 - len(OPENING)
                matched.end[fits] = closing[fits] + len(CLOSING)
                self._name(block, ending, matched, fits, key_ends, opening + 1)
                is_open &= ~fits
        return matched

    def _match_alike(self, block: LineBlock, latest: _Latest) -> MatchedLines | None:
        """The lines of a block if each has the latest shape or one that is as long, without a look at every quote.

        There are no more of them than these shapes have: so none stands in a text.
        """
        count, ending, text = len(block), latest.ending, block.text
        key_ends = block.first_quotes(block.starts + len(HEAD))
        if key_ends is None:
            return None
        texts, closing = key_ends + len(latest.middle), block.ends + 1 - len(ending.text)
        is_fit = (texts <= closing) & block.holds(HEAD, block.starts) & block.holds(ending.text, closing)
        if not is_fit.all():
            return None
        shape = np.full(count, latest.place)
        others = np.flatnonzero(~block.holds(latest.middle, key_ends))
        if len(others):
            spans = map(slice, key_ends[others].tolist(), texts[others].tolist())
            names = map(digest, map(text.__getitem__, spans), repeat(ending.seed))
            shape[others] = [self._known.get(name, UNKNOWN) for name in names]
            if (shape[others] == UNKNOWN).any():
                return None
        # In long texts the first quotation mark is found at once; where it is not the last, all are counted.
        is_long = len(text) > LONG_LINE * count
        if is_long and [text.find(b'"', start) for start in texts.tolist()] == closing.tolist():
            return MatchedLines(shape, [0] * count, texts - len(OPENING), closing + len(CLOSING))
        if count_quotes(text) != int(self.table["quotes"][shape].sum()) + count * ending.quotes:
            return None
        return MatchedLines(shape, [0] * count, texts - len(OPENING), closing + len(CLOSING))

    def _name(
        self, block: LineBlock, ending: _Ending, matched: MatchedLines, fits: Bools, begin: Ints, end: Ints
    ) -> None:
        """Name the shapes of lines by what stands between key and text; many are the same as the latest."""
        text, known, latest = block.text, self._known, self._latest
        if latest is not None and latest.ending is ending:
            same = fits & (end - begin == len(latest.middle)) & block.holds(latest.middle, begin)
            matched.shape[same] = latest.place
            fits = fits & ~same
        lines, last = np.flatnonzero(fits), None
        for line, start, stop in zip(lines.tolist(), begin[lines].tolist(), end[lines].tolist(), strict=True):
            name = matched.names[line] = digest(text[start:stop], ending.seed)
            found = known.get(name)
            if found is not None:
                matched.shape[line] = found
                last = start, stop, found
        if last is not None:
            self._latest = _Latest(text[last[0] : last[1]], ending, last[2])

    def learn_ending(self, line: bytes, part: bytes) -> None:
        """Remember what stands behind the last part of a line, if that is a text."""
        at = line.rfind(part)
        if at < 0 or not self._is_last_text(line, part, at):
            return
        text = line[at + len(part) - len(CLOSING) :]
        if any(ending.text == text for ending in self._endings):
            return
        if len(self._endings) >= MOST_ENDINGS:
            self._endings.pop(0)
        quotes = count_quotes(text)
        if quotes is not None:
            self._endings.append(_Ending(text, quotes, digest(text)))

    def learn(self, name: int, line: bytes, part: bytes, at: int, shape: RowShape) -> None:
        """Remember the shape of a line that has the name, and whose last part stands there."""
        if name in self._known or not line.startswith(part, at) or not self._is_last_text(line, part, at):
            return
        if len(self._known) >= MOST_SHAPES:
            self._known.clear()
            self._latest = None
        place = len(self._known)
        SHAPE.pack_into(self._records, place * SHAPE.size, *shape, count_quotes(line[: at + len(OPENING)]) or 0)
        self._known[name] = place

    def _is_last_text(self, line: bytes, part: bytes, at: int) -> bool:
        """Whether the part there is the last one, and only a text.

        An equal part may stand elsewhere, in a system instruction, say; then a decoder tells which is the last.
        """
        if not part.startswith(OPENING) or not part.endswith(CLOSING) or not line.endswith(b"\n"):
            return False
        is_only_one = line.find(part) == at and line.find(part, at + 1) < 0
        return is_only_one or self._decode_last(line[:at] + PROBE + line[at + len(part) :]) == PROBE
