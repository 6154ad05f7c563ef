"""Rewrite requests for the caches of a plan: the second pass, streaming, in any order of rows. Pure.

A request that a cache serves is written without what the cache holds; its `cachedContent` is a placeholder until the
cache exists (`fill_placeholders`). Whether its beginning equals the cache's content is decided here, on the JSON
itself: a row that differs is written as it was read, whatever the plan said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO, NamedTuple

import msgspec
import numpy as np
from msgspec import UNSET, MsgspecError, Raw, Struct

from batch.errors import InputError
from batch.prefixes import locate
from batch.prefixes.forest import Ints
from batch.prefixes.locate import Prefix, Turn
from batch.prefixes.partial_lines import LineReader, partial
from batch.prefixes.request_parts import RequestHeader

PLACEHOLDER = b"@group:"
READ_AHEAD, REMEMBERED_BYTES, ROWS_AT_ONCE = 1 << 18, 1 << 26, 4096
PLACEHOLDER_START = b'{"request":{"cachedContent":"@group:'
"""How a line begins that waits for its cache's name. No other line does: user data stands further in, and a request
that names a cache itself names `cachedContents/…`."""

_decode_members = msgspec.json.Decoder(dict[str, Raw]).decode


class _StrictRequest(RequestHeader, forbid_unknown_fields=True, gc=False, kw_only=True):
    contents: list[Turn]


class _Line(Struct, forbid_unknown_fields=True, gc=False):
    """The usual shape of a line, for which there is a short way."""

    key: Raw
    request: _StrictRequest


_decode_typed = msgspec.json.Decoder(_Line).decode


class RewriteResult(NamedTuple):
    """What a pass wrote. `mismatched` are rows that do not begin with their cache's content and were left plain."""

    rows: int
    size_bytes: int
    mismatched: list[int]


def write_rows(
    source: BinaryIO,
    out: BinaryIO,
    rows: Sequence[int] | Ints,
    offset: Ints,
    cache_of_row: Ints,
    prefix: Callable[[int], tuple[str, Prefix]],
) -> RewriteResult:
    """Write these rows, in this order, one line each.

    `offset` and `cache_of_row` are per row of the source; -1 uses no cache. `prefix` tells the id and the content of
    a cache. A bounded number of them is remembered: rows of many long ones had better stand together.
    """
    size = remembered = 0
    mismatched: list[int] = []
    remembered_caches: dict[int, tuple[bytes, Prefix]] = {}
    for row, cache, line in _lines(source, np.asarray(rows, dtype=np.int64), offset, cache_of_row):
        rewritten = None
        if cache >= 0:
            if cache not in remembered_caches:
                if remembered > REMEMBERED_BYTES:
                    remembered_caches.clear()
                    remembered = 0
                ident, content = prefix(cache)
                remembered_caches[cache] = b"%b%b" % (PLACEHOLDER, ident.encode()), content
                remembered += len(content.json())
            name, content = remembered_caches[cache]
            rewritten = use_cache(line, content, name)
            if rewritten is None:
                mismatched.append(row)
        size += out.write(rewritten or line)
    return RewriteResult(len(rows), size, mismatched)


