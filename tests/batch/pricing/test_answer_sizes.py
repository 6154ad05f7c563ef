"""A label is shorter than fields, fields than free text, and thinking costs by its level."""

from __future__ import annotations

from typing import Any

import pytest

from batch.pricing.answer_sizes import AnswerSize, answer_size, assumed_thoughts

LABEL = {"type": "STRING", "enum": ["good", "bad"]}
FIELDS = {"type": "OBJECT", "properties": {f"f{n}": {"type": "STRING"} for n in range(6)}}
LIST = {"type": "ARRAY", "items": FIELDS}


def test_the_kinds_of_answer_are_told_apart() -> None:
    sizes = [answer_size(schema) for schema in (LABEL, FIELDS, LIST, None)]
    assert [size.words for size in sizes] == ["a short label", "fields", "fields", "free text"]
    assert sizes[0].expected < sizes[1].expected < sizes[3].expected
    assert sizes[1].expected < sizes[2].expected and all(size.low <= size.expected <= size.high for size in sizes)


@pytest.mark.parametrize(
    "schema",
    [{"type": ["string", "null"]}, {"anyOf": [{"type": "integer"}, LABEL]}, {"properties": 5}, {"items": []}, {"a": 1}],
)
def test_any_schema_has_a_size(schema: dict[str, Any]) -> None:
    size = answer_size(schema)
    assert isinstance(size, AnswerSize) and 0 < size.low <= size.expected <= size.high


def test_a_schema_within_itself_ends() -> None:
    endless: dict[str, Any] = {"type": "object", "properties": {}}
    endless["properties"]["child"] = endless
    assert answer_size(endless).expected > 0


def test_thoughts_are_by_level_or_budget() -> None:
    assert assumed_thoughts("off") == assumed_thoughts("0") == 0
    assert assumed_thoughts("low") < assumed_thoughts("") < assumed_thoughts("high")
    assert assumed_thoughts("200") == 200 and assumed_thoughts("90000") == assumed_thoughts("medium")
