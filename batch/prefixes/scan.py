"""One pass over the lines of a batch: which prefixes are there, by hash, and how long they are. No text is kept.

A prefix is named by a 64-bit hash of its root and parts; the lowest bit says that it is no cache for this request: the
next turn is not a user's (what remains must begin with one), a tool exchange would be cut in two, or it is nothing but
tools (a cache needs a system instruction or contents). Collisions do no harm: prefixes are compared byte by byte before
a cache is used.
"""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Iterable, Iterator, Mapping
from io import BufferedIOBase, BufferedReader, BytesIO
from itertools import islice

import msgspec
import numpy as np
from msgspec import UNSET, MsgspecError, Raw, Struct
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest as digest

from batch.prefixes import request_parts
from batch.prefixes.line_shapes import UNKNOWN, Ints, LineBlock, LineShapes, MatchedLines, RowShape
from batch.prefixes.partial_lines import STANDS_IN, LineReader
from batch.prefixes.request_parts import SPACE, TEXT, Measure, RawRequest, RequestHeader

EVEN, MASK = (1 << 64) - 2, (1 << 64) - 1
NEXT_PART, OTHER_PART, NO_HEADER = 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03, 0xA0761D6478BD642F
IN_EXCHANGE = 0x8EBC6AF09C88C6E3
"""Salt of a turn that no cache may end before or in. What else begins alike then has another name: a row that cannot
use a prefix must not count among those that share it."""
FUNCTION_NAMES = b'"function'
"""How the names of calls, responses and declarations begin in a line."""
REMEMBERED = 1 << 16
"""So many parts are remembered to know them at once; forgetting them costs time and memory, nothing else."""
SURELY_MEASURED, MEASURED_EVERY = 1024, 1024
PENDING_BYTES = 1 << 20
"""Texts to be measured wait until they are so many bytes; measuring many at once costs a tenth."""
BLOCK_BYTES, SURELY_TRIED, MOST_SKIPPED = 1 << 19, 128, 64
HAS_OWN_CACHE, UNPARSED, UNKNOWN_SIZE, TEMPERATURE_0 = 1, 2, 4, 8
"""Flags of a row: it names a cache already; its shape cannot be cut; parts of it have an unknown size; its
temperature is 0."""

SizedPrefix = tuple[int, int, float, int, int]
"""A prefix: its name, its name as a place to cut, the tokens of its last part, UNKNOWN_SIZE or 0, the seed of what
follows."""


class PrefixTable:
    """Prefixes as met: name, tokens up to their end, UNKNOWN_SIZE or 0."""

    def __init__(self) -> None:
        self.ids, self.tokens, self.unknown_size = array("Q"), array("d"), array("B")

    def add(self, ident: int, tokens: float, unknown_size: int) -> None:
        self.ids.append(ident)
        self.tokens.append(tokens)
        self.unknown_size.append(unknown_size)


ROW = struct.Struct("<QQQdIIB")
ROW_DTYPE = np.dtype(
    {
        "names": ["base", "whole", "offset", "tokens", "novel", "tail", "flags"],
        "formats": ["<u8", "<u8", "<u8", "<f8", "<u4", "<u4", "u1"],
    }
)
"""What is written down of each row, 41 bytes.

`base` is the row's deepest prefix that was met before (0: none); the next `novel` prefixes of the list are its own.
`tokens` are known ones, `tail` the bytes of a text whose tokens come on top. `whole` names the entire request;
`offset` is where the line begins.
"""


class TokenEstimator:
    """Tokens of texts: each is measured at first; of many, some, and the rest by their bytes and the measured."""

    def __init__(self, measure: Measure) -> None:
        self.measure = measure
        self._seen = 0
        self._tokens, self._bytes = [0.0] * 65, [0] * 65

    def __call__(self, part: bytes) -> float:
        self._seen += 1
        if self._seen > SURELY_MEASURED and self._seen % MEASURED_EVERY:
            return len(part) * self.ratio(len(part))
        return self.measure_exactly(part)

    def measure_exactly(self, part: bytes) -> float:
        """Measure a text, and learn from it. A text of unknown size has none."""
        tokens = self.measure(part)
        if math.isnan(tokens):
            return 0.0
        for size in (len(part).bit_length(), 64):
            self._tokens[size] += tokens
            self._bytes[size] += len(part)
        return tokens

    def ratio(self, size: int) -> float:
        """Tokens per byte of texts of about this size."""
        size = size.bit_length()
        size = size if self._bytes[size] else 64
        return self._tokens[size] / self._bytes[size] if self._bytes[size] else 0.25