def _lines(source: BinaryIO, rows: Ints, offset: Ints, cache_of_row: Ints) -> Iterator[tuple[int, int, bytes]]:
    """Each row, its cache, and its line with a newline. Reads ahead only where rows follow each other."""
    raw = getattr(source, "raw", source)
    reader: LineReader | None = partial(source)[1]
    begin = end = 0
    buffer = b""
    ends = np.append(offset[1:], -1)
    for block in np.array_split(rows, len(rows) // ROWS_AT_ONCE + 1):
        places = block.tolist(), offset[block].tolist(), ends[block].tolist(), cache_of_row[block].tolist()
        for row, start, until, cache in zip(*places, strict=True):
            if begin <= start < until <= begin + len(buffer):
                line = buffer[start - begin : until - begin]
            else:
                raw.seek(start)
                size = until - start if until > 0 else -1
                buffer = raw.read(max(size, READ_AHEAD) if start == end and size > 0 else size)
                begin, line = start, buffer[:size] if size > 0 else buffer
            end = until
            line = line if reader is None else reader.whole(line)
            yield row, cache, line if line.endswith(b"}\n") else line.strip() + b"\n"


def use_cache(line: bytes, prefix: Prefix, name: bytes) -> bytes | None:
    """A line rewritten to use a cache of this name; None if its request does not begin with what the cache holds.

    Everything else of the request stays as it was written. The result begins like `PLACEHOLDER_START` if the name is a
    placeholder.
    """
    try:
        parsed = _decode_typed(line)
    except MsgspecError:
        return _use_cache_untyped(line, prefix, name)
    request = parsed.request
    if request.cachedContent is not UNSET or not locate.same_header(request, prefix):
        return None
    turns = _remainder_json(request.contents, prefix)
    if turns is None:
        return None
    settings = b""
    if request.generationConfig is not UNSET:
        settings = b',"generationConfig":%b' % bytes(request.generationConfig)
    if request.safetySettings is not UNSET:
        settings += b',"safetySettings":%b' % bytes(request.safetySettings)
    return b'{"request":{"cachedContent":"%b","contents":[%b]%b},"key":%b}\n' % (
        name,
        turns,
        settings,
        bytes(parsed.key),
    )


def _remainder_json(turns: list[Turn], prefix: Prefix) -> bytes | None:
    """The turns behind a prefix as JSON. Requests of one turn, cut between parts, need no turns made for that."""
    if (
        len(turns) == len(prefix.turns) == 1
        and not prefix.open_text
        and turns[0].role == prefix.turns[0].role == "user"
    ):
        parts_json, prefix_json = b",".join(map(bytes, turns[0].parts)), prefix.last_parts_json
        if parts_json.startswith(prefix_json):
            return b'{"role":"user","parts":[%b]}' % parts_json[len(prefix_json) :]
    turns_behind = locate.remainder(turns, prefix)
    return None if turns_behind is None else b",".join(map(locate.turn_json, turns_behind))


def _use_cache_untyped(line: bytes, prefix: Prefix, name: bytes) -> bytes | None:
    """`use_cache` for lines and requests with more members than usual; they are kept as they are."""
    try:
        members = _decode_members(line)
        request = _decode_members(members.pop("request"))
        turns = locate.turns_of(request)
    except (MsgspecError, KeyError):
        return None
    if "cachedContent" in request or not locate.same_header(locate.header_of(request), prefix):
        return None
    turns_behind = locate.remainder(turns, prefix)
    if turns_behind is None:
        return None
    fields = [b'"cachedContent":"%b"' % name, b'"contents":[%b]' % b",".join(map(locate.turn_json, turns_behind))]
    kept_fields = ((key, value) for key, value in request.items() if key not in (*locate.HEADER_FIELDS, "contents"))
    fields += [b"%b:%b" % (msgspec.json.encode(key), bytes(value)) for key, value in kept_fields]
    other_members = b"".join(b",%b:%b" % (msgspec.json.encode(key), bytes(value)) for key, value in members.items())
    return b'{"request":{%b}%b}\n' % (b",".join(fields), other_members)


def fill_placeholders(source: Iterable[bytes], out: BinaryIO, names: Mapping[str, str]) -> int:
    """Put the names of caches where their placeholders are; return how many lines were changed.

    `names` maps a group's id to `cachedContents/…`. Lines without a placeholder pass untouched.
    """
    changed = 0
    for line in source:
        if line.startswith(PLACEHOLDER_START):
            end = line.index(b'"', len(PLACEHOLDER_START))
            ident = line[len(PLACEHOLDER_START) : end].decode()
            if ident not in names:
                raise InputError(f"Rows wait for the cache of group {ident}, which has no name yet.")
            line = PLACEHOLDER_START[: -len(PLACEHOLDER)] + names[ident].encode() + line[end:]
            changed += 1
        out.write(line)
    return changed


def placeholder_group(line: bytes) -> str | None:
    """The id of the group whose cache a line waits for; None if it waits for none."""
    return (
        line[len(PLACEHOLDER_START) : line.index(b'"', len(PLACEHOLDER_START))].decode()
        if line.startswith(PLACEHOLDER_START)
        else None
    )
