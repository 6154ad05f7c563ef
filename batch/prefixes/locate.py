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
from batch.prefixes.partial_lines import partial
from batch.prefixes.request_parts import TEXT
from batch.prefixes.scan import EVEN, IN_EXCHANGE, NEXT_PART, NO_HEADER, PrefixHasher

HEADER_FIELDS = ("systemInstruction", "tools", "toolConfig")


class Turn(Struct, forbid_unknown_fields=True, gc=False):
    """One content, its parts as written. `role` None: it names none."""

    parts: list[Raw]
    role: str | None = None

    @property
    def is_user(self) -> bool:
        return self.role is None or self.role == "user"


_decode_line = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_turns = msgspec.json.Decoder(list[Turn]).decode
_decode_turn = msgspec.json.Decoder(Turn).decode
_decode_part = msgspec.json.Decoder(dict[str, Raw]).decode


@dataclass(frozen=True)
class Prefix:
    """What a cache holds: the root's fields and the first turns. `open_text`: its last text goes on in requests."""

    header: Mapping[str, bytes]
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
        fields = [b'"%b":%b' % (key.encode(), value) for key, value in self.header.items()]
        if self.turns:
            fields.append(b'"contents":[%b]' % b",".join(map(turn_json, self.turns)))
        return b"{%b}" % b",".join(fields)


class PrefixQuery(NamedTuple):
    """A prefix to recover from a row that begins with it; with `remainder`, what follows it there. Name 0: nothing."""

    ident: str
    row: int
    name: int
    remainder: bool = False


def request_of(line: bytes) -> dict[str, Raw]:
    """The fields of a line's request, as written."""
    return _decode_line(_decode_line(line)["request"])


def header_of(request: Mapping[str, Raw]) -> request_parts.RequestHeader:
    """A request without its contents, as far as it matters to a prefix."""
    instruction, tools, config = (request.get(key, UNSET) for key in HEADER_FIELDS)
    return request_parts.RequestHeader(systemInstruction=instruction, tools=tools, toolConfig=config)


def turns_of(request: Mapping[str, Raw]) -> list[Turn]:
    if "content" in request:  # of an embedding: one turn
        return [_decode_turn(request["content"])]
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
    return request_parts.canonical_string(members["text"]) if len(members) == 1 and "text" in members else None


def lines_at(stream: Iterable[bytes], offsets: Sequence[int]) -> Iterator[bytes]:
    """The lines that begin at these offsets, in this order; a stream that cannot seek needs them ascending."""
    if isinstance(stream, IOBase):
        for offset in offsets:
            stream.seek(offset)
            yield stream.readline()
        return
    at = 0
    on_disk, reader = partial(stream)
    lines = iter(on_disk)
    for offset in offsets:
        for line in lines:
            at += len(line)
            if at > offset:
                yield line if reader is None else reader.whole(line)
                break


def split_at(request: Mapping[str, Raw], name: int, within_texts: bool) -> tuple[Prefix, list[Turn]]:
    """Part a request into the prefix of that name and the turns behind it. ValueError if it has no such prefix."""
    header = {key: bytes(request[key]) for key in HEADER_FIELDS if key in request}
    turns = turns_of(request)
    for prefix_turns, turns_behind, open_text, prefix_name in _splits(request, turns, within_texts):
        if prefix_name == name & EVEN:
            return Prefix(header, prefix_turns, open_text), turns_behind
    raise ValueError(f"no prefix {name:016x} in this request")


def same_header(request: request_parts.RequestHeader, prefix: Prefix) -> bool:
    """Whether a request has just the root of a prefix, as JSON values."""
    no_header = request.systemInstruction is UNSET and request.tools is UNSET and request.toolConfig is UNSET
    if no_header or not prefix.header:
        return no_header and not prefix.header
    for key, field in zip(HEADER_FIELDS, request.header, strict=True):
        expected = prefix.header.get(key)
        if field is UNSET or expected is None:
            if field is not UNSET or expected is not None:
                return False
        elif not _same_json(bytes(field), expected):
            return False
    return True


def remainder(turns: list[Turn], prefix: Prefix) -> list[Turn] | None:
    """The turns behind a prefix; None if they do not begin with it or a cache cannot stand for it.

    Equality is that of JSON values. What remains has parts and begins with a user's turn that answers no call of a
    function.
    """
    last = len(prefix.turns) - 1
    if len(turns) <= last:
        return None
    for place in range(last):
        if not _same_turn(turns[place], prefix.turns[place]):
            return None
    turns_behind = turns if last < 0 else _remainder_of_turn(turns[last], prefix, turns[last + 1 :])
    if not turns_behind or not turns_behind[0].is_user or _responds(turns_behind[0]):
        return None
    for turn in turns_behind:
        if not turn.parts:
            return None
    return turns_behind


def _part_names(turn: Turn) -> list[dict[str, Raw]]:
    return list(map(_decode_part, turn.parts))


def _responds(turn: Turn) -> bool:
    """Whether a turn answers a call; parts that are plain texts are told by how they begin."""
    return any(not bytes(part).startswith(TEXT) and "functionResponse" in _decode_part(part) for part in turn.parts)