class SuffixTokens:
    """Tokens of the texts that end the rows: those of the first rows and of every so many are measured."""

    def __init__(self, measure: Measure) -> None:
        self._measure_many = getattr(measure, "many", lambda parts: list(map(measure, parts)))
        self._rows, self._tokens = array("I"), array("d")
        self._pending: list[bytes] = []
        self._pending_bytes = 0

    def add(self, row: int, part: bytes) -> None:
        """Take a row's tail to be measured; several are at once."""
        self._rows.append(row)
        self._pending.append(part)
        self._pending_bytes += len(part)
        if self._pending_bytes > PENDING_BYTES:
            self._measure_pending()

    def _measure_pending(self) -> None:
        tokens = self._measure_many(self._pending)
        self._tokens.extend(0.0 if math.isnan(count) else count for count in tokens)
        self._pending, self._pending_bytes = [], 0

    def tokens(self, sizes: NDArray[np.uint32]) -> NDArray[np.float64]:
        """Tokens of every row's tail of so many bytes."""
        self._measure_pending()
        rows, tokens = np.asarray(self._rows, dtype=np.int64), np.asarray(self._tokens)
        # Short texts have other tokens per byte than long ones, so every doubling of the size has a ratio of its own.
        octave = np.frexp(sizes)[1]
        tokens_by = np.bincount(octave[rows], weights=tokens, minlength=64)
        bytes_by = np.bincount(octave[rows], weights=sizes[rows], minlength=64)
        overall = tokens_by.sum() / bytes_by.sum() if bytes_by.any() else 0.25
        estimates = (
            sizes * np.divide(tokens_by, bytes_by, out=np.full(len(bytes_by), overall), where=bytes_by > 0)[octave]
        )
        estimates[rows] = tokens
        return np.asarray(estimates)


class PrefixHasher:
    """Names of roots, roles, parts and fields, remembered; equal JSON has equal names whatever its spelling."""

    def __init__(self, measure: Measure, reader: LineReader | None = None) -> None:
        self.estimator = TokenEstimator(measure)
        self._reader = reader
        self.known_parts: dict[int, SizedPrefix] = {}
        self.roles: dict[str | None, tuple[int, int]] = {}
        self.fields: dict[int, tuple[int, int]] = {}
        self._headers: dict[int, SizedPrefix] = {}

    def role(self, role: str | None) -> tuple[int, int]:
        """A salt for the role, and 1 if it is not a user's. A turn that names none is a user's."""
        name = "user" if role is None else role
        hashed = self.roles[role] = digest(repr(name).encode()), int(name != "user")
        return hashed

    def header(self, request: RequestHeader) -> SizedPrefix:
        """Name and size of the root of a request that has one."""
        name = NO_HEADER
        for field in request.header:
            name = (name + 1) & MASK if field is UNSET else digest(field, name)
        return self._headers.get(name) or self._hash_header(request, name)

    def part(self, part: Raw | bytes, raw_hash: int, seed: int) -> SizedPrefix:
        """Name and size of a part behind the prefix `seed`, remembered as it was written."""
        raw = request_parts.canonical_part(self._resolved(part))
        if raw.startswith(TEXT):
            sized = _sized_prefix(digest(raw, seed), self.estimator(raw))
        else:
            sized = _sized_prefix(digest(raw, seed ^ OTHER_PART), self.estimator.measure(raw))
        self.known_parts[raw_hash] = sized
        return sized

    def _resolved(self, raw: Raw | bytes) -> bytes:
        """JSON as it is sent: what it stands in for, if it does."""
        data = bytes(raw)
        return self._reader.resolve(data) if self._reader is not None and data.startswith(STANDS_IN) else data

    def field(self, raw: Raw, raw_hash: int) -> tuple[int, int]:
        """Name of a field that requests tend to have in common, and TEMPERATURE_0 if it sets that."""
        if len(self.fields) > REMEMBERED:
            self.fields.clear()
        canonical = request_parts.canonical_json(raw)
        hashed = self.fields[raw_hash] = digest(canonical), TEMPERATURE_0 * _has_temperature_0(canonical)
        return hashed

    def _hash_header(self, request: RequestHeader, raw_hash: int) -> SizedPrefix:
        if len(self._headers) > REMEMBERED:
            self._headers.clear()
        if request.systemInstruction is not UNSET:
            request = request_parts.RequestHeader(
                systemInstruction=Raw(self._resolved(request.systemInstruction)),
                tools=request.tools,
                toolConfig=request.toolConfig,
            )
        name = NO_HEADER
        for field in request.header:
            name = (name + 1) & MASK if field is UNSET else digest(request_parts.canonical_json(field), name)
        name, cut, tokens, unknown_size, seed = _sized_prefix(
            name, sum(map(self.estimator.measure, request_parts.header_parts(request)))
        )
        sized = self._headers[raw_hash] = name, cut | (request.systemInstruction is UNSET), tokens, unknown_size, seed
        return sized


