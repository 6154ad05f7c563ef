"""What comes near to what Gemini's form of a schema does not take: formats become words, allowed numbers ranges."""

from __future__ import annotations

from math import isfinite
from typing import Any

Schema = dict[str, Any]

# A text that is a date: `responseSchema` takes no format for it, and results know the column's type by this pattern.
DATE_PATTERN = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
DATE_NOTE = "A date as YYYY-MM-DD."
_DEPTH_READ = 40
_STRUCTURE = ("properties", "items", "$defs", "definitions", "anyOf", "oneOf", "allOf")


def to_equivalents(schema: Schema) -> tuple[Schema, list[str]]:
    """A schema with near equivalents in place of what is refused, and what was replaced, in sentences.

    The input is not touched.
    """
    notes: list[str] = []
    return _replace(schema, notes, "", _DEPTH_READ), notes


def _replace(node: Any, notes: list[str], place: str, depth: int) -> Any:
    if depth == 0 or not isinstance(node, dict | list):
        return node
    if isinstance(node, list):
        return [_replace(part, notes, place, depth - 1) for part in node]
    out = {name: _replace(part, notes, place if name in _STRUCTURE else name, depth - 1) for name, part in node.items()}
    kind = str(out.get("type")).lower()
    if isinstance(out.get("format"), str) and kind in ("string", "none") and out["format"] not in ("date-time", "enum"):
        _replace_format(out, notes, place)
    values = out.get("enum")
    if isinstance(values, list) and values and all(type(value) in (int, float) and isfinite(value) for value in values):
        _replace_numbers(out, values, notes, place)
    return out


def _replace_format(node: Schema, notes: list[str], place: str) -> None:
    given = node.pop("format")
    described = str(node.get("description") or "").rstrip(".")
    if given == "date":
        node["pattern"] = DATE_PATTERN
        node["description"] = f"{described}. {DATE_NOTE}" if described else DATE_NOTE
    else:
        node["description"] = f"{described}. Format: {given}." if described else f"Format: {given}."
        notes.append(f'The format "{given[:40]}" of "{place}" went into its description; Gemini does not take it.')


def _replace_numbers(node: Schema, values: list[float], notes: list[str], place: str) -> None:
    if values == list(range(int(values[0]), int(values[0]) + len(values))):
        del node["enum"]
        node |= {"type": "integer", "minimum": int(values[0]), "maximum": int(values[-1])}
        notes.append(f'The numbers allowed for "{place}" became a range.')
    else:
        node |= {"type": "string", "enum": [str(value) for value in values]}
        notes.append(f'The numbers allowed for "{place}" are sent as texts; Gemini takes no others in an enum.')
