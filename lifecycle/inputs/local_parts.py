"""Parts of JSON lines that name files on this computer (`"fileUri": "file:scans/1.png"`), exchanged for blobs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import orjson

from batch.errors import Fault
from lifecycle.inputs.attachments import Attach, Attached, NamedFile

MARK = b'"file:'
_DATA, _URI = ("fileData", "file_data"), ("fileUri", "file_uri")


def attach_local_files(raw: bytes, attach: Attach) -> bytes | Fault:
    """A line with its local files exchanged for the parts that stand for them; as it was where it names none."""
    try:
        line = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return raw  # what is wrong with it is told where lines are checked
    places = list(_part_lists(line))
    uris = [uri for parts in places for part in parts if (uri := _local_uri(part))]
    if not uris:
        return raw
    attached = dict(zip(uris, attach([NamedFile(uri) for uri in uris]), strict=True))
    fault = next((result.fault for result in attached.values() if result.fault), None)
    if fault is not None:
        return fault
    for parts in places:
        parts[:] = [new for part in parts for new in _exchanged(part, attached)]
    return orjson.dumps(line)


def _exchanged(part: Any, attached: dict[str, Attached]) -> list[Any]:
    """What stands in the place of a part: its own settings stay with each file."""
    uri = _local_uri(part)
    if not uri:
        return [part]
    others = {name: value for name, value in part.items() if name not in _DATA}
    return [{**msgspec.json.decode(new), **others} for new in attached[uri].parts]


def _part_lists(value: Any) -> Iterator[list[Any]]:
    """Every list of parts of a line, wherever it stands; without recursion, since lines are strangers'."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            parts = one.get("parts")
            if isinstance(parts, dict):
                one["parts"] = parts = [parts]
            if isinstance(parts, list):
                yield parts
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _local_uri(part: Any) -> str:
    data = (
        next((part[name] for name in _DATA if isinstance(part.get(name), dict)), None)
        if isinstance(part, dict)
        else None
    )
    uri = next((data[name] for name in _URI if isinstance(data.get(name), str)), "") if data else ""
    return uri if uri.startswith("file:") else ""
