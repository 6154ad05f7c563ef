"""The scan with cuts inside texts too, which takes two readings.

The first counts beginnings of texts at fixed places, roughly (a table of small counters; a collision only costs
time). The second follows each row's texts as far as their beginnings occur twice, and one place further, and names
the cuts after newlines on the way: whatever two rows share is cut wherever it may be.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec import UNSET, MsgspecError, Raw, Struct
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest as digest

from batch.prefixes import request_parts, text_cuts
from batch.prefixes.line_shapes import Bools, Ints, RowShape
from batch.prefixes.partial_lines import LineReader
from batch.prefixes.request_parts import TEXT, Measure, RequestHeader
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
    UNKNOWN_SIZE,
    PrefixScan,
    SizedPrefix,
    line_blocks,
)
from batch.prefixes.text_beginnings import ENOUGH, TextBeginnings, has_places, scouts

PartMembers = dict[str, Raw]
MOST_UNSHARED_BYTES, BYTES_PER_CUT = 1 << 24, 128
"""Of text behind what is shared that is kept to compare others with, and of a cut there; more, and all is forgotten."""
NO_SEED = 0
"""Of a row that is decoded in the second reading, too."""


class Content(Struct, gc=False):
    """One turn, its parts by member: what is only a text must be told from what is more."""

    parts: list[dict[str, Raw]]
    role: str | None = None


class TextRequest(RequestHeader, gc=False, kw_only=True):
    contents: list[Content]


class Line(Struct, gc=False):
    request: TextRequest


_decode = msgspec.json.Decoder(Line).decode


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


class _UnsharedText(NamedTuple):
    """What stands in a text behind a shared place, up to the next of the grid; the cuts there and their names."""

    text: bytes
    places: list[int]
    names: list[int]

    @property
    def size(self) -> int:
        """Bytes of it, roughly."""
        return len(self.text) + BYTES_PER_CUT * len(self.places)

    def count_same(self, token: bytes, begin: int, until: int) -> int:
        """How many of the cuts another text has that is the same up to where this one begins, and how far."""
        if self.places and self._reaches(token, begin, until, self.places[-1]):
            return len(self.places)
        return bisect_left(self.places, True, key=lambda place: not self._reaches(token, begin, until, place))

    def _reaches(self, token: bytes, begin: int, until: int, cut: int) -> bool:
        # A run of newlines ends where two more bytes do not go on with it.
        place = cut + 2
        return place <= until and (place <= begin or token.startswith(self.text[: place - begin], begin))


NOTHING_UNSHARED = _UnsharedText(b"", [], [])


class TextScan(PrefixScan):
    """A scan that cuts between contents, between parts, and inside the texts of users.

    Prefixes of fewer than `min_tokens` are of no interest.
    """

    def __init__(self, measure: Measure, caches: Mapping[str, int], reader: LineReader | None = None) -> None:
        """With a `reader`, the lines that are given are made whole by it."""
        super().__init__(measure, caches)
        self._disk_reader = reader

    def read(self, first: Iterable[bytes], second: Iterable[bytes], min_tokens: float) -> None:
        """Read the batch twice."""
        self._min_tokens, self._beginnings = min_tokens, TextBeginnings()
        self._scanned_parts: dict[int, ScannedPart] = {}
        self._segments: dict[int, tuple[int, int]] = {}
        self._unshared: dict[int, _UnsharedText] = {}
        self._unshared_bytes = 0
        self._known_seeds: dict[int, int] = {}
        self._last_texts: list[tuple[Ints, NDArray[np.uint64], Ints]] = []
        places = self._count_lines(first)
        self._beginnings.seen.flush()
        self._add_cuts(self._whole_lines(second, array("Q")), np.frombuffer(self.rows, dtype=ROW_DTYPE), places)

    def _count_lines(self, lines: Iterable[bytes]) -> Ints:
        """First reading: count the places of all lines, write down their rows; return where these begin when read."""
        on_disk = array("Q")
        self.run(self._whole_lines(lines, on_disk), within_turns=True)
        rows: NDArray[np.void] = np.frombuffer(self.rows, dtype=ROW_DTYPE)
        places = rows["offset"].astype(np.int64)
        if self._disk_reader is not None:
            rows["offset"] = on_disk
        return places

    def _whole_lines(self, lines: Iterable[bytes], offsets: array[int]) -> Iterable[bytes]:
        """Lines as they are sent, given as they lie on the disk; where they begin there is added, if these differ."""
        reader = self._disk_reader
        if reader is None:
            return lines

        def whole(offset: int = 0) -> Iterator[bytes]:
            for line in lines:
                if line.strip():
                    offsets.append(offset)
                    yield reader.whole(line)
                offset += len(line)

        return whole()

    def _read_line(self, line: bytes) -> None:
        """First reading of one line: count its places, write down its row."""
        row, offset = self._row, self._offset
        self._offset = offset + len(line)
        self._last_part = b""
        try:
            request = _decode(line).request
            last = request.contents[-1].parts[-1]
        except (MsgspecError, IndexError):
            self._row += self._add_unparsed(line, offset)
            return
        self._row = row + 1
        if request.cachedContent is not UNSET:
            raw_request = request_parts.decode_line(line).request
            self._add_with_own_cache(raw_request, bytes(raw_request.contents[-1].parts.pop()), row, offset)
            return
        if len(self._scanned_parts) > REMEMBERED:
            self._scanned_parts.clear()
        name, _, tokens, flags, _ = self._hash_request_header(request)
        seed = size = no_cache = 0
        met_twice = True
        for content, (salt, not_user) in zip(request.contents, self._turn_salts(request), strict=True):
            seed, no_cache = name ^ salt, not_user
            for part in content.parts:
                if part is last:
                    break
                scanned = self._scan_part(part, seed)
                if scanned.seen_count < ENOUGH:
                    self._beginnings.seen.add(scanned.places)
                    scanned.seen_count += 1
                met_twice = met_twice and scanned.seen_count >= ENOUGH
                name = scanned.name
                tokens += scanned.tokens
                flags |= scanned.unknown_size
                seed = name ^ NEXT_PART
        before = seed, tokens, flags
        text = _raw_text_of(last)
        if text is None:
            scanned = self._scan_part(last, seed)
            name = scanned.name
            tokens += scanned.tokens
            flags |= scanned.unknown_size
        else:
            name, token = self._beginnings.count(text, seed)
            size = len(token)
            if row < SURELY_MEASURED or not row % MEASURED_EVERY:
                self.suffixes.add(row, b"%b%b}" % (TEXT, token))
            # Of what is read together nothing is counted but the last texts.
            if met_twice and not no_cache:
                self._last_part = b"%b%b}" % (TEXT, text)
        settings, temperature_flag = self._hash_settings(request)
        self.rows += ROW.pack(0, name ^ settings, offset, tokens, 0, size, flags | temperature_flag)
        self._shape = RowShape(0, before[0], settings, before[1], before[2] | temperature_flag)

    def _name_last_parts(
        self, text: bytes, begin: Ints, end: Ints, seeds: NDArray[np.uint64], rows: Ints, offset: int
    ) -> tuple[list[int], Ints]:
        """The same of cut texts; where they stand is remembered for the second reading."""
        begin, end = begin + len(TEXT), end - 1
        if not has_places(int((end - begin).max(initial=0))) and not request_parts.may_have_escapes(text):
            texts = map(text.__getitem__, map(slice, begin.tolist(), end.tolist()))
            self._last_texts.append((rows, seeds, begin + offset))
            return list(map(digest, texts, seeds.tolist())), end - begin
        names, sizes, as_written, count = [], [], [], self._beginnings.count
        for start, stop, seed in zip(begin.tolist(), end.tolist(), seeds.tolist(), strict=True):
            raw = text[start:stop]
            name, token = count(raw, seed)
            names.append(name)
            sizes.append(len(token))
            as_written.append(token is raw)
        self._last_texts.append((rows, np.where(as_written, seeds, NO_SEED), begin + offset))
        return names, np.array(sizes, dtype=np.int64)

    def _add_cuts(self, lines: Iterable[bytes], rows: NDArray[np.void], places: Ints) -> None:
        """Second reading: name the cuts of each row as far as others may share them."""
        seeds, begins = np.zeros(len(rows), np.uint64), np.zeros(len(rows), np.int64)
        for numbers, of_seeds, of_begins in self._last_texts:
            seeds[numbers], begins[numbers] = of_seeds, of_begins
        self._last_texts.clear()
        suffix_tokens = self.suffixes.tokens(rows["tail"])
        may_be_cut = rows["tokens"] + suffix_tokens * 1.5 >= self._min_tokens
        known_seeds, add_text_cuts = self._known_seeds, self._add_text_cuts
        at = first = 0
        for text in line_blocks(lines, iter(lines)):
            last = int(np.searchsorted(places, at + len(text)))
            of_block = slice(first, last)
            self._forget_if_much()
            left = np.flatnonzero(~self._take_short(rows[of_block], seeds[of_block], may_be_cut[of_block]))
            bounds = np.append(places[of_block], at + len(text)) - at
            starts, ends = bounds[left].tolist(), bounds[left + 1].tolist()
            left += first
            columns = (seeds, begins, suffix_tokens, may_be_cut, rows["tail"], rows["tokens"], rows["flags"])
            base, new_counts = [], []
            for start, end, seed, begin, suffix, is_long, size, tokens, flags in zip(
                starts, ends, *(column[left].tolist() for column in columns), strict=True
            ):
                deepest = known_seeds.get(seed)
                self._base, self._new_count = deepest or 0, 0
                if deepest is None:
                    self._add_line_cuts(text[start:end], suffix)
                elif is_long:
                    token = text[begin - at : begin - at + size]
                    add_text_cuts(token, seed, tokens, suffix / size, flags & UNKNOWN_SIZE, 0)
                base.append(self._base)
                new_counts.append(self._new_count)
            rows["base"][left], rows["novel"][left] = base, new_counts
            at, first = at + len(text), last

    def _take_short(self, rows: NDArray[np.void], seeds: NDArray[np.uint64], may_be_cut: Bools) -> Bools:
        """Be done with rows that have too little text to cut, behind what was met before; say which they are."""
        if may_be_cut.all():
            return np.zeros(len(rows), bool)
        distinct, which = np.unique(seeds, return_inverse=True)
        deepest = [self._known_seeds.get(seed) for seed in distinct.tolist()]
        is_done = np.array([prefix is not None for prefix in deepest])[which] & ~may_be_cut
        rows["base"][is_done] = np.array([prefix or 0 for prefix in deepest], np.uint64)[which][is_done]
        return is_done

    def _forget_if_much(self) -> None:
        """Make room between rows: all at once, since a row's prefixes must all be named against the same memory."""
        remembered = len(self._scanned_parts) + len(self._seen_prefixes) + len(self._segments) + len(self._known_seeds)
        if remembered > 4 * REMEMBERED or self._unshared_bytes > MOST_UNSHARED_BYTES:
            self._unshared_bytes = 0
            for memory in (self._scanned_parts, self._seen_prefixes, self._segments, self._known_seeds, self._unshared):
                memory.clear()

    def _add_line_cuts(self, line: bytes, suffix_tokens: float) -> None:
        """Second reading of a line: name its cuts as far as others may share them. `tail`: tokens of its last text."""
        try:
            request = _decode(line).request
            last = request.contents[-1].parts[-1]
        except (MsgspecError, IndexError):
            return
        if request.cachedContent is not UNSET:
            return
        self._forget_if_much()
        name, prefix, tokens, unknown_size, _ = self._hash_request_header(request)
        for content, (salt, not_user) in zip(request.contents, self._turn_salts(request), strict=True):
            seed = name ^ salt
            for part in content.parts:
                if prefix:
                    self._add_cut(prefix | not_user, tokens, unknown_size)
                if part is last:
                    if not not_user:
                        self._known_seeds[seed] = prefix
                        token = _text_of(part)
                        if token is not None and tokens + suffix_tokens * 1.5 >= self._min_tokens:
                            self._add_text_cuts(token, seed, tokens, suffix_tokens / len(token), unknown_size, 0)
                    return
                scanned = self._scan_part(part, seed)
                if not scanned.fully_shared:
                    token = None if not_user else _text_of(part)
                    self._last = 0
                    if token is None:
                        scanned.fully_shared = scanned.name in self._beginnings.seen
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
        self, token: bytes, seed: int, tokens_before: float, density: float, unknown_size: int, end_name: int
    ) -> bool:
        """Name the cuts in a text as far as it may be shared; say whether all of it may be, if its end has a name."""
        names, segments = self._beginnings.shared(token, seed), self._segments
        known = shared = len(names) - 1
        while known and names[known] not in segments:
            known -= 1
        self._last, resume = segments[names[known]] if known else (0, 1)
        self._base = self._last or self._base
        for step in range(known, shared):
            resume = self._add_segment_cuts(
                names[step + 1], token, names, resume, text_cuts.GRID[step], tokens_before, density, unknown_size
            )
        is_end = shared == text_cuts.grid_places_within(len(token))
        if is_end and end_name and end_name in self._beginnings.seen:
            if end_name in segments:
                self._last, _ = segments[end_name]
                self._base = self._last or self._base
            else:
                self._add_segment_cuts(end_name, token, names, resume, len(token), tokens_before, density, unknown_size)
            return True
        until = len(token) if is_end else text_cuts.GRID[shared]
        self._add_unshared_cuts(token, names, resume, until, tokens_before, density, unknown_size)
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
    ) -> int:
        """Name the cuts up to a shared place; remember the last in the text (0: none) and where to resume: there."""
        for place, resume_at in text_cuts.find_cuts(token, resume, until):
            resume = resume_at
            if place:
                self._last = text_cuts.name_at(token, names, place) & EVEN
                self._add_cut(self._last, tokens_before + density * place, unknown_size)
        self._segments[key] = self._last, resume
        return resume

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
        """Name the cuts behind the last shared place: some may be shared, and only counting all can tell.

        Those that the last row with the same beginning has, too, are named already.
        """
        if tokens_before + density * until * 1.5 < self._min_tokens:
            return
        begin, seed, view, add = text_cuts.last_grid_place(names), names[-1], memoryview(token), self.prefixes.add
        if not begin:
            until = self._beginnings.reach(token, seed, until)
        before = self._unshared.get(seed, NOTHING_UNSHARED)
        same = before.count_same(token, begin, until)
        if same:
            self._base, resume = before.names[same - 1], before.places[same - 1]
        places, cut_names = [], []
        for place, _ in text_cuts.find_cuts(token, resume, until):
            if place:
                name = digest(view[begin:place], seed) if place >= begin else text_cuts.name_at(token, names, place)
                places.append(place)
                cut_names.append(name & EVEN)
                add(name & EVEN, tokens_before + density * place, unknown_size)
                self._new_count += 1
        if places:
            behind = _UnsharedText(token[begin:until], before.places[:same] + places, before.names[:same] + cut_names)
            self._unshared_bytes += behind.size - before.size
            self._unshared[seed] = behind

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
        return ScannedPart(
            end, self.hasher.estimator(b"%b%b}" % (TEXT, token)), 0, [*scouts(token, seed), *names[1:], end]
        )

    def _scan_other(self, raw: bytes, seed: int) -> ScannedPart:
        name, _, tokens, unknown_size, _ = self.hasher.part(raw, 0, seed)
        return ScannedPart(name, tokens, unknown_size, [name])


def _text_of(part: PartMembers) -> bytes | None:
    """A part that is only a text, as its JSON string; None if it is anything else."""
    text = _raw_text_of(part)
    return None if text is None else request_parts.canonical_string(text)


def _raw_text_of(part: PartMembers) -> bytes | None:
    """The same as it is written."""
    text = part.get("text") if len(part) == 1 else None
    return None if text is None else bytes(text)
