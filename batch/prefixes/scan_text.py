"""The scan with cuts inside texts too, which takes two readings.

The first counts beginnings of texts at fixed places, roughly (a table of small counters; a collision only costs
time). The second follows each row's texts as far as their beginnings occur twice, and one place further, and names
the cuts after newlines on the way: whatever two rows share is cut wherever it may be.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
import numpy as np
from msgspec import UNSET, MsgspecError, Raw, Struct
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest as digest

from batch.prefixes import request_parts, text_cuts
from batch.prefixes.request_parts import TEXT, Rest
from batch.prefixes.scan import (
    EVEN,
    LONG_TEXT,
    MASK,
    MEASURED_EVERY,
    NEXT_PART,
    NO_ROOT,
    REMEMBERED,
    ROW,
    ROW_DTYPE,
    SURELY_MEASURED,
    Scan,
    Sized,
)

Part = dict[str, Raw]
SLOTS = 1 << 25
LAST_SLOT = SLOTS - 1
FLUSH = 1 << 16


class Content(Struct, gc=False):
    """One turn, its parts by member: what is only a text must be told from what is more."""

    parts: list[dict[str, Raw]]
    role: str | None = None


class Request(Rest, gc=False, kw_only=True):
    contents: list[Content]


class Line(Struct, gc=False):
    request: Request


_decode = msgspec.json.Decoder(Line).decode


class Crowd:
    """Which names were met twice, roughly: a yes may be wrong, a no is not."""

    def __init__(self) -> None:
        self._counts = np.zeros(SLOTS, dtype=np.uint8)
        self.slots = self._counts.data
        self._new = array("Q")

    def __contains__(self, name: int) -> bool:
        return self.slots[name >> 8 & LAST_SLOT] > 1

    def add(self, names: Iterable[int]) -> None:
        self._new.extend(names)
        if len(self._new) > FLUSH:
            self.settle()

    def settle(self) -> None:
        """Count what was added since the last time."""
        names = np.asarray(self._new, dtype=np.uint64)
        places, times = np.unique(names >> np.uint64(8) & np.uint64(LAST_SLOT), return_counts=True)
        self._counts[places] = np.minimum(2, self._counts[places] + times)
        self._new = array("Q")


@dataclass
class Whole:
    """A part met whole: the name of what ends with it, its tokens, the names of places in it.

    Once `followed`, `last` is the last cut inside it (0: none).
    """

    name: int
    tokens: float
    blind: int
    places: list[int]
    times: int = 0
    followed: bool = False
    last: int = 0


class TextScan(Scan):
    """A scan that cuts between contents, between parts, and inside the texts of users.

    `least` is the size in tokens below which no prefix is of interest.
    """

    def read(self, first: Iterable[bytes], second: Iterable[bytes], least: float) -> None:
        """Read the batch twice."""
        self._least, self._crowd = least, Crowd()
        self._wholes: dict[int, Whole] = {}
        self._segments: dict[int, tuple[int, int]] = {}
        offset = row = 0
        for line in first:
            row += self._count(line, row, offset)
            offset += len(line)
        self._crowd.settle()
        rows: NDArray[np.void] = np.frombuffer(self.rows, dtype=ROW_DTYPE).copy()
        tails = self.tails.tokens(rows["tail"]).tolist()
        base, novel = array("Q"), array("I")
        for line, tail in zip((line for line in second if line.strip()), tails, strict=True):
            self._base = self._novel = self._last = 0
            self._follow(line, tail)
            base.append(self._base)
            novel.append(self._novel)
        rows["base"], rows["novel"] = base, novel
        self.rows = bytearray(rows.tobytes())

    def _count(self, line: bytes, row: int, at: int) -> int:
        """First reading of a line: count its places, write down its row. Return 1, or 0 for a line of nothing."""
        try:
            request = _decode(line).request
            last = request.contents[-1].parts[-1]
        except (MsgspecError, IndexError):
            return self._opaque(line, at)
        if request.cachedContent is not UNSET:
            spelled = request_parts.decode(line).request
            self._pinned(spelled, bytes(spelled.contents[-1].parts.pop()), at)
            return 1
        name, behind, tokens, flags, _ = self._start(request)
        seed = foreign = size = 0
        for content in request.contents:
            salt, foreign = self.namer.roles.get(content.role) or self.namer.role(content.role)
            seed = name ^ salt
            for part in content.parts:
                if part is last:
                    break
                whole = self._whole(part, seed)
                if whole.times < 2:
                    self._crowd.add(whole.places)
                    whole.times += 1
                name, behind = whole.name, 1
                tokens += whole.tokens
                flags |= whole.blind
                seed = name ^ NEXT_PART
        token = _text(last)
        if token is None:
            whole = self._whole(last, seed)
            name = whole.name
            tokens += whole.tokens
            flags |= whole.blind
        else:
            names = text_cuts.grid_names(token, seed)
            self._crowd.add(names[1:])
            name, size = text_cuts.end_name(token, names), len(token)
            measured = 0.0
            if row < SURELY_MEASURED or not row % MEASURED_EVERY:
                measured = self.tails.add(row, b"%b%b}" % (TEXT, token))
            if size >= LONG_TEXT:
                self._aside(row, token, seed, tokens, measured, behind, foreign)
        salt, cold = self._settings(request)
        self.rows += ROW.pack(0, name ^ salt, at, tokens, 0, size, flags | cold)
        return 1

    def _follow(self, line: bytes, tail: float) -> None:
        """Second reading of a line: name its cuts as far as others may share them. `tail`: tokens of its last text."""
        try:
            request = _decode(line).request
            last = request.contents[-1].parts[-1]
        except (MsgspecError, IndexError):
            return
        if request.cachedContent is not UNSET:
            return
        if len(self._wholes) + len(self._seen) + len(self._segments) > 4 * REMEMBERED:
            for memory in (self._wholes, self._seen, self._segments):
                memory.clear()
        name, prefix, tokens, blind, _ = self._start(request)
        for content in request.contents:
            salt, foreign = self.namer.roles.get(content.role) or self.namer.role(content.role)
            seed = name ^ salt
            for part in content.parts:
                if prefix:
                    self._cut(prefix | foreign, tokens, blind)
                if part is last:
                    if not foreign and tokens + tail * 1.5 >= self._least:
                        token = _text(part)
                        if token is not None:
                            self._inside(token, seed, tokens, tail / len(token), blind, 0)
                    return
                whole = self._whole(part, seed)
                if not whole.followed:
                    token = None if foreign else _text(part)
                    self._last = 0
                    if token is None:
                        whole.followed = whole.name in self._crowd
                    else:
                        density = whole.tokens / len(token)
                        whole.followed = self._inside(token, seed, tokens, density, blind, whole.name)
                    if not whole.followed:
                        return
                    whole.last = self._last
                elif whole.last:
                    self._base = whole.last
                name, prefix = whole.name, whole.name & EVEN
                tokens += whole.tokens
                blind |= whole.blind
                seed = name ^ NEXT_PART

    def _inside(self, token: bytes, seed: int, before: float, density: float, blind: int, end: int) -> bool:
        """Name the cuts in a text as far as it may be shared; say whether all of it may be, if it has an `end`."""
        names, view, begin, resume = [seed], memoryview(token), 0, 1
        slots, segments, name = self._crowd.slots, self._segments, seed
        for place in text_cuts.GRID[: text_cuts.inside(len(token))]:
            name = digest(view[begin:place], name)
            if slots[name >> 8 & LAST_SLOT] < 2:
                self._loose(token, names, resume, place, before, density, blind)
                return False
            names.append(name)
            found = segments.get(name)
            if found is None:
                found = self._segment(name, token, names, resume, place, before, density, blind)
            elif found[0]:
                self._base = found[0]
            self._last = found[0] or self._last
            begin, resume = place, found[1]
        if end and end in self._crowd:
            found = segments.get(end)
            if found is None:
                found = self._segment(end, token, names, resume, len(token), before, density, blind)
            elif found[0]:
                self._base = found[0]
            self._last = found[0] or self._last
            return True
        self._loose(token, names, resume, len(token), before, density, blind)
        return False

    def _segment(
        self,
        key: int,
        token: bytes,
        names: list[int],
        resume: int,
        until: int,
        before: float,
        density: float,
        blind: int,
    ) -> tuple[int, int]:
        """Name the cuts up to a shared place; remember the last of them (0: none) and where to resume."""
        last = 0
        for place, onward in text_cuts.cuts(token, resume, until):
            resume = onward
            if place:
                last = text_cuts.name_at(token, names, place) & EVEN
                self._cut(last, before + density * place, blind)
        self._segments[key] = last, resume
        return last, resume

    def _loose(
        self, token: bytes, names: list[int], resume: int, until: int, before: float, density: float, blind: int
    ) -> None:
        """Name the cuts behind the last shared place: some may be shared, and only counting all can tell."""
        if before + density * until * 1.5 < self._least:
            return
        begin, seed, view, add = text_cuts.begin(names), names[-1], memoryview(token), self.prefixes.add
        for place, _ in text_cuts.cuts(token, resume, until):
            if place:
                name = digest(view[begin:place], seed) if place >= begin else text_cuts.name_at(token, names, place)
                add(name & EVEN, before + density * place, blind)
                self._novel += 1

    def _cut(self, prefix: int, tokens: float, blind: int) -> None:
        if prefix in self._seen:
            self._base = prefix
        else:
            self._seen.add(prefix)
            self.prefixes.add(prefix, tokens, blind)
            self._novel += 1

    def _start(self, request: Request) -> Sized:
        if request.systemInstruction is UNSET and request.tools is UNSET and request.toolConfig is UNSET:
            return NO_ROOT, 0, 0.0, 0, 0
        return self.namer.root(request)

    def _whole(self, part: Part, seed: int) -> Whole:
        text = part.get("text") if len(part) == 1 else None
        raw = request_parts.part_json(part) if text is None else bytes(text)
        spelled = digest(raw, seed)
        found = self._wholes.get(spelled)
        if found is None:
            found = self._wholes[spelled] = (
                self._new_text(text, seed) if text is not None else self._new_other(raw, seed)
            )
        return found

    def _new_text(self, text: Raw, seed: int) -> Whole:
        token = request_parts.text_token(text)
        names = text_cuts.grid_names(token, seed)
        end = text_cuts.end_name(token, names)
        return Whole(end, self.namer.gauge(b"%b%b}" % (TEXT, token)), 0, [*names[1:], end])

    def _new_other(self, raw: bytes, seed: int) -> Whole:
        name, _, tokens, blind, _ = self.namer.part(raw, 0, seed)
        return Whole(name, tokens, blind, [name])


def _text(part: Part) -> bytes | None:
    """A part that is only a text, as its JSON string; None if it is anything else."""
    text = part.get("text") if len(part) == 1 else None
    return None if text is None else request_parts.text_token(text)


def _spelled(part: Part, seed: int) -> int:
    """A name for a part as it is written, good for this process only."""
    for key, value in part.items():
        seed = digest(value, seed ^ (hash(key) & MASK))
    return seed
