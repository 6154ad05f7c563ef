"""What the groups of a plan share, as text for people: of a text that continues another, only what it adds. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from gem_cache import Group, Plan

MAX_CHARACTERS = 4000


def texts(plan: Plan, groups: Sequence[Group]) -> dict[str, str]:
    """The groups' texts by id, each without what its parent has already."""
    if not groups:
        return {}
    group_ids = {group.id for group in groups} | {group.parent for group in groups if group.parent}
    full_texts = {ident: request_text(content) for ident, content in plan.contents(sorted(group_ids))}
    return {
        group.id: _added_text(full_texts[group.id], full_texts.get(group.parent or "", ""))[:MAX_CHARACTERS]
        for group in groups
    }


def request_text(content: bytes) -> str:
    """All text in the JSON of a request or cached content, with the names of tools and the addresses of files."""
    body = json.loads(content)
    ordered = [body.get(field) for field in ("systemInstruction", "tools", "toolConfig", "contents")]
    return "\n".join(piece for value in ordered for piece in _text_pieces(value))


def _added_text(text: str, parent_text: str) -> str:
    rest = text.removeprefix(parent_text).strip()
    return rest or text


def _text_pieces(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "text" and isinstance(inner, str):
                yield inner
            elif key in ("fileUri", "mimeType", "name") and isinstance(inner, str):
                yield f"[{inner}]"
            else:
                yield from _text_pieces(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _text_pieces(inner)
