"""One pass over a batch that counts, in bounded memory, which lines and parts requests share, wherever they stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from msgspec import UNSET, MsgspecError, Raw, Struct
from msgspec import json as msgspec_json
from xxhash import xxh3_64_intdigest as digest

from batch.arrangement.frames import Framed, Frames, Led, LedFrames
from batch.arrangement.json_texts import before_name, json_text, may_be_json, member_names
from batch.arrangement.line_counts import SLOTS, STRONG_BYTES, LineCounts
from batch.arrangement.shared_blocks import MIN_BLOCK_BYTES, BlockFinder
from batch.arrangement.text_lines import NEWLINE
from batch.arrangement.text_pieces import pieces_of
from batch.arrangement.tool_order import ToolOrder, order_name
from batch.prefixes import locate
from batch.prefixes.locate import Turn
from batch.prefixes.partial_lines import LineReader
from batch.prefixes.request_parts import TEXT, Field, is_escaped

MIN_LINE_BYTES = 2000
"""Shorter requests hold nothing that a cache could, but for files that they name."""
NAMES_A_FILE = b'"fileUri"'
PARTS_REMEMBERED = 1 << 16
SAMPLE_ROWS, SAMPLE_BYTES = 256, 16_000_000
MANY_NAMES, MANY_TEXTS = SLOTS // 8, 8192
"""From so many names, which fill a quarter of the table, or so many texts on half of the rows are read, from twice as
many on a fourth, …"""
MANY_FRAMED, ROWS_OF_A_KIND = 1024, 4
"""Of so many lines that hold one text alone all are read, of the next as many half of them, …; but of those with the
same line in their middle a few are read always."""
MIDDLES_REMEMBERED, MIDDLE_BYTES = 1 << 20, 1000


class Request(Struct, gc=False):
    """What of a request can be arranged otherwise; its contents as written."""

    contents: Raw
    systemInstruction: Field = UNSET
    tools: Field = UNSET
    cachedContent: Field = UNSET


class Line(Struct, gc=False):
    """A line of the normalised JSONL."""

    request: Request


decode_line = msgspec_json.Decoder(Line).decode
decode_turns = msgspec_json.Decoder(list[Turn]).decode
decode_turn = msgspec_json.Decoder(Turn).decode


def arrangeable(line: bytes) -> tuple[Request, list[Turn]] | None:
    """A request that could be arranged otherwise, and its turns; None for all others.

    It is long enough to hold something worth a cache, names no cache itself, and ends with a user's turn that answers
    no function.
    """
    if len(line) < MIN_LINE_BYTES and NAMES_A_FILE not in line:
        return None
    try:
        request = decode_line(line).request
        turns = decode_turns(request.contents)
    except MsgspecError:
        return None
    if request.cachedContent is not UNSET or not turns or not turns[-1].parts or not turns[-1].is_user:
        return None
    return (request, turns) if b'"functionResponse"' not in line else None


def text_body(part: bytes | Raw) -> bytes | None:
    """The body of a part that is only a text; None for any other."""
    raw = bytes(part)
    if not raw.startswith(TEXT):
        return None
    if raw.startswith(b'{"text":"') and raw.endswith(b'"}') and raw.find(b'"', 9, -2) < 0:
        body = raw[9:-2]
        if not is_escaped(body):
            return body
    text = locate.text_of(raw)
    return None if text is None else text[1:-1]


def part_name(part: bytes | Raw) -> int:
    """A part's name among those that are counted."""
    return digest(part, 1)


