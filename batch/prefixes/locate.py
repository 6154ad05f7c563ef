"""Prefixes as JSON: find one again in a request that begins with it, and part it from the rest.

A prefix is known by its name only; one row that begins with it is read again to recover what it holds. Pieces of
JSON are passed on as they were written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from io import IOBase
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec import UNSET, Raw, Struct

from batch.prefixes import request_parts, text_cuts
from batch.prefixes.forest import Ints
from batch.prefixes.scan import EVEN, NEXT_PART, NO_ROOT, Namer

ROOT_FIELDS = ("systemInstruction", "tools", "toolConfig")


class Turn(Struct, forbid_unknown_fields=True, gc=False):
    """One content, its parts as written. `role` None: it names none."""

    parts: list[Raw]
    role: str | None = None

    @property
    def user(self) -> bool:
        return self.role is None or self.role == "user"


_decode_line = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_turns = msgspec.json.Decoder(list[Turn]).decode
_decode_part = msgspec.json.Decoder(dict[str, Raw]).decode


@dataclass(frozen=True)
class Prefix:
    """What a cache holds: the root's fields and the first turns. `open_text`: its last text goes on in requests."""

    root: Mapping[str, bytes]
    turns: Sequence[Turn]
    open_text: bool = False

    @cached_property
    def last_parts(self) -> list[bytes]:
        """The parts of the last turn as they were written."""
        return [bytes(part) for part in self.turns[-1].parts]

    @cached_property
    def last_parts_json(self) -> bytes:
        """The parts of the last turn as the list of parts of a longer turn begins."""
        return b"".join(part + b"," for part in self.last_parts)

    def json(self) -> bytes:
        """As a request or a cached content has it."""
        fields = [b'"%b":%b' % (key.encode(), value) for key, value in self.root.items()]
        if self.turns:
            fields.append(b'"contents":[%b]' % b",".join(map(turn_json, self.turns)))
        return b"{%b}" % b",".join(fields)


class Wanted(NamedTuple):
    """A prefix to recover from a row that begins with it; with `behind`, what follows it there. Name 0: nothing."""

    ident: str
    row: int
    name: int
    behind: bool = False


def request_of(line: bytes) -> dict[str, Raw]:
    """The fields of a line's request, as written."""
    return _decode_line(_decode_line(line)["request"])


def root_of(request: Mapping[str, Raw]) -> request_parts.Rest:
    """A request without its contents, as far as it matters to a prefix."""
    instruction, tools, config = (request.get(key, UNSET) for key in ROOT_FIELDS)
    return request_parts.Rest(systemInstruction=instruction, tools=tools, toolConfig=config)


def turns_of(request: Mapping[str, Raw]) -> list[Turn]:
    return _decode_turns(request["contents"])


def turn_json(turn: Turn) -> bytes:
    listed = b",".join(map(bytes, turn.parts)) if len(turn.parts) != 1 else bytes(turn.parts[0])
    if turn.role == "user":
        return b'{"role":"user","parts":[%b]}' % listed
    if turn.role is None:
        return b'{"parts":[%b]}' % listed
    return b'{"role":%b,"parts":[%b]}' % (msgspec.json.encode(turn.role), listed)


def text_of(part: Raw | bytes) -> bytes | None:
    """A part that is only a text, as its JSON string; None if it is anything else."""
    members = _decode_part(part)
    return request_parts.text_token(members["text"]) if len(members) == 1 and "text" in members else None


def lines_at(opened: Iterable[bytes], offsets: Sequence[int]) -> Iterator[bytes]:
    """The lines that begin at these offsets, in this order; a stream that cannot seek needs them ascending."""
    if isinstance(opened, IOBase):
        for offset in offsets:
            opened.seek(offset)
            yield opened.readline()
        return
    at = 0
    lines = iter(opened)
    for offset in offsets:
        for line in lines:
            at += len(line)
            if at > offset:
                yield line
                break


def split_at(request: Mapping[str, Raw], name: int, within_texts: bool) -> tuple[Prefix, list[Turn]]:
    """Part a request into the prefix of that name and the turns behind it. ValueError if it has no such prefix."""
    root = {key: bytes(request[key]) for key in ROOT_FIELDS if key in request}
    turns = turns_of(request)
    for held, rest, open_text, found in _walk(request, turns, within_texts):
        if found == name & EVEN:
            return Prefix(root, held, open_text), rest
    raise ValueError(f"no prefix {name:016x} in this request")


def same_root(request: request_parts.Rest, prefix: Prefix) -> bool:
    """Whether a request has just the root of a prefix, as JSON values."""
    bare = request.systemInstruction is UNSET and request.tools is UNSET and request.toolConfig is UNSET
    if bare or not prefix.root:
        return bare and not prefix.root
    for key, field in zip(ROOT_FIELDS, request.root, strict=True):
        wanted = prefix.root.get(key)
        if field is UNSET or wanted is None:
            if field is not UNSET or wanted is not None:
                return False
        elif not _same(bytes(field), wanted):
            return False
    return True


def behind(turns: list[Turn], prefix: Prefix) -> list[Turn] | None:
    """The turns behind a prefix; None if they do not begin with it or a cache cannot stand for it.

    Equality is that of JSON values. What remains has parts and begins with a user's turn.
    """
    last = len(prefix.turns) - 1
    if len(turns) <= last:
        return None
    for place in range(last):
        if not _equal(turns[place], prefix.turns[place]):
            return None
    rest = turns if last < 0 else _behind(turns[last], prefix, turns[last + 1 :])
    if not rest or rest[0].role not in (None, "user"):
        return None
    for turn in rest:
        if not turn.parts:
            return None
    return rest


