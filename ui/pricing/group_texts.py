"""What the groups of a plan share, as text for people: of a text that continues another, only what it adds. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from gem_cache import Group, Plan

LONGEST = 4000


def texts(plan: Plan, groups: Sequence[Group]) -> dict[str, str]:
    """The groups' texts by id, each without what its parent has already."""
    if not groups:
        return {}
    wanted = {group.id for group in groups} | {group.parent for group in groups if group.parent}
    whole = {ident: text_of(content) for ident, content in plan.contents(sorted(wanted))}
    return {group.id: _added(whole[group.id], whole.get(group.parent or "", ""))[:LONGEST] for group in groups}


def text_of(content: bytes) -> str:
    """All text in the JSON of a request or cached content, with the names of tools and the addresses of files."""
    body = json.loads(content)
    ordered = [body.get(field) for field in ("systemInstruction", "tools", "toolConfig", "contents")]
    return "\n".join(piece for value in ordered for piece in _pieces(value))


def _added(text: str, before: str) -> str:
    rest = text.removeprefix(before).strip()
    return rest or text


def _pieces(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "text" and isinstance(inner, str):
                yield inner
            elif key in ("fileUri", "mimeType", "name") and isinstance(inner, str):
                yield f"[{inner}]"
            else:
                yield from _pieces(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _pieces(inner)
