"""A received line as it is shown: with names in the place of pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson


def without_pictures(line: bytes, pictures: Sequence[Mapping[str, Any]]) -> bytes:
    """A received line with the name of its file in the place of each picture's base64, interim ones named as such.

    What cannot be parsed stays as it is.
    """
    try:
        value = orjson.loads(line)
        candidates = value["response"]["candidates"]
    except (ValueError, KeyError, TypeError):
        return line
    names = iter(picture["file"] for picture in pictures)
    for candidate in candidates:
        for part in (candidate.get("content") or {}).get("parts") or ():
            blob = part.get("inlineData")
            if isinstance(blob, dict) and "data" in blob:
                blob["data"] = "(an interim picture)" if part.get("thought") else f"({next(names, 'unreadable')})"
    return orjson.dumps(value)
