"""Tools in one order: requests that list the same tools in different orders mean the same. Pure."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import MsgspecError, Raw
from xxhash import xxh3_64_intdigest as digest

MOST_REMEMBERED = 1 << 12
_decode = msgspec.json.Decoder(list[dict[str, Any]]).decode


class ToolOrder:
    """Lists of tools as they are in order, remembered as they were written."""

    def __init__(self) -> None:
        self._known: dict[int, bytes] = {}

    def ordered(self, tools: Raw | bytes) -> bytes:
        """A list of tools, and functions in each, by name; as it is if it cannot be read."""
        name = digest(tools)
        if name not in self._known:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[name] = _in_order(bytes(tools))
        return self._known[name]


def order_name(ordered: bytes) -> int:
    """The name of a list in order, among those that are counted."""
    return digest(ordered, 4)


def _in_order(tools: bytes) -> bytes:
    try:
        given = _decode(tools)
    except MsgspecError:
        return tools
    changed = [dict(tool) for tool in given]
    for tool in changed:
        functions = tool.get("functionDeclarations")
        if isinstance(functions, list) and all(isinstance(function, dict) for function in functions):
            tool["functionDeclarations"] = sorted(functions, key=_name)
    changed.sort(key=msgspec.json.encode)
    # Spelling stays where the order does: what is equal already must not be told as changed.
    return tools if changed == given else msgspec.json.encode(changed)


def _name(function: dict[str, Any]) -> tuple[str, bytes]:
    return str(function.get("name", "")), msgspec.json.encode(function)