class _Generation(Struct):
    temperature: float | None = None


_decode_generation = msgspec.json.Decoder(_Generation).decode


def _has_temperature_0(generation: bytes) -> bool:
    try:
        return _decode_generation(generation).temperature == 0
    except MsgspecError:
        return False


def _sized_prefix(name: int, tokens: float) -> SizedPrefix:
    unknown_size = math.isnan(tokens)
    return name, name & EVEN, 0.0 if unknown_size else tokens, UNKNOWN_SIZE * unknown_size, name ^ NEXT_PART


def _decode_last(line: bytes) -> bytes | None:
    try:
        return bytes(request_parts.decode_line(line).request.contents[-1].parts[-1])
    except (MsgspecError, IndexError):
        return None


def line_blocks(lines: Iterable[bytes], source: Iterator[bytes]) -> Iterator[bytes]:
    """What is left of some lines, many at a time, each but the very last ended by a newline."""
    if isinstance(lines, BufferedIOBase):
        while text := lines.read(BLOCK_BYTES):
            yield text + lines.readline()
        return
    pending: list[bytes] = []
    size = 0
    for line in source:
        if line.find(b"\n") != len(line) - 1:
            yield from filter(None, (b"".join(pending), line))
            pending, size = [], 0
            continue
        pending.append(line)
        size += len(line)
        if size > BLOCK_BYTES:
            yield b"".join(pending)
            pending, size = [], 0
    if pending:
        yield b"".join(pending)


