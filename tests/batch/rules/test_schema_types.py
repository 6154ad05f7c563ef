"""One node of a schema held to the type beside it."""

from __future__ import annotations

from typing import Any

import pytest

from batch.rules.schema_types import MANY_ITEMS, MANY_VALUES, is_large, schema_faults


@pytest.mark.parametrize(
    ("node", "rules"),
    [
        ({"type": "STRING", "enum": ["a"]}, []),
        ({"type": "OBJECT", "properties": {"a": {}}, "required": ["a"]}, []),
        ({"type": "STRING", "format": "date-time"}, []),
        ({"anyOf": [{"type": "STRING"}]}, []),
        ({"type": "STRING", "properties": {}}, ["schema_keyword_type"]),
        ({"type": "OBJECT", "properties": {"a": {}}, "items": {}}, ["schema_keyword_type"]),
        ({"type": "INTEGER", "enum": ["1"]}, ["schema_enum_type"]),
        ({"type": "STRING", "format": "uri"}, ["schema_format"]),
        ({"type": "OBJECT", "properties": {}}, ["schema_empty_object"]),
        ({"type": "OBJECT", "additionalProperties": {"type": "STRING"}}, ["schema_free_dictionary"]),
    ],
)
def test_what_is_refused_is_found_by_its_rule(node: dict[str, Any], rules: list[str]) -> None:
    faults = list(schema_faults(node, "generationConfig.responseSchema.x"))
    assert [fault.rule for fault in faults] == rules
    assert all("responseSchema.x" in fault.fault and fault.remedy for fault in faults)


@pytest.mark.parametrize(
    ("node", "large"),
    [
        ({"enum": ["x"] * MANY_VALUES}, False),
        ({"enum": ["x"] * (MANY_VALUES + 1)}, True),
        ({"maxItems": str(MANY_ITEMS)}, False),
        ({"minItems": MANY_ITEMS + 1}, True),
        ({"maxItems": "many"}, False),
    ],
)
def test_large_nodes_are_noticed(node: dict[str, Any], large: bool) -> None:
    assert is_large(node) is large
