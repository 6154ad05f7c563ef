"""One pass over the lines of a batch: which prefixes are there, by hash, and how long they are. No text is kept.

A prefix is named by a 64-bit hash of its root and parts; the lowest bit says that it is no cache for this request: the
next turn is not a user's (what remains must begin with one), or it is nothing but tools (a cache needs a system
instruction or contents). Collisions do no harm: prefixes are compared byte by byte before a cache is used.
"""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Iterable, Mapping

import msgspec
import numpy as np
from msgspec import UNSET, MsgspecError, Raw, Struct
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest as digest

from batch.prefixes import request_parts
from batch.prefixes.request_parts import TEXT, Measure, Request, Rest

EVEN, MASK = (1 << 64) - 2, (1 << 64) - 1
NEXT_PART, OTHER_PART, NO_ROOT = 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03, 0xA0761D6478BD642F
REMEMBERED = 1 << 16
"""So many parts are remembered to know them at once; forgetting them costs time and memory, nothing else."""
SURELY_MEASURED, MEASURED_EVERY = 4096, 256
LONG_TEXT = 4096
"""Bytes from which a part that is not shared is worth a look inside, or elsewhere in the prompt."""
PINNED, OPAQUE, BLIND, COLD = 1, 2, 4, 8
"""Flags of a row: it names a cache already; its shape cannot be cut; parts of it have an unknown size; its
temperature is 0."""

Sized = tuple[int, int, float, int, int]
"""A prefix: its name, its name as a place to cut, the tokens of its last part, BLIND or 0, the seed of what follows."""


class Prefixes:
    """Prefixes as met: name, tokens up to their end, BLIND or 0."""

    def __init__(self) -> None:
        self.ids, self.tokens, self.blind = array("Q"), array("d"), array("B")

    def add(self, ident: int, tokens: float, blind: int) -> None:
        self.ids.append(ident)
        self.tokens.append(tokens)
        self.blind.append(blind)


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


class Asides:
    """Long parts that are not shared where they stand: row, name of the part alone, tokens."""

    def __init__(self) -> None:
        self.row, self.ids, self.tokens = array("I"), array("Q"), array("d")


class Gauge:
    """Tokens of texts: each is measured at first; of many, some, and the rest by their bytes and the measured."""

    def __init__(self, measure: Measure) -> None:
        self.measure = measure
        self._seen = 0
        self._tokens, self._bytes = [0.0] * 65, [0] * 65

    def __call__(self, part: bytes) -> float:
        self._seen += 1
        if self._seen > SURELY_MEASURED and self._seen % MEASURED_EVERY:
            return len(part) * self.ratio(len(part))
        return self.exactly(part)

    def exactly(self, part: bytes) -> float:
        """Measure a text, and learn from it. A text of unknown size has none."""
        found = self.measure(part)
        if math.isnan(found):
            return 0.0
        for size in (len(part).bit_length(), 64):
            self._tokens[size] += found
            self._bytes[size] += len(part)
        return found

    def ratio(self, size: int) -> float:
        """Tokens per byte of texts of about this size."""
        size = size.bit_length()
        size = size if self._bytes[size] else 64
        return self._tokens[size] / self._bytes[size] if self._bytes[size] else 0.25


class Tails:
    """Tokens of the texts that end the rows: those of the first rows and of every so many are measured."""

    def __init__(self, measure: Measure) -> None:
        self.gauge = Gauge(measure)
        self._rows, self._tokens = array("I"), array("d")

    def add(self, row: int, part: bytes) -> float:
        """Measure a row's tail."""
        tokens = self.gauge.exactly(part)
        self._rows.append(row)
        self._tokens.append(tokens)
        return tokens

    def tokens(self, sizes: NDArray[np.uint32]) -> NDArray[np.float64]:
        """Tokens of every row's tail of so many bytes."""
        rows, tokens = np.asarray(self._rows, dtype=np.int64), np.asarray(self._tokens)
        octave = np.frexp(sizes)[1]
        tokens_by = np.bincount(octave[rows], weights=tokens, minlength=64)
        bytes_by = np.bincount(octave[rows], weights=sizes[rows], minlength=64)
        overall = tokens_by.sum() / bytes_by.sum() if bytes_by.any() else 0.25
        found = sizes * np.divide(tokens_by, bytes_by, out=np.full(len(bytes_by), overall), where=bytes_by > 0)[octave]
        found[rows] = tokens
        return np.asarray(found)