def _splits(
    request: Mapping[str, Raw], turns: list[Turn], within_texts: bool
) -> Iterator[tuple[list[Turn], list[Turn], bool, int]]:
    """Every way to part a request: turns before, turns behind, whether a text is cut, the name of the prefix."""
    hasher = PrefixHasher(lambda _: 0.0)
    name = NO_HEADER
    if any(key in request for key in HEADER_FIELDS):
        name = hasher.header(header_of(request))[0]
        yield [], turns, False, name & EVEN
    exchanges = request_parts.exchange_turns(map(_part_names, turns))
    for number, (turn, in_exchange) in enumerate(zip(turns, exchanges, strict=True)):
        seed = name ^ hasher.role(turn.role)[0] ^ (IN_EXCHANGE if in_exchange else 0)
        for place, part in enumerate(turn.parts):
            turns_before, parts_before = turns[:number], turn.parts[:place]
            text = text_of(part) if within_texts else None
            if text is not None:
                names = text_cuts.grid_names(text, seed)
                for end, _ in text_cuts.find_cuts(text, 1, len(text)):
                    if end and turn.is_user:
                        head, tail = _cut_text(text, end)
                        rest_of_turn = Turn([tail, *turn.parts[place + 1 :]], turn.role)
                        prefix = text_cuts.name_at(text, names, end) & EVEN
                        yield (
                            [*turns_before, Turn([*parts_before, head], turn.role)],
                            [rest_of_turn, *turns[number + 1 :]],
                            True,
                            prefix,
                        )
                name = text_cuts.end_name(text, names)
            else:
                raw = request_parts.part_json(_decode_part(part)) if within_texts else bytes(part)
                name = hasher.part(raw, 0, seed)[0]
            seed = name ^ NEXT_PART
            parts_after = turn.parts[place + 1 :]
            turns_behind = ([Turn(parts_after, turn.role)] if parts_after else []) + turns[number + 1 :]
            yield [*turns_before, Turn([*parts_before, part], turn.role)], turns_behind, False, name & EVEN


def locate_prefixes(
    stream_lines: Iterable[bytes], offset: Sequence[int] | Ints, queries: Iterable[PrefixQuery], within_texts: bool
) -> Iterator[tuple[str, Prefix]]:
    """The prefixes wanted, read again from the batch, in the order of their rows."""
    order = sorted(queries, key=lambda query: query.row)
    rows = sorted({query.row for query in order})
    current_row, request = -1, dict[str, Raw]()
    stream = lines_at(stream_lines, [int(offset[row]) for row in rows])
    for query in order:
        if query.row != current_row:
            current_row, request = query.row, request_of(next(stream))
        yield query.ident, _answer_query(request, query, within_texts)


def false_duplicates(stream: Iterable[bytes], offset: Ints, duplicate_of: Ints) -> Ints:
    """Rows whose request differs, as JSON, from that of the row they are said to equal."""
    rows = np.flatnonzero(duplicate_of != np.arange(len(duplicate_of)))
    rows = np.union1d(rows, duplicate_of[rows])
    digests = {}
    for row, line in zip(rows.tolist(), lines_at(stream, offset[rows].tolist()), strict=True):
        try:
            request = request_parts.canonical_json(_decode_line(line)["request"])
        except (msgspec.MsgspecError, KeyError):
            request = line
        digests[row] = blake2b(request, digest_size=16).digest()
    return np.array([row for row in rows.tolist() if digests[row] != digests[int(duplicate_of[row])]], dtype=np.int64)


def _answer_query(request: Mapping[str, Raw], query: PrefixQuery, within_texts: bool) -> Prefix:
    if not query.name:
        header = {key: bytes(request[key]) for key in HEADER_FIELDS if key in request}
        return Prefix(header, turns_of(request))
    prefix, turns_behind = split_at(request, query.name, within_texts)
    return Prefix({}, turns_behind) if query.remainder else prefix


def _same_turn(turn: Turn, other: Turn) -> bool:
    if not _same_role(turn, other) or len(turn.parts) != len(other.parts):
        return False
    return all(map(_same_part, map(bytes, turn.parts), map(bytes, other.parts)))


def _same_role(turn: Turn, other: Turn) -> bool:
    return turn.role == other.role or (turn.is_user and other.is_user)


def _remainder_of_turn(turn: Turn, prefix: Prefix, following: list[Turn]) -> list[Turn] | None:
    """What is behind a prefix that ends in this turn."""
    last_turn, last_parts = prefix.turns[-1], prefix.last_parts
    if not _same_role(turn, last_turn) or len(turn.parts) < len(last_parts):
        return None
    whole_parts = len(last_parts) - prefix.open_text
    for place in range(whole_parts):
        if not _same_part(bytes(turn.parts[place]), last_parts[place]):
            return None
    parts_behind = turn.parts[len(last_parts) :]
    if prefix.open_text:
        tail = _text_remainder(turn.parts[whole_parts], last_turn.parts[-1])
        if tail is None:
            return None
        parts_behind = [tail, *parts_behind]
    return [Turn(parts_behind, turn.role), *following] if parts_behind else following


def _text_remainder(part: Raw, head_part: Raw) -> Raw | None:
    """The rest of a text that begins with the one held; None if it does not, or nothing is left."""
    text, head = text_of(part), text_of(head_part)
    if text is None or head is None or len(text) <= len(head) or not text.startswith(head[:-1]):
        return None
    return _cut_text(text, len(head) - 1)[1]


def _cut_text(text: bytes, place: int) -> tuple[Raw, Raw]:
    return Raw(b'{"text":%b"}' % text[:place]), Raw(b'{"text":"%b}' % text[place:])


def _same_json(one: bytes, other: bytes) -> bool:
    return one == other or request_parts.canonical_json(one) == request_parts.canonical_json(other)


def _same_part(one: bytes, other: bytes) -> bool:
    return one == other or request_parts.canonical_part(one) == request_parts.canonical_part(other)