def each_line(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Lines one by one; those of a file a block at a time, which takes a fifth of the time where they are long."""
    if not isinstance(lines, BufferedReader):
        yield from lines
        return
    for block in line_blocks(lines, iter(())):
        yield from BytesIO(block)


class PrefixScan:
    """What a pass found."""

    def __init__(self, measure: Measure, caches: Mapping[str, int], reader: LineReader | None = None) -> None:
        """With a `reader`, the lines are read as they lie on the disk."""
        self.hasher, self.suffixes = PrefixHasher(measure, reader), SuffixTokens(measure)
        self.reader = reader
        self._decode = request_parts.decode_line if reader is None else reader.decode
        self.prefixes, self.rows = PrefixTable(), bytearray()
        self.own_cache_rows, self.own_cache_tokens = array("I"), array("d")
        self._seen_prefixes: set[int] = set()
        self._caches = caches
        self._shapes = LineShapes(_decode_last)
        self._row = self._offset = self._inside_turn = 0
        self._last_part, self._shape = b"", RowShape(0, 0, 0, 0.0, 0)
        """The last part of the line that was read, if it is a text, and that line's shape."""

    def run(self, lines: Iterable[bytes], within_turns: bool) -> None:
        """Read every line; cut between contents and parts. Caches may end between parts only `within_turns`.

        Implicit hits do not care where turns end, so that the other cuts are written down all the same.
        """
        self._inside_turn = int(not within_turns)
        source = iter(lines)
        for line in islice(source, SURELY_MEASURED):
            self._read_line(line)
        if self._last_part:
            self._shapes.learn_ending(line, self._last_part)
        skipped = to_skip = 0
        for number, block in enumerate(line_blocks(lines, source)):
            if skipped < to_skip or not block.endswith(b"\n"):
                self._read_lines(BytesIO(block))
                skipped += 1
                continue
            # Where hardly any two lines are alike, looking for them costs more than it saves: fewer blocks are tried.
            pays = self._read_block(block) or number < SURELY_TRIED
            skipped, to_skip = 0, 0 if pays else min(MOST_SKIPPED, 2 * to_skip + 1)

    def _read_block(self, text: bytes) -> bool:
        """Read lines of shapes that are known together, the others one by one; say whether some were known."""
        block = LineBlock(text)
        if not block.is_plain:
            self._read_lines(BytesIO(text))
            return False
        matched = self._shapes.match(block)
        first_row, offset, before = len(self.rows) // ROW.size, self._offset, self.rows
        one_by_one = matched.shape == UNKNOWN
        one_by_one[-first_row % MEASURED_EVERY :: MEASURED_EVERY] = True
        rows = np.zeros(len(block), ROW_DTYPE)
        starts, ends, begin = block.starts.tolist(), (block.ends + 1).tolist(), matched.begin.tolist()
        alone: list[int] = []
        self.rows = bytearray()
        for number in np.flatnonzero(one_by_one).tolist():
            name, known = matched.names[number], int(matched.shape[number])
            if known == UNKNOWN and name and (found := self._shapes.find(name)) != UNKNOWN:
                matched.shape[number] = found
                if (first_row + number) % MEASURED_EVERY:
                    continue
            alone.append(number)
            line = text[starts[number] : ends[number]]
            self._offset = offset + starts[number]
            self._row = first_row + number
            self._read_line(line)
            if known == UNKNOWN and self._last_part:
                if name:
                    self._shapes.learn(name, line, self._last_part, begin[number] - starts[number], self._shape)
                else:
                    self._shapes.learn_ending(line, self._last_part)
        rows[alone] = np.frombuffer(self.rows, ROW_DTYPE)
        together = np.setdiff1d(np.arange(len(block)), alone, assume_unique=True)
        self._fill(rows, first_row, together, block, matched, offset)
        self.rows = before
        self.rows += rows.tobytes()
        self._row, self._offset = first_row + len(block), offset + len(text)
        return len(alone) * 4 < len(block) * 3

    def _fill(
        self, rows: NDArray[np.void], first_row: int, lines: Ints, block: LineBlock, matched: MatchedLines, offset: int
    ) -> None:
        """Write down lines of known shapes: what they have in common, and what their last texts are."""
        shapes = self._shapes.table[matched.shape[lines]]
        begin, end = matched.begin[lines], matched.end[lines]
        names, sizes = self._name_last_parts(block.text, begin, end, shapes["seed"], first_row + lines, offset)
        rows["base"][lines] = shapes["base"]
        rows["whole"][lines] = np.array(names, dtype=np.uint64) ^ shapes["settings"]
        rows["offset"][lines] = block.starts[lines] + offset
        rows["tokens"][lines] = shapes["tokens"]
        rows["tail"][lines] = sizes
        rows["flags"][lines] = shapes["flags"]

    def _name_last_parts(
        self, text: bytes, begin: Ints, end: Ints, seeds: NDArray[np.uint64], rows: Ints, offset: int
    ) -> tuple[list[int], Ints]:
        """Names of requests that end with these parts of a text, which begins at the offset, and the parts' sizes."""
        parts = map(text.__getitem__, map(slice, begin.tolist(), end.tolist()))
        return list(map(digest, parts, seeds.tolist())), end - begin

    def _read_lines(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            self._read_line(line)

    def _read_line(self, line: bytes) -> None:
        """Read one line. It runs for every line of some batches, and more calls would double its time."""
        hasher, seen_prefixes, row, line_offset = self.hasher, self._seen_prefixes, self._row, self._offset
        known_parts, roles, add_prefix = hasher.known_parts, hasher.roles, self.prefixes.add
        self._offset = line_offset + len(line)
        self._last_part = b""
        try:
            request = self._decode(line).request
            contents = request.contents
            last = bytes(contents[-1].parts.pop())
        except (MsgspecError, IndexError):
            self._row += self._add_unparsed(line, line_offset)
            return
        self._row = row + 1
        if request.cachedContent is not UNSET:
            self._add_with_own_cache(request, last, row, line_offset)
            return
        if request.systemInstruction is UNSET and request.tools is UNSET and request.toolConfig is UNSET:
            name, prefix, tokens, flags = NO_HEADER, 0, 0.0, 0
        else:
            name, prefix, tokens, flags, _ = hasher.header(request)
        base = new_count = seed = cut = no_cache = 0
        inside_turn = self._inside_turn
        # One search of the line tells nearly every request without tools from the few that need a closer look.
        exchanges = request_parts.raw_exchange_turns(contents, last) if FUNCTION_NAMES in line else None
        for content in contents:
            salt, not_user = roles.get(content.role) or hasher.role(content.role)
            if exchanges is not None and next(exchanges):
                salt, not_user = salt ^ IN_EXCHANGE, 1
            seed, cut, no_cache = name ^ salt, prefix, not_user
            for part in content.parts:
                # A cut is written down only now, when what follows has told whether a cache may end there.
                if cut:
                    prefix |= no_cache
                    if prefix in seen_prefixes:
                        base = prefix
                    else:
                        seen_prefixes.add(prefix)
                        add_prefix(prefix, tokens, flags)
                        new_count += 1
                raw_hash = digest(part, seed)
                sized = known_parts.get(raw_hash)
                if sized is None:
                    sized = hasher.part(part, raw_hash, seed)
                name, prefix, part_tokens, unknown_size, seed = sized
                tokens += part_tokens
                flags |= unknown_size
                cut, no_cache = 1, not_user | inside_turn
        if cut:
            prefix |= no_cache
            if prefix in seen_prefixes:
                base = prefix
            else:
                seen_prefixes.add(prefix)
                add_prefix(prefix, tokens, flags)
                new_count += 1
        before = seed, tokens, flags
        if last.startswith(TEXT):
            self._last_part = last
            if last[8] == SPACE:
                last = TEXT + last[9:]
            name = digest(last, seed)
            size = len(last)
            if row < SURELY_MEASURED or not row % MEASURED_EVERY:
                self.suffixes.add(row, last)
        else:
            name, _, part_tokens, unknown_size, _ = hasher.part(last, 0, seed)
            tokens += part_tokens
            flags |= unknown_size
            size = 0
        # Settings tell requests apart, not prefixes: rows of any temperature share a cache.
        settings = temperature_flag = 0
        if request.generationConfig is not UNSET or request.safetySettings is not UNSET:
            settings, temperature_flag = self._hash_settings(request)
        self.rows += ROW.pack(base, name ^ settings, line_offset, tokens, new_count, size, flags | temperature_flag)
        self._shape = RowShape(prefix if cut else 0, before[0], settings, before[1], before[2] | temperature_flag)
        # Forgotten between rows only: a row's prefixes must all be named against the same memory.
        if len(known_parts) > REMEMBERED:
            known_parts.clear()
            seen_prefixes.clear()

    def _add_unparsed(self, line: bytes, line_offset: int) -> int:
        """Write down a line that cannot be cut; return 1, or 0 for a line of nothing."""
        if not line.strip():
            return 0
        line = line if self.reader is None else self.reader.whole(line)
        try:
            request = request_parts.decode_embedding_line(line).request
        except MsgspecError:
            self._add_row(0.0, len(line), digest(line), UNPARSED, line_offset)
            return 1
        tokens, flags, name = 0.0, 0, 0
        for part in request.content.parts:
            name, _, part_tokens, unknown_size, _ = self.hasher.part(part, 0, name)
            tokens += part_tokens
            flags |= unknown_size
        self._add_row(tokens, 0, digest(line[line.find(b'"request"') :]), flags, line_offset)
        return 1

    def _add_with_own_cache(self, request: RawRequest, last: bytes, row: int, line_offset: int) -> None:
        """Write down a request that names its cache: it stays as it is."""
        self.own_cache_rows.append(row)
        self.own_cache_tokens.append(self._caches.get(str(request.cachedContent), 0))
        request.contents[-1].parts.append(Raw(last))
        name, tokens, flags = digest(repr(request.cachedContent).encode()), 0.0, HAS_OWN_CACHE
        for content in request.contents:
            name ^= self.hasher.role(content.role)[0]
            for part in content.parts:
                name, _, part_tokens, unknown_size, _ = self.hasher.part(part, 0, name)
                tokens += part_tokens
                flags |= unknown_size
        salt, temperature_flag = self._hash_settings(request)
        self._add_row(tokens, 0, name ^ salt, flags | temperature_flag, line_offset)

    def _hash_settings(self, request: RequestHeader) -> tuple[int, int]:
        """Name what is not prompt; TEMPERATURE_0 if it sets that."""
        name = temperature_flag = 0
        for field in (request.generationConfig, request.safetySettings):
            if field is not UNSET:
                raw_hash = digest(field)
                salt, flag = self.hasher.fields.get(raw_hash) or self.hasher.field(field, raw_hash)
                name = name * 3 + salt & MASK
                temperature_flag |= flag
        return name, temperature_flag

    def _add_row(self, tokens: float, suffix_bytes: int, request_hash: int, flags: int, line_offset: int) -> None:
        self.rows += ROW.pack(0, request_hash, line_offset, tokens, 0, suffix_bytes, flags)