class Namer:
    """Names of roots, roles, parts and fields, remembered; equal JSON has equal names whatever its spelling."""

    def __init__(self, measure: Measure) -> None:
        self.gauge = Gauge(measure)
        self.known: dict[int, Sized] = {}
        self.roles: dict[str | None, tuple[int, int]] = {}
        self.fields: dict[int, tuple[int, int]] = {}
        self._roots: dict[int, Sized] = {}

    def role(self, role: str | None) -> tuple[int, int]:
        """A salt for the role, and 1 if it is not a user's. A turn that names none is a user's."""
        name = "user" if role is None else role
        found = self.roles[role] = digest(repr(name).encode()), int(name != "user")
        return found

    def root(self, request: Rest) -> Sized:
        """Name and size of the root of a request that has one."""
        name = NO_ROOT
        for field in request.root:
            name = (name + 1) & MASK if field is UNSET else digest(field, name)
        return self._roots.get(name) or self._root(request, name)

    def part(self, part: Raw | bytes, spelled: int, seed: int) -> Sized:
        """Name and size of a part behind the prefix `seed`, remembered as `spelled`."""
        raw = request_parts.canonical_part(bytes(part))
        if raw.startswith(TEXT):
            found = _sized(digest(raw, seed), self.gauge(raw))
        else:
            found = _sized(digest(raw, seed ^ OTHER_PART), self.gauge.measure(raw))
        self.known[spelled] = found
        return found

    def field(self, raw: Raw, spelled: int) -> tuple[int, int]:
        """Name of a field that requests tend to have in common, and COLD if it sets the temperature to 0."""
        if len(self.fields) > REMEMBERED:
            self.fields.clear()
        plain = request_parts.canonical(raw)
        found = self.fields[spelled] = digest(plain), COLD * _cold(plain)
        return found

    def _root(self, request: Rest, spelled: int) -> Sized:
        if len(self._roots) > REMEMBERED:
            self._roots.clear()
        name = NO_ROOT
        for field in request.root:
            name = (name + 1) & MASK if field is UNSET else digest(request_parts.canonical(field), name)
        name, cut, tokens, blind, seed = _sized(name, sum(map(self.gauge.measure, request_parts.root_parts(request))))
        found = self._roots[spelled] = name, cut | (request.systemInstruction is UNSET), tokens, blind, seed
        return found


class _Generation(Struct):
    temperature: float | None = None


def _cold(generation: bytes) -> bool:
    try:
        return msgspec.json.decode(generation, type=_Generation).temperature == 0
    except MsgspecError:
        return False


def _sized(name: int, tokens: float) -> Sized:
    blind = math.isnan(tokens)
    return name, name & EVEN, 0.0 if blind else tokens, BLIND * blind, name ^ NEXT_PART


