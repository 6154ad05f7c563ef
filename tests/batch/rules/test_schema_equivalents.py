"""What Gemini does not take in a schema is replaced by what comes near, and said."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from batch.rules.schema_equivalents import DATE_NOTE, DATE_PATTERN, to_equivalents


def one(node: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    schema = {"type": "object", "properties": {"field": node}}
    before = copy.deepcopy(schema)
    replaced, notes = to_equivalents(schema)
    assert schema == before
    return replaced["properties"]["field"], notes


@pytest.mark.parametrize(
    ("node", "replaced", "noted"),
    [
        ({"type": "string", "format": "date-time"}, {"type": "string", "format": "date-time"}, False),
        (
            {"type": "string", "format": "date", "description": "When."},
            {"type": "string", "pattern": DATE_PATTERN, "description": f"When. {DATE_NOTE}"},
            False,
        ),
        ({"type": "string", "format": "uri"}, {"type": "string", "description": "Format: uri."}, True),
        ({"enum": [1, 2, 3]}, {"type": "integer", "minimum": 1, "maximum": 3}, True),
        ({"type": "number", "enum": [1, 10]}, {"type": "string", "enum": ["1", "10"]}, True),
        ({"enum": [True, False]}, {"enum": [True, False]}, False),
        ({"type": "string", "enum": ["a", "b"]}, {"type": "string", "enum": ["a", "b"]}, False),
    ],
)
def test_near_equivalents(node: dict[str, Any], replaced: dict[str, Any], noted: bool) -> None:
    result, notes = one(node)
    assert result == replaced
    assert [('"field"' in note) for note in notes] == [True] * noted


def test_lists_and_alternatives_are_reached_and_depth_ends() -> None:
    schema: dict[str, Any] = {"anyOf": [{"type": "array", "items": {"enum": [1, 2]}}]}
    assert to_equivalents(schema)[0]["anyOf"][0]["items"] == {"type": "integer", "minimum": 1, "maximum": 2}
    deep: dict[str, Any] = {"type": "string", "format": "uri"}
    for _ in range(100):
        deep = {"type": "object", "properties": {"a": deep}}
    assert to_equivalents(deep) == (deep, [])