class SharedText:
    """What the requests of a batch have in common, line by line and part by part."""

    def __init__(self) -> None:
        self.counts, self.system_counts = LineCounts(), LineCounts()
        self.rows = self.texts = self.system_texts = 0
        self.tool_order = ToolOrder()
        self.sample: list[bytes] = []
        self._sample_bytes, self._read_every, self._read_texts = 0, 1, 0
        self._met_parts: set[int] = set()
        self._row, self._halve_at = 0, 2 * SAMPLE_ROWS
        self.frames, self.led_frames = Frames(), LedFrames()
        self._middles: dict[int, int] = {}
        self._framed_read, self._framed_every = 0, 1

    @classmethod
    def of(cls, lines: Iterable[bytes], reader: LineReader | None = None) -> SharedText:
        """Read a batch; with a `reader`, its lines as they lie on the disk."""
        shared = cls()
        for row, written in enumerate(lines):
            shared._row, line = row, written
            if reader is not None:
                led = shared.led_frames.find(written)
                if led is not None and len(written) + led[1].more >= MIN_LINE_BYTES:
                    if _is_drawn(row, shared._read_every):
                        shared._read_led(written, *led, reader)
                    continue
                line = reader.whole(written)
            framed = shared.frames.find(line) if len(line) >= MIN_LINE_BYTES else None
            if framed is not None:
                shared._read_framed(row, line, framed)
                continue
            if _is_drawn(row, shared._read_every):
                shared._read(line, written)
        shared.counts.flush()
        shared.system_counts.flush()
        shared._met_parts.clear()
        return shared

    def finders(self) -> tuple[BlockFinder, BlockFinder]:
        """What finds blocks in texts of turns, and in system instructions."""
        return BlockFinder(self.counts, self.texts), BlockFinder(self.system_counts, self.system_texts)

    def sampled_texts(self) -> Iterator[bytes]:
        """The long texts of the rows that were kept."""
        for line in self.sample:
            for turn in (arrangeable(line) or (None, []))[1]:
                for part in turn.parts if turn.is_user else ():
                    if len(part) >= MIN_BLOCK_BYTES and (body := text_body(part)) is not None:
                        yield body

    def sampled_files(self) -> Iterator[bytes]:
        """The parts of the rows that were kept that name files."""
        for line in self.sample:
            if NAMES_A_FILE in line:
                for turn in (arrangeable(line) or (None, []))[1]:
                    yield from (bytes(part) for part in turn.parts if NAMES_A_FILE in bytes(part))

    def rows_with(self, part: bytes) -> int:
        """How many rows have a part, about."""
        return int(self.counts.of(np.array([part_name(part)], dtype=np.uint64))[0])

    def _read_framed(self, row: int, line: bytes, framed: Framed) -> None:
        """Read a line that holds one text, unless enough of its like were read.

        Rows of one document have the same line in their middle: of each such line a few are read, and of those that
        nobody else has ever fewer.
        """
        middle = middle_line(framed.body)
        met = self._middles.get(middle, 0)
        if len(self._middles) >= MIDDLES_REMEMBERED:
            self._middles.clear()
        self._middles[middle] = met + 1
        if self._framed_read >= MANY_FRAMED * self._framed_every:
            self._framed_every *= 2
        self._framed_read += 1
        if not 0 < met < ROWS_OF_A_KIND and not _is_drawn(row, self._framed_every):
            return
        self.rows += 1
        if self._has_room(len(line)):
            self._keep(line)
        part = line[framed.start - len(TEXT) - 1 : framed.end + 2]
        name = part_name(part)
        self.counts.add_name(name)
        if name not in self._met_parts:
            self._met_parts.add(name)
            self._read_text(framed.body)
        if len(self._met_parts) > PARTS_REMEMBERED:
            self._met_parts.clear()

    def _read_led(self, written: bytes, body: bytes, led: Led, reader: LineReader) -> None:
        """Read a line that has only its key and its last text for itself."""
        self.rows += 1
        if self._has_room(len(written) + led.more):
            self._keep(reader.whole(written))
        if led.system is not UNSET:
            self._read_system(led.system)
        for leading, name in led.leading:
            self._read_part(leading, name)
        part = b'{"text":"%b"}' % body
        self._read_part(part, part_name(part))
        self._forget()

    def _read(self, line: bytes, written: bytes) -> None:
        found = arrangeable(line)
        if found is None:
            return
        request, turns = found
        parts = turns[0].parts
        if len(turns) == len(parts) == 1 and request.systemInstruction is request.tools is UNSET:
            self.frames.learn(line, bytes(parts[0]))
        self.rows += 1
        if self._has_room(len(line)):
            self._keep(line)
        if request.systemInstruction is not UNSET:
            self._read_system(request.systemInstruction)
        if request.tools is not UNSET:
            self.counts.add_name(part_name(request.tools))
            self.counts.add_name(order_name(self.tool_order.ordered(request.tools)))
        for turn in turns:
            if turn.is_user:
                for part in turn.parts:
                    self._read_part(part, part_name(part))
        if written is not line and len(turns) == 1 < len(parts) and request.tools is UNSET:
            leading = tuple((part, part_name(part)) for part in parts[:-1])
            self.led_frames.learn(
                written, bytes(parts[-1]), Led(request.systemInstruction, leading, len(line) - len(written))
            )
        self._forget()

    def _forget(self) -> None:
        """Make room, and read fewer rows where there are very many."""
        if len(self._met_parts) > PARTS_REMEMBERED:
            self._met_parts.clear()
        if self.counts.filled > MANY_NAMES * self._read_every or self._read_texts > MANY_TEXTS:
            self._read_texts = MANY_TEXTS // 2
            self._read_every *= 2

    def _read_part(self, part: Raw | bytes, name: int) -> None:
        self.counts.add_name(name)
        if len(part) >= MIN_BLOCK_BYTES and name not in self._met_parts:
            self._met_parts.add(name)
            body = text_body(part)
            if body is not None:
                self._read_text(body)

    def _read_text(self, body: bytes) -> None:
        if may_be_json(body) and (found := json_text(body)) is not None:
            for name in (before_name(found.before), *member_names(found.value)):
                self.counts.add_name(name)
        pieces = pieces_of(body)
        self.texts += 1
        self._read_texts += 1
        self.counts.add(list(map(hash, pieces)), list(map(len, pieces)))

    def _read_system(self, instruction: Raw) -> None:
        name = digest(instruction, 2)
        if name in self._met_parts:
            return
        self._met_parts.add(name)
        pieces: list[bytes] = []
        for body in system_bodies(instruction):
            pieces += pieces_of(body)
        self.system_texts += 1
        self.system_counts.add(list(map(hash, pieces)), list(map(len, pieces)))

    def _has_room(self, size: int) -> bool:
        """Whether a row of so many bytes is kept: the first rows and, of many, ever fewer of the later ones."""
        if self._sample_bytes + size > SAMPLE_BYTES or len(self.sample) >= SAMPLE_ROWS:
            if self._row >= self._halve_at:
                self._halve_at *= 2
                self.sample = self.sample[::2]
                self._sample_bytes = sum(map(len, self.sample))
            return False
        return True

    def _keep(self, line: bytes) -> None:
        self.sample.append(line)
        self._sample_bytes += len(line)


def middle_line(body: bytes) -> int:
    """The name of the line, or of the sentence, that begins first behind the middle of a text; 0 if none does."""
    middle = len(body) // 2
    for border in (NEWLINE, b". "):
        start = body.find(border, middle, middle + MIDDLE_BYTES) + len(border)
        end = body.find(border, start, start + MIDDLE_BYTES)
        if start >= len(border) and end - start >= STRONG_BYTES:
            return hash(body[start:end])
    return 0


def _is_drawn(row: int, every: int) -> bool:
    """Whether a row is one of so many, by a hash of its number: every n-th could be always the same documents'."""
    return every == 1 or not (row * 0x9E3779B97F4A7C15 >> 32) % every


def system_bodies(instruction: Raw) -> list[bytes]:
    """The texts of a system instruction."""
    try:
        parts = decode_turn(instruction).parts
    except MsgspecError:
        return []
    return [body for body in map(text_body, parts) if body is not None]
