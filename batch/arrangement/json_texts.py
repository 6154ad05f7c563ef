"""Texts that are JSON objects, or have one behind some lines: their members in another order mean the same. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import msgspec
from msgspec import MsgspecError, Raw
from xxhash import xxh3_64_intdigest as digest

MIN_MEMBER_BYTES = 200
"""Shorter members stay behind, with what differs."""
MOST_NESTED = 3
_members = msgspec.json.Decoder(dict[str, Raw]).decode
_text = msgspec.json.Decoder(str).decode
Members = dict[str, Raw]


class JsonText(NamedTuple):
    """What stands before an object, the object, and what stands behind it."""

    before: str
    value: JsonObject
    behind: str


class JsonObject(NamedTuple):
    """An object by its members, and the white space before its first and behind its last."""

    members: Members
    indent: bytes
    end: bytes

    def joined(self, keys: Iterable[str]) -> bytes:
        """Some members, parted as they were; on lines of their own if all stood on one, so that a cut is at a line."""
        gap = self.indent if b"\n" in self.indent else b"\n"
        return (b"," + gap).join(b"%b: %b" % (msgspec.json.encode(key), bytes(self.members[key])) for key in keys)


class Ordered(NamedTuple):
    """An object in two pieces, the shared members in the first; `moved` others stood before the last of them."""

    first: bytes
    rest: bytes
    moved: int


class _NoObject(ValueError):
    """Members of one name twice: their order says which is meant."""


def _without_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _NoObject
    return found


_raw_decode = json.JSONDecoder(object_pairs_hook=_without_twins).raw_decode


def may_be_json(body: bytes) -> bool:
    """Whether a text begins with JSON, or a line of it does with an object."""
    return body[:8].lstrip().startswith((b"{", b"[", b"\\n{", b"\\n[")) or (b"{" in body and b"\\n{" in body)


def is_structure(body: bytes) -> bool:
    """Whether all of a text is an object or a list, or looks like one: in another order it would fall apart."""
    start = body[:8].lstrip()
    if start.startswith((b"{", b"\\n{")):
        return True
    if not start.startswith((b"[", b"\\n[")):
        return False
    try:
        text = _text(b'"%b"' % body).strip()
        _, end = _raw_decode(text)
    except (MsgspecError, ValueError, RecursionError):
        return False
    return end == len(text)


def json_text(body: bytes) -> JsonText | None:
    """A text with its object; None if it has none that can be read."""
    try:
        text = _text(b'"%b"' % body)
        start = len(text) - len(text.lstrip())
        if not text.startswith("{", start):
            start = text.index("\n{") + 1
        _, end = _raw_decode(text, start)
        value = _object(text[start:end].encode())
    except (MsgspecError, ValueError, RecursionError, UnicodeError):
        return None
    return JsonText(text[:start], value, text[end:]) if value is not None else None


def member_names(value: JsonObject, depth: int = 0) -> Iterator[int]:
    """Names of all members that are worth counting, those inside others too."""
    for key, member in value.members.items():
        if len(member) >= MIN_MEMBER_BYTES:
            yield _name(key, member)
            if depth < MOST_NESTED and (inner := _object(bytes(member))):
                yield from member_names(inner, depth + 1)


def before_name(before: str) -> int:
    """The name of what stands before an object."""
    return digest(before.encode(errors="surrogatepass"), 5)


def ordered(value: JsonObject, rows_of: Callable[[list[int]], list[int]], depth: int = 0) -> Ordered | None:
    """An object with its shared members first, those of more rows before others; None if it shares nothing."""
    members, gap = value.members, value.indent or b"\n"
    rows = dict(zip(members, rows_of([_name(key, member) for key, member in members.items()]), strict=True))
    shared = [key for key, member in members.items() if rows[key] > 1 and len(member) >= MIN_MEMBER_BYTES]
    if shared:
        rest = [key for key in members if key not in shared]
        moved = sum(key not in shared for key in list(members)[: list(members).index(shared[-1])])
        shared.sort(key=lambda key: -rows[key])
        first = b"{%b%b,%b" % (value.indent, value.joined(shared), gap)
        return Ordered(first, b"%b%b}" % (value.joined(rest), value.end), moved) if rest else None
    if depth >= MOST_NESTED:
        return None
    for place, (key, member) in enumerate(members.items()):
        inner = _object(bytes(member)) if len(member) >= MIN_MEMBER_BYTES else None
        found = ordered(inner, rows_of, depth + 1) if inner else None
        if found is not None:
            others = [other for other in members if other != key]
            behind = b",%b%b" % (gap, value.joined(others)) if others else b""
            first = b"{%b%b: %b" % (value.indent, msgspec.json.encode(key), found.first)
            return Ordered(first, b"%b%b%b}" % (found.rest, behind, value.end), found.moved + place)
    return None


def text_bytes(text: str) -> bytes:
    """A text as the body of its JSON string."""
    return msgspec.json.encode(text)[1:-1]


def _name(key: str, value: Raw) -> int:
    return digest(value, digest(key.encode(errors="surrogatepass"), 6))


def _object(raw: bytes) -> JsonObject | None:
    """An object with any members; None for anything else."""
    try:
        members = _members(raw) if raw.startswith(b"{") else None
    except MsgspecError:
        return None
    inner = raw[1:-1]
    indent, end = inner[: len(inner) - len(inner.lstrip())], inner[len(inner.rstrip()) :]
    return JsonObject(members, indent, end) if members else None
