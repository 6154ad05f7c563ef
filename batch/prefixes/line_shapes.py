"""Lines that differ in nothing but their keys and last texts, found a block at a time, without decoding them. Pure.

Most batches are thousands of such lines: what stands between the key and the last text, and behind that, is the same.
One of them is decoded. Of the others only the quotation marks are looked at, and the bytes between: where these are
the same and those stand in the same order, a line can only hold the same, with another key and another text. Lines
are valid JSON, as normalised ones are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest as digest

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

HEAD, OPENING, CLOSING = b'{"key":"', b'{"text":"', b'"}'
QUOTE, BACKSLASH, NEWLINE, SPACE = b'"\\\n '
KEY_MARKS = 4
"""Quotation marks up to the end of the key."""
PROBE = OPENING + b"?" + CLOSING
WORD = 8
COMPARED_BYTES = 1 << 9
"""So many bytes are compared in all lines at once, more of them by a hash of each."""
MOST_ENDINGS, MOST_SHAPES = 8, 1 << 16
UNKNOWN = -1

SHAPE_DTYPE = np.dtype(
    {"names": ["base", "seed", "settings", "tokens", "flags"], "formats": ["<u8", "<u8", "<u8", "<f8", "u1"]}
)


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
        self.text = text
        data = np.frombuffer(text, np.uint8)
        marks = np.flatnonzero((data == QUOTE) | (data == NEWLINE))
        self.marks = marks = marks[~_is_escaped(data, marks)]
        self._newlines = np.flatnonzero(data[marks] == NEWLINE)
        self.ends = marks[self._newlines]
        self.starts = np.concatenate(([0], self.ends[:-1] + 1))
        self._first_marks = np.concatenate(([0], self._newlines[:-1] + 1))
        self.is_plain = bool(
            (data[self.starts] > SPACE).all() and np.count_nonzero(data < SPACE) == len(self.ends)
        )
        """No line is empty or begins with white space, and none has a control byte."""

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def quotes(self) -> int:
        """How many quotation marks there are."""
        return len(self.marks) - len(self.ends)

    def line(self, number: int) -> bytes:
        """One line with its newline."""
        return self.text[self.starts[number] : self.ends[number] + 1]

    def mark_from_start(self, number: int) -> tuple[Ints, Bools]:
        """Where the mark of that number stands in each line, and which lines have so many."""
        index = self._first_marks + number
        return self.marks[np.minimum(index, len(self.marks) - 1)], index < self._newlines

    def mark_from_end(self, number: int) -> Ints:
        """Where the mark of that number before the newline (1: the last) stands; in another line if there is none."""
        return self.marks[np.maximum(self._newlines - number, 0)]

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
        words = np.ndarray((len(text) - WORD + 1,), "<u8", text, 0, (1,))
        for begin in (*range(0, size - WORD, WORD), size - WORD):
            equal &= words[at + begin] == np.uint64(int.from_bytes(expected[begin : begin + WORD], "little"))
        return equal


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
    """What stands behind a last text, from its closing quotation mark on, and how many marks that has."""

    text: bytes
    marks: int
    seed: int


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
        self.table = np.zeros(MOST_SHAPES, SHAPE_DTYPE)
        self._decode_last = decode_last
        self._known: dict[int, int] = {}
        self._endings: list[_Ending] = []
        self._latest: tuple[bytes, int, int] = b"", 0, UNKNOWN

    def find(self, name: int) -> int:
        """The place of a shape in the table by its name."""
        return self._known.get(name, UNKNOWN)

    def match(self, block: LineBlock) -> MatchedLines:
        """The shapes of the lines of a block."""
        count = len(block)
        matched = MatchedLines(
            np.full(count, UNKNOWN), [0] * count, np.zeros(count, np.int64), np.zeros(count, np.int64)
        )
        key_ends, has_key = block.mark_from_start(KEY_MARKS - 1)
        is_open = has_key & block.holds(HEAD, block.starts)
        for ending in self._endings:
            closing = block.ends + 1 - len(ending.text)
            opening = block.mark_from_end(ending.marks + 1)
            fits = is_open & block.holds(ending.text, closing)
            fits &= (block.mark_from_end(ending.marks) == closing) & (opening > key_ends)
            if fits.any():
                matched.begin[fits] = opening[fits] + 1 - len(OPENING)
                matched.end[fits] = closing[fits] + len(CLOSING)
                self._name(block, ending, matched, fits, key_ends, opening + 1)
                is_open &= ~fits
        return matched

    def _name(
        self, block: LineBlock, ending: _Ending, matched: MatchedLines, fits: Bools, begin: Ints, end: Ints
    ) -> None:
        """Name the shapes of lines by what stands between key and text; most are the same as the latest."""
        middle, seed, place = self._latest
        if seed == ending.seed and len(middle) >= WORD:
            same = fits & (end - begin == len(middle))
            same &= block.holds(middle, begin)
            matched.shape[same] = place
            fits = fits & ~same
        text, known, latest = block.text, self._known, None
        lines = np.flatnonzero(fits)
        for line, start, stop in zip(lines.tolist(), begin[lines].tolist(), end[lines].tolist(), strict=True):
            name = matched.names[line] = digest(text[start:stop], ending.seed)
            found = known.get(name)
            if found is not None:
                matched.shape[line] = found
                latest = start, stop, found
        if latest is not None and latest[1] - latest[0] <= COMPARED_BYTES:
            self._latest = text[latest[0] : latest[1]], ending.seed, latest[2]

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
        self._endings.append(_Ending(text, LineBlock(text).quotes, digest(text)))

    def learn(self, name: int, line: bytes, part: bytes, at: int, shape: RowShape) -> None:
        """Remember the shape of a line that has the name, and whose last part stands there."""
        if not line.startswith(part, at) or not self._is_last_text(line, part, at):
            return
        if len(self._known) >= MOST_SHAPES:
            self._known.clear()
            self._latest = b"", 0, UNKNOWN
        place = len(self._known)
        self.table[place] = shape
        self._known[name] = place

    def _is_last_text(self, line: bytes, part: bytes, at: int) -> bool:
        """Whether the part there is the last one, and only a text: the decoder finds another in its place.

        An equal part may stand behind it, in a system instruction, say.
        """
        if not part.startswith(OPENING) or not part.endswith(CLOSING) or not line.endswith(b"\n"):
            return False
        return self._decode_last(line[:at] + PROBE + line[at + len(part) :]) == PROBE