class Scan:
    """What a pass found. `heads` are beginnings of long texts that are not shared whole, of the rows `head_rows`."""

    def __init__(self, measure: Measure, caches: Mapping[str, int]) -> None:
        self.namer, self.tails = Namer(measure), Tails(measure)
        self.prefixes, self.rows, self.asides = Prefixes(), bytearray(), Asides()
        self.heads, self.head_rows, self.head_counts = Prefixes(), array("I"), array("I")
        self.pin_rows, self.pin_tokens = array("I"), array("d")
        self._seen: set[int] = set()
        self._caches = caches

    def run(self, lines: Iterable[bytes], within_turns: bool) -> None:
        """Read every line; cut between contents and, `within_turns`, between parts.

        One long function: it runs for every line, and calls would double its time.
        """
        seen, known, roles, fields = self._seen, self.namer.known, self.namer.roles, self.namer.fields
        name_root, name_role, name_part = self.namer.root, self.namer.role, self.namer.part
        add_prefix, aside, settings = self.prefixes.add, self._aside, self._settings
        measure_tail, decode = self.tails.add, request_parts.decode
        rows, pack = self.rows, ROW.pack
        row = offset = 0
        for line in lines:
            at = offset
            offset += len(line)
            try:
                request = decode(line).request
                contents = request.contents
                last = bytes(contents[-1].parts.pop())
            except (MsgspecError, IndexError):
                row += self._opaque(line, at)
                continue
            if request.cachedContent is not UNSET:
                self._pinned(request, last, at)
                row += 1
                continue
            if request.systemInstruction is UNSET and request.tools is UNSET and request.toolConfig is UNSET:
                name, prefix, tokens, flags = NO_ROOT, 0, 0.0, 0
            else:
                name, prefix, tokens, flags, _ = name_root(request)
            base = novel = seed = cut = 0
            for content in contents:
                salt, foreign = roles.get(content.role) or name_role(content.role)
                seed, cut = name ^ salt, prefix
                for part in content.parts:
                    if cut:
                        prefix |= foreign
                        if prefix in seen:
                            base = prefix
                        else:
                            seen.add(prefix)
                            add_prefix(prefix, tokens, flags)
                            novel += 1
                    spelled = digest(part, seed)
                    sized = known.get(spelled)
                    if sized is None:
                        sized = name_part(part, spelled, seed)
                        if len(part) >= LONG_TEXT:
                            aside(row, bytes(part), seed, tokens, sized[2], prefix, foreign)
                    name, prefix, more, blind, seed = sized
                    tokens += more
                    flags |= blind
                    cut = within_turns
            if cut:
                prefix |= foreign
                if prefix in seen:
                    base = prefix
                else:
                    seen.add(prefix)
                    add_prefix(prefix, tokens, flags)
                    novel += 1
            if last.startswith(TEXT):
                if last[8] == 32:
                    last = TEXT + last[9:]
                name = digest(last, seed)
                size, more = len(last), 0.0
                if row < SURELY_MEASURED or not row % MEASURED_EVERY:
                    more = measure_tail(row, last)
                if size >= LONG_TEXT:
                    aside(row, last, seed, tokens, more, prefix, foreign)
            else:
                name, _, more, blind, _ = name_part(last, 0, seed)
                tokens += more
                flags |= blind
                size = 0
            setting = request.generationConfig
            if setting is not UNSET or request.safetySettings is not UNSET:
                found = fields.get(digest(setting)) if setting is not UNSET else None
                if found is None or request.safetySettings is not UNSET:
                    found = settings(request)
                name ^= found[0]
                flags |= found[1]
            rows += pack(base, name, at, tokens, novel, size, flags)
            row += 1
            if len(known) > REMEMBERED:
                known.clear()
                seen.clear()

    def _aside(self, row: int, part: bytes, seed: int, before: float, tokens: float, behind: int, foreign: int) -> None:
        """Note a long part for the hints: as such, if something stands before it, and its beginning."""
        tokens = tokens or len(part) * self.tails.gauge.ratio(len(part))
        if behind:
            self.asides.row.append(row)
            self.asides.ids.append(digest(part))
            self.asides.tokens.append(tokens)
        if not foreign and part.startswith(TEXT) and not (self.head_rows and self.head_rows[-1] == row):
            self._head(row, part, seed, before, tokens / len(part))

    def _head(self, row: int, part: bytes, seed: int, before: float, density: float) -> None:
        """Note the beginnings of a text up to 4 kB, 8 kB, 16 kB, …"""
        begin, end, count = 0, LONG_TEXT, 0
        while end < len(part):
            seed = digest(memoryview(part)[begin:end], seed)
            self.heads.add(seed & EVEN, before + density * end, 0)
            begin, end, count = end, end * 2, count + 1
        if count:
            self.head_rows.append(row)
            self.head_counts.append(count)

    def _opaque(self, line: bytes, at: int) -> int:
        """Write down a line that cannot be cut; return 1, or 0 for a line of nothing."""
        if not line.strip():
            return 0
        self._add(0.0, len(line), digest(line), OPAQUE, at)
        return 1

    def _pinned(self, request: Request, last: bytes, at: int) -> None:
        """Write down a request that names its cache: it stays as it is."""
        self.pin_rows.append(len(self.rows) // ROW.size)
        self.pin_tokens.append(self._caches.get(str(request.cachedContent), 0))
        request.contents[-1].parts.append(Raw(last))
        name, tokens, flags = digest(repr(request.cachedContent).encode()), 0.0, PINNED
        for content in request.contents:
            name ^= self.namer.role(content.role)[0]
            for part in content.parts:
                name, _, more, blind, _ = self.namer.part(part, 0, name)
                tokens += more
                flags |= blind
        salt, cold = self._settings(request)
        self._add(tokens, 0, name ^ salt, flags | cold, at)

    def _settings(self, request: Rest) -> tuple[int, int]:
        """Name what is not prompt; COLD if it sets the temperature to 0."""
        name = cold = 0
        for field in (request.generationConfig, request.safetySettings):
            if field is not UNSET:
                spelled = digest(field)
                salt, flag = self.namer.fields.get(spelled) or self.namer.field(field, spelled)
                name = name * 3 + salt & MASK
                cold |= flag
        return name, cold

    def _add(self, tokens: float, tail: int, whole: int, flags: int, at: int) -> None:
        self.rows += ROW.pack(0, whole, at, tokens, 0, tail, flags)