def _walk(
    request: Mapping[str, Raw], turns: list[Turn], within_texts: bool
) -> Iterator[tuple[list[Turn], list[Turn], bool, int]]:
    """Every way to part a request: turns before, turns behind, whether a text is cut, the name of the prefix."""
    namer = Namer(lambda _: 0.0)
    name = NO_ROOT
    if any(key in request for key in ROOT_FIELDS):
        name = namer.root(root_of(request))[0]
        yield [], turns, False, name & EVEN
    for number, turn in enumerate(turns):
        seed = name ^ namer.role(turn.role)[0]
        for place, part in enumerate(turn.parts):
            held, begun = turns[:number], turn.parts[:place]
            text = text_of(part) if within_texts else None
            if text is not None:
                names = text_cuts.grid_names(text, seed)
                for end, _ in text_cuts.cuts(text, 1, len(text)):
                    if end and turn.user:
                        head, tail = _cut_text(text, end)
                        behind = Turn([tail, *turn.parts[place + 1 :]], turn.role)
                        prefix = text_cuts.name_at(text, names, end) & EVEN
                        yield [*held, Turn([*begun, head], turn.role)], [behind, *turns[number + 1 :]], True, prefix
                name = text_cuts.end_name(text, names)
            else:
                raw = request_parts.part_json(_decode_part(part)) if within_texts else bytes(part)
                name = namer.part(raw, 0, seed)[0]
            seed = name ^ NEXT_PART
            rest = turn.parts[place + 1 :]
            behind_whole = ([Turn(rest, turn.role)] if rest else []) + turns[number + 1 :]
            yield [*held, Turn([*begun, part], turn.role)], behind_whole, False, name & EVEN


def recover(
    opened: Iterable[bytes], offset: Sequence[int] | Ints, wanted: Iterable[Wanted], within_texts: bool
) -> Iterator[tuple[str, Prefix]]:
    """The prefixes wanted, read again from the batch, in the order of their rows."""
    order = sorted(wanted, key=lambda one: one.row)
    rows = sorted({one.row for one in order})
    place, request = -1, dict[str, Raw]()
    stream = lines_at(opened, [int(offset[row]) for row in rows])
    for one in order:
        if one.row != place:
            place, request = one.row, request_of(next(stream))
        yield one.ident, _taken(request, one, within_texts)


def unlike_twins(opened: Iterable[bytes], offset: Ints, twin: Ints) -> Ints:
    """Rows whose request differs, as JSON, from that of the row they are said to equal."""
    rows = np.flatnonzero(twin != np.arange(len(twin)))
    rows = np.union1d(rows, twin[rows])
    found = {}
    for row, line in zip(rows.tolist(), lines_at(opened, offset[rows].tolist()), strict=True):
        try:
            request = request_parts.canonical(_decode_line(line)["request"])
        except (msgspec.MsgspecError, KeyError):
            request = line
        found[row] = blake2b(request, digest_size=16).digest()
    return np.array([row for row in rows.tolist() if found[row] != found[int(twin[row])]], dtype=np.int64)


def _taken(request: Mapping[str, Raw], one: Wanted, within_texts: bool) -> Prefix:
    if not one.name:
        root = {key: bytes(request[key]) for key in ROOT_FIELDS if key in request}
        return Prefix(root, turns_of(request))
    prefix, rest = split_at(request, one.name, within_texts)
    return Prefix({}, rest) if one.behind else prefix


def _equal(turn: Turn, held: Turn) -> bool:
    if not _same_role(turn, held) or len(turn.parts) != len(held.parts):
        return False
    return all(map(_same_part, map(bytes, turn.parts), map(bytes, held.parts)))


def _same_role(turn: Turn, held: Turn) -> bool:
    return turn.role == held.role or (turn.user and held.user)


def _behind(turn: Turn, prefix: Prefix, following: list[Turn]) -> list[Turn] | None:
    """What is behind a prefix that ends in this turn."""
    held, spelled = prefix.turns[-1], prefix.last_parts
    if not _same_role(turn, held) or len(turn.parts) < len(spelled):
        return None
    whole = len(spelled) - prefix.open_text
    for place in range(whole):
        if not _same_part(bytes(turn.parts[place]), spelled[place]):
            return None
    rest = turn.parts[len(spelled) :]
    if prefix.open_text:
        tail = _goes_on(turn.parts[whole], held.parts[-1])
        if tail is None:
            return None
        rest = [tail, *rest]
    return [Turn(rest, turn.role), *following] if rest else following


def _goes_on(part: Raw, held: Raw) -> Raw | None:
    """The rest of a text that begins with the one held; None if it does not, or nothing is left."""
    text, head = text_of(part), text_of(held)
    if text is None or head is None or len(text) <= len(head) or not text.startswith(head[:-1]):
        return None
    return _cut_text(text, len(head) - 1)[1]


def _cut_text(text: bytes, place: int) -> tuple[Raw, Raw]:
    return Raw(b'{"text":%b"}' % text[:place]), Raw(b'{"text":"%b}' % text[place:])


def _same(one: bytes, other: bytes) -> bool:
    return one == other or request_parts.canonical(one) == request_parts.canonical(other)


def _same_part(one: bytes, other: bytes) -> bool:
    return one == other or request_parts.canonical_part(one) == request_parts.canonical_part(other)
