"""The scan with cuts inside texts too, which takes two readings.

The first counts beginnings of texts at fixed places, roughly (a table of small counters; a collision only costs
time). The second follows each row's texts as far as their beginnings occur twice, and one place further, and names
the cuts after newlines on the way: whatever two rows share is cut wherever it may be.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec
import numpy as np
from msgspec import UNSET, MsgspecError, Raw, Struct
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest as digest

from batch.prefixes import request_parts, text_cuts
from batch.prefixes.request_parts import TEXT, RequestHeader
from batch.prefixes.scan import (
    EVEN,
    IN_EXCHANGE,
    MEASURED_EVERY,
    NEXT_PART,
    NO_HEADER,
    REMEMBERED,
    ROW,
    ROW_DTYPE,
    SURELY_MEASURED,
    PrefixScan,
    SizedPrefix,
)

PartMembers = dict[str, Raw]
SLOTS = 1 << 25
LAST_SLOT = SLOTS - 1
FLUSH_SIZE = 1 << 16


class Content(Struct, gc=False):
    """One turn, its parts by member: what is only a text must be told from what is more."""

    parts: list[dict[str, Raw]]
    role: str | None = None


class TextRequest(RequestHeader, gc=False, kw_only=True):
    contents: list[Content]


class Line(Struct, gc=False):
    request: TextRequest


_decode = msgspec.json.Decoder(Line).decode


class BloomSeen:
    """Which names were met twice, roughly: a yes may be wrong, a no is not."""

    def __init__(self) -> None:
        self._counts = np.zeros(SLOTS, dtype=np.uint8)
        self.slots = self._counts.data
        self._new = array("Q")

    def __contains__(self, name: int) -> bool:
        # The lowest bits mark cuts; the slot is taken from those above them.
        return self.slots[name >> 8 & LAST_SLOT] > 1

    def add(self, names: Iterable[int]) -> None:
        self._new.extend(names)
        if len(self._new) > FLUSH_SIZE:
            self.flush()

    def flush(self) -> None:
        """Count what was added since the last time."""
        names = np.asarray(self._new, dtype=np.uint64)
        places, times = np.unique(names >> np.uint64(8) & np.uint64(LAST_SLOT), return_counts=True)
        self._counts[places] = np.minimum(2, self._counts[places] + times)
        self._new = array("Q")


@dataclass
class ScannedPart:
    """A part met whole: the name of what ends with it, its tokens, the names of places in it.

    Once `fully_shared`, `last_cut` is the last cut inside it (0: none).
    """

    name: int
    tokens: float
    unknown_size: int
    places: list[int]
    seen_count: int = 0
    fully_shared: bool = False
    last_cut: int = 0


class TextScan(PrefixScan):
    """A scan that cuts between contents, between parts, and inside the texts of users.

    Prefixes of fewer than `min_tokens` are of no interest.
    """

    def read(self, first: Iterable[bytes], second: Iterable[bytes], min_tokens: float) -> None:
        """Read the batch twice."""
        self._min_tokens, self._seen_twice = min_tokens, BloomSeen()
        self._scanned_parts: dict[int, ScannedPart] = {}
        self._segments: dict[int, tuple[int, int]] = {}
        offset = row = 0
        whole = self.reader.whole if self.reader is not None else _as_it_is
        for line in first:
            row += self._count_line(whole(line), row, offset)
            offset += len(line)
        self._seen_twice.flush()
        rows: NDArray[np.void] = np.frombuffer(self.rows, dtype=ROW_DTYPE).copy()
        suffix_tokens_by_row = self.suffixes.tokens(rows["tail"]).tolist()
        base, new_counts = array("Q"), array("I")
        for line, suffix_tokens in zip((line for line in second if line.strip()), suffix_tokens_by_row, strict=True):
            self._base = self._new_count = self._last = 0
            self._add_line_cuts(whole(line), suffix_tokens)
            base.append(self._base)
            new_counts.append(self._new_count)
        rows["base"], rows["novel"] = base, new_counts
        self.rows = bytearray(rows.tobytes())

    def _count_line(self, line: bytes, row: int, line_offset: int) -> int:
        """First reading of a line: count its places, write down its row. Return 1, or 0 for a line of nothing."""
        try:
            request = _decode(line).request
            last = request.contents[-1].parts[-1]
        except (MsgspecError, IndexError):
            return self._add_unparsed(line, line_offset)
        if request.cachedContent is not UNSET:
            raw_request = request_parts.decode_line(line).request
            self._add_with_own_cache(raw_request, bytes(raw_request.contents[-1].parts.pop()), row, line_offset)
            return 1
        name, _, tokens, flags, _ = self._hash_request_header(request)
        seed = size = 0
        for content, (salt, _) in zip(request.contents, self._turn_salts(request), strict=True):
            seed = name ^ salt
            for part in content.parts:
                if part is last:
                    break
                scanned = self._scan_part(part, seed)
                if scanned.seen_count < 2:
                    self._seen_twice.add(scanned.places)
                    scanned.seen_count += 1
                name = scanned.name
                tokens += scanned.tokens
                flags |= scanned.unknown_size
                seed = name ^ NEXT_PART
        token = _text_of(last)
        if token is None:
            scanned = self._scan_part(last, seed)
            name = scanned.name
            tokens += scanned.tokens
            flags |= scanned.unknown_size
        else:
            names = text_cuts.grid_names(token, seed)
            self._seen_twice.add(names[1:])
            name, size = text_cuts.end_name(token, names), len(token)
            if row < SURELY_MEASURED or not row % MEASURED_EVERY:
                self.suffixes.add(row, b"%b%b}" % (TEXT, token))
        salt, temperature_flag = self._hash_settings(request)
        self.rows += ROW.pack(0, name ^ salt, line_offset, tokens, 0, size, flags | temperature_flag)
        return 1

    def _add_line_cuts(self, line: bytes, suffix_tokens: float) -> None:
        """Second reading of a line: name its cuts as far as others may share them. `tail`: tokens of its last text."""
        try:
            request = _decode(line).request
            last = request.contents[-1].parts[-1]
        except (MsgspecError, IndexError):
            return
        if request.cachedContent is not UNSET:
            return
        if len(self._scanned_parts) + len(self._seen_prefixes) + len(self._segments) > 4 * REMEMBERED:
            for memory in (self._scanned_parts, self._seen_prefixes, self._segments):
                memory.clear()
        name, prefix, tokens, unknown_size, _ = self._hash_request_header(request)
        for content, (salt, not_user) in zip(request.contents, self._turn_salts(request), strict=True):
            seed = name ^ salt
            for part in content.parts:
                if prefix:
                    self._add_cut(prefix | not_user, tokens, unknown_size)
                if part is last:
                    if not not_user and tokens + suffix_tokens * 1.5 >= self._min_tokens:
                        token = _text_of(part)
                        if token is not None:
                            self._add_text_cuts(token, seed, tokens, suffix_tokens / len(token), unknown_size, 0)
                    return
                scanned = self._scan_part(part, seed)
                if not scanned.fully_shared:
                    token = None if not_user else _text_of(part)
                    self._last = 0
                    if token is None:
                        scanned.fully_shared = scanned.name in self._seen_twice
                    else:
                        density = scanned.tokens / len(token)
                        scanned.fully_shared = self._add_text_cuts(
                            token, seed, tokens, density, unknown_size, scanned.name
                        )
                    if not scanned.fully_shared:
                        return
                    scanned.last_cut = self._last
                elif scanned.last_cut:
                    self._base = scanned.last_cut
                name, prefix = scanned.name, scanned.name & EVEN
                tokens += scanned.tokens
                unknown_size |= scanned.unknown_size
                seed = name ^ NEXT_PART

    def _add_text_cuts(
        self, token: bytes, seed: int, tokens_before: float, density: float, unknown_size: int, end_hash: int
    ) -> bool:
        """Name the cuts in a text as far as it may be shared; say whether all of it may be, if it has an `end`."""
        names, view, begin, resume = [seed], memoryview(token), 0, 1
        slots, segments, name = self._seen_twice.slots, self._segments, seed
        for place in text_cuts.GRID[: text_cuts.grid_places_within(len(token))]:
            name = digest(view[begin:place], name)
            if slots[name >> 8 & LAST_SLOT] < 2:
                self._add_unshared_cuts(token, names, resume, place, tokens_before, density, unknown_size)
                return False
            names.append(name)
            segment = segments.get(name)
            if segment is None:
                segment = self._add_segment_cuts(
                    name, token, names, resume, place, tokens_before, density, unknown_size
                )
            elif segment[0]:
                self._base = segment[0]
            self._last = segment[0] or self._last
            begin, resume = place, segment[1]
        if end_hash and end_hash in self._seen_twice:
            segment = segments.get(end_hash)
            if segment is None:
                segment = self._add_segment_cuts(
                    end_hash, token, names, resume, len(token), tokens_before, density, unknown_size
                )
            elif segment[0]:
                self._base = segment[0]
            self._last = segment[0] or self._last
            return True
        self._add_unshared_cuts(token, names, resume, len(token), tokens_before, density, unknown_size)
        return False

    def _add_segment_cuts(
        self,
        key: int,
        token: bytes,
        names: list[int],
        resume: int,
        until: int,
        tokens_before: float,
        density: float,
        unknown_size: int,
    ) -> tuple[int, int]:
        """Name the cuts up to a shared place; remember the last of them (0: none) and where to resume."""
        last = 0
        for place, resume_at in text_cuts.find_cuts(token, resume, until):
            resume = resume_at
            if place:
                last = text_cuts.name_at(token, names, place) & EVEN
                self._add_cut(last, tokens_before + density * place, unknown_size)
        self._segments[key] = last, resume
        return last, resume

    def _add_unshared_cuts(
        self,
        token: bytes,
        names: list[int],
        resume: int,
        until: int,
        tokens_before: float,
        density: float,
        unknown_size: int,
    ) -> None:
        """Name the cuts behind the last shared place: some may be shared, and only counting all can tell."""
        if tokens_before + density * until * 1.5 < self._min_tokens:
            return
        begin, seed, view, add = text_cuts.last_grid_place(names), names[-1], memoryview(token), self.prefixes.add
        for place, _ in text_cuts.find_cuts(token, resume, until):
            if place:
                name = digest(view[begin:place], seed) if place >= begin else text_cuts.name_at(token, names, place)
                add(name & EVEN, tokens_before + density * place, unknown_size)
                self._new_count += 1

    def _add_cut(self, prefix: int, tokens: float, unknown_size: int) -> None:
        if prefix in self._seen_prefixes:
            self._base = prefix
        else:
            self._seen_prefixes.add(prefix)
            self.prefixes.add(prefix, tokens, unknown_size)
            self._new_count += 1

    def _hash_request_header(self, request: TextRequest) -> SizedPrefix:
        if request.systemInstruction is UNSET and request.tools is UNSET and request.toolConfig is UNSET:
            return NO_HEADER, 0, 0.0, 0, 0
        return self.hasher.header(request)

    def _turn_salts(self, request: TextRequest) -> Iterator[tuple[int, int]]:
        """Of each turn the salt of its name, and 1 if no cache may end before it or in it."""
        exchanges = request_parts.exchange_turns(content.parts for content in request.contents)
        for content, in_exchange in zip(request.contents, exchanges, strict=True):
            salt, not_user = self.hasher.roles.get(content.role) or self.hasher.role(content.role)
            yield (salt ^ IN_EXCHANGE, 1) if in_exchange else (salt, not_user)

    def _scan_part(self, part: PartMembers, seed: int) -> ScannedPart:
        text = part.get("text") if len(part) == 1 else None
        raw = request_parts.part_json(part) if text is None else bytes(text)
        raw_hash = digest(raw, seed)
        scanned = self._scanned_parts.get(raw_hash)
        if scanned is None:
            scanned = self._scanned_parts[raw_hash] = (
                self._scan_text(text, seed) if text is not None else self._scan_other(raw, seed)
            )
        return scanned

    def _scan_text(self, text: Raw, seed: int) -> ScannedPart:
        token = request_parts.canonical_string(text)
        names = text_cuts.grid_names(token, seed)
        end = text_cuts.end_name(token, names)
        return ScannedPart(end, self.hasher.estimator(b"%b%b}" % (TEXT, token)), 0, [*names[1:], end])

    def _scan_other(self, raw: bytes, seed: int) -> ScannedPart:
        name, _, tokens, unknown_size, _ = self.hasher.part(raw, 0, seed)
        return ScannedPart(name, tokens, unknown_size, [name])


def _as_it_is(line: bytes) -> bytes:
    return line


def _text_of(part: PartMembers) -> bytes | None:
    """A part that is only a text, as its JSON string; None if it is anything else."""
    text = part.get("text") if len(part) == 1 else None
    return None if text is None else request_parts.canonical_string(text)
