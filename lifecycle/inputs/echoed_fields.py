"""What Google repeats of the requests in its results: keys, ids, metadata, under whatever names their sender chose."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pyarrow as pa
from msgspec import Raw

from batch.requests.canonicalize import json_kind, read_object
from lifecycle.inputs.json_fields import FieldNames
from lifecycle.inputs.tables.records import field_text

KEY = "key"
ANSWER_MEMBERS = ("response", "error", "status")  # of a result line; all others are the sender's
CHUNK_LINES = 8192

_members = msgspec.json.Decoder(dict[str, Raw]).decode


class EchoedFields:
    """The echoed fields of all result lines, blank ones not counted: each name's values as texts, in line order.

    Keys and ids may be numbers; 7 and "7" are the same id. A line that cannot be read has nulls everywhere;
    `readable` counts the others.
    """

    def __init__(self, received: Sequence[Path]) -> None:
        self.names = FieldNames()
        self.lines = self.readable = 0
        self._chunks: list[tuple[int, dict[str, pa.Array]]] = []
        pending: list[dict[str, str]] = []
        for path in received:
            with path.open("rb") as lines:
                for line in lines:
                    if not line.isspace():
                        pending.append(self._read(line))
                    if len(pending) >= CHUNK_LINES:
                        pending = self._close_chunk(pending)
        self._close_chunk(pending)

    def _read(self, line: bytes) -> dict[str, str]:
        self.lines += 1
        fields = echoed_fields(line)
        if fields is None:
            return {}
        self.readable += 1
        return {name: field_text(value) for name, value in fields.items() if self.names.add(name, value)}

    def _close_chunk(self, pending: list[dict[str, str]]) -> list[dict[str, str]]:
        names = dict.fromkeys(name for fields in pending for name in fields)
        chunk = {name: pa.array([fields.get(name) for fields in pending], pa.string()) for name in names}
        self._chunks.append((len(pending), chunk))
        return []

    def column(self, name: str) -> pa.ChunkedArray:
        """One text for each line, null where the line has no such field."""
        chunks = [chunk.get(name, pa.nulls(lines, pa.string())) for lines, chunk in self._chunks]
        return pa.chunked_array(chunks, pa.string())


def echoed_fields(line: bytes) -> dict[str, Raw] | None:
    """What a result line repeats of its request, without nulls; None for a line that cannot be read.

    Members of `metadata` count as the line's own; one whose name is taken there is called "metadata.NAME".
    """
    try:
        members = _members(line)
        metadata = members.pop("metadata", Raw(b"null"))
        inner = read_object(metadata) if json_kind(metadata) == "an object" else {"metadata": metadata}
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    fields = {name: value for name, value in members.items() if name not in ANSWER_MEMBERS}
    for name, value in inner.items():
        if name not in fields:
            fields[name] = value
        elif bytes(value) != bytes(fields[name]):
            fields[f"metadata.{name}"] = value
    return {name: value for name, value in fields.items() if json_kind(value) != "null"}
