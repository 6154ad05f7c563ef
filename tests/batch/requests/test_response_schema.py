"""A schema is brought into Gemini's subset without changing what it allows, or refused with words."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch.requests import response_schema

TEXT, LOWER = {"type": "STRING"}, {"type": "string"}
PLACE = {"$ref": "#/$defs/Place"}

CONVERSIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "lower case": ({"type": "string"}, TEXT),
    "snake_case": ({"type": "STRING", "max_length": 5}, {"type": "STRING", "maxLength": 5}),
    "annotations": ({"$schema": "x", "$id": "y", "$comment": "z", "examples": [1], "type": "string"}, TEXT),
    "optional, as Pydantic writes it": (
        {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None, "title": "Name"},
        {"type": "STRING", "nullable": True, "default": None, "title": "Name"},
    ),
    "optional, as a list of types": ({"type": ["integer", "null"]}, {"type": "INTEGER", "nullable": True}),
    "several types": ({"type": ["integer", "string"]}, {"anyOf": [{"type": "INTEGER"}, TEXT]}),
    "optional union": (
        {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
        {"anyOf": [TEXT, {"type": "INTEGER"}], "nullable": True},
    ),
    "a constant text": ({"const": "a"}, {"enum": ["a"], "type": "STRING"}),
    "a constant number": ({"type": "integer", "const": 3}, {"type": "INTEGER", "minimum": 3, "maximum": 3}),
    "an enum without a type": ({"enum": ["a", "b"]}, {"enum": ["a", "b"], "type": "STRING"}),
    "an enum with null": ({"type": "string", "enum": ["a", None]}, {"type": "STRING", "enum": ["a"], "nullable": True}),
    "oneOf": ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, {"anyOf": [TEXT, {"type": "INTEGER"}]}),
    "exclusive bounds of whole numbers": (
        {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 10},
        {"type": "INTEGER", "minimum": 1, "maximum": 9},
    ),
    "closed objects": (
        {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False},
        {"type": "OBJECT", "properties": {"a": TEXT}},
    ),
    "references": (
        {
            "type": "object",
            "properties": {"home": PLACE, "away": {"anyOf": [PLACE, {"type": "null"}]}},
            "$defs": {"Place": {"type": "object", "properties": {"town": {"$ref": "#/$defs/Town"}}}, "Town": LOWER},
        },
        {
            "type": "OBJECT",
            "properties": {
                "home": {"type": "OBJECT", "properties": {"town": TEXT}},
                "away": {"type": "OBJECT", "properties": {"town": TEXT}, "nullable": True},
            },
        },
    ),
    "a described reference": (
        {"$ref": "#/definitions/A", "description": "Mine", "definitions": {"A": {**LOWER, "description": "Its"}}},
        {"type": "STRING", "description": "Mine"},
    ),
    "allOf of one reference, as Pydantic 1 writes it": (
        {"properties": {"a": {"title": "A", "allOf": [{"$ref": "#/definitions/A"}]}}, "definitions": {"A": LOWER}},
        {"properties": {"a": {"title": "A", "type": "STRING"}}, "type": "OBJECT"},
    ),
    "names that look like keywords": (
        {"type": "object", "properties": {"type": LOWER, "max_length": LOWER, "$ref": LOWER}},
        {"type": "OBJECT", "properties": {"type": TEXT, "max_length": TEXT, "$ref": TEXT}},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("given_", "wanted"), CONVERSIONS.values(), ids=CONVERSIONS)
def test_what_can_be_said_in_the_subset_is_rewritten(given_: dict[str, Any], wanted: dict[str, Any]) -> None:
    before = json.dumps(given_)
    converted = response_schema.convert(given_)
    assert converted.faults == []
    assert converted.schema == wanted
    assert not converted.unchanged
    assert json.dumps(given_) == before


def test_a_schema_in_geminis_own_form_is_left_as_it_is() -> None:
    own = {
        "type": "OBJECT",
        "properties": {
            "b": {
                "type": "ARRAY",
                "items": {"type": "NUMBER", "minimum": 0, "maximum": 1.5},
                "minItems": "1",
                "maxItems": 3,
            },
            "a": {"type": "STRING", "nullable": True, "format": "date-time", "enum": ["x"]},
        },
        "required": ["a"],
        "propertyOrdering": ["b", "a"],
    }
    converted = response_schema.convert(own)
    assert (converted.schema, converted.unchanged, converted.faults) == (own, True, [])
    assert list(converted.schema["properties"]) == ["b", "a"]


REFUSALS: dict[str, tuple[object, str, str]] = {
    "a list": ([], "not a JSON object", "OBJECT"),
    "a circle": (
        {"$ref": "#/$defs/A", "$defs": {"A": {"properties": {"a": {"$ref": "#/$defs/A"}}}}},
        "leads back to itself",
        "limit the depth",
    ),
    "nowhere": ({"properties": {"a": {"$ref": "#/$defs/B"}}}, "leads nowhere", "#/$defs/Name"),
    "another file": ({"$ref": "https://example.org/a.json"}, "leads nowhere", ""),
    "not": ({"type": "string", "not": {"enum": ["a"]}}, '"not"', "describe"),
    "allOf": ({"allOf": [{"type": "object"}, {"type": "object"}]}, '"allOf"', "combined schema"),
    "patternProperties": ({"type": "object", "patternProperties": {}}, '"patternProperties"', "list of objects"),
    "tuples": ({"type": "array", "items": TEXT, "prefixItems": []}, '"prefixItems"', "object"),
    "exclusive bound of a number": ({"type": "number", "exclusiveMinimum": 0}, '"exclusiveMinimum"', '"minimum"'),
    "enum of numbers": ({"type": "integer", "enum": [1, 2]}, "not texts", '"1"'),
    "empty enum": ({"type": "string", "enum": []}, "empty", "List"),
    "constant of another type": ({"const": True}, '"const"', "enum"),
    "unknown type": ({"type": "strng"}, '"strng" is not a type', '"STRING"'),
    "unknown keyword": ({"type": "string", "maxLenght": 5}, '"maxLenght"', '"maxLength"'),
    "wrong value": ({"type": "string", "maxLength": "long"}, "must be a whole number", ""),
    "a list of nothing": ({"type": "array"}, "does not say what it holds", "items"),
    "a missing property": ({"type": "object", "properties": {"a": TEXT}, "required": ["b"]}, '"b"', "property"),
    "a property that is no schema": (
        {"type": "object", "properties": {"a": "string"}},
        'no schema but "string"',
        "STRING",
    ),
    "OpenAI's wrapper": ({"name": "x", "schema": {"type": "object"}, "strict": True}, "wrapped", "inner schema"),
    "two spellings": ({"type": "string", "maxLength": 1, "max_length": 2}, "two spellings", "Keep one"),
}


@pytest.mark.parametrize(("given_", "fault", "remedy"), REFUSALS.values(), ids=REFUSALS)
def test_what_cannot_be_said_is_refused_with_words(given_: object, fault: str, remedy: str) -> None:
    found = response_schema.convert(given_).faults
    assert any(fault in f.fault and remedy in f.remedy for f in found), found


def test_the_place_of_a_fault_is_named() -> None:
    (fault,) = response_schema.convert({"properties": {"a": {"items": {"type": "strng"}, "type": "ARRAY"}}}).faults
    assert "the schema › a › items" in fault.fault


def test_text_that_is_no_json_is_refused_with_its_place() -> None:
    (fault,) = response_schema.convert_json('{"type":\n "string",}').faults
    assert "line 2" in fault.fault
    assert response_schema.convert_json('{"minimum": NaN}').faults


def test_depth_is_told_and_absurd_depth_refused() -> None:
    nested: dict[str, Any] = {"type": "STRING"}
    for _ in range(5):
        nested = {"type": "ARRAY", "items": nested}
    assert response_schema.convert(nested).depth == 6
    for _ in range(50):
        nested = {"type": "ARRAY", "items": nested}
    assert response_schema.convert(nested).faults
    assert response_schema.convert_json('{"items":' * 100_000 + "{}" + "}" * 100_000).faults


def test_definitions_that_multiply_are_refused_and_not_written_out() -> None:
    definitions: dict[str, Any] = {"L0": {"type": "string"}}
    for n in range(1, 25):
        below = {"$ref": f"#/$defs/L{n - 1}"}
        definitions[f"L{n}"] = {"type": "object", "properties": {"a": below, "b": below}}
    converted = response_schema.convert({"$ref": "#/$defs/L24", "$defs": definitions})
    assert any("too large" in fault.fault for fault in converted.faults)


# -- the promise -------------------------------------------------------------------------------------------------------

LEAVES = st.sampled_from(
    [
        {"type": "string"},
        {"type": "integer", "minimum": 0, "exclusiveMaximum": 3},
        {"type": ["number", "null"]},
        {"type": "boolean"},
        {"enum": ["a", "b"], "type": "string"},
        {"const": "a"},
        {"anyOf": [{"type": "string", "maxLength": 2}, {"type": "null"}]},
        {"$ref": "#/$defs/Pair"},
    ]
)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}, optional={"maxItems": st.integers(0, 2)})
        | st.dictionaries(st.sampled_from(["a", "b", "type"]), inner, min_size=1, max_size=3).map(
            lambda properties: {"type": "object", "properties": properties, "required": sorted(properties)[:1]}
        )
        | st.lists(inner, min_size=2, max_size=3).map(lambda options: {"anyOf": options})
    ),
    max_leaves=6,
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 4) | st.sampled_from(["a", "b", "long", 1.5]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "type"]), inner, max_size=3),
    max_leaves=6,
)
DEFS = {"$defs": {"Pair": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}}}


def as_json_schema(schema: Any) -> Any:
    """Gemini's form in the words of JSON Schema, to judge values by."""
    if isinstance(schema, list):
        return [as_json_schema(one) for one in schema]
    out = {name: value for name, value in schema.items() if name != "nullable"}
    if "type" in out:
        out["type"] = out["type"].lower()
    if "properties" in out:
        out["properties"] = {name: as_json_schema(inner) for name, inner in out["properties"].items()}
    for name in ("items", "anyOf"):
        if name in out:
            out[name] = as_json_schema(out[name])
    return {"anyOf": [out, {"type": "null"}]} if schema.get("nullable") else out


@settings(max_examples=300, deadline=None)
@given(tree=TREES, values=st.lists(VALUES, min_size=5, max_size=5))
def test_the_result_allows_exactly_what_the_input_allows(tree: dict[str, Any], values: list[Any]) -> None:
    converted = response_schema.convert({**tree, **DEFS})
    assert converted.faults == []
    before, after = (
        jsonschema.Draft202012Validator({**tree, **DEFS}),
        jsonschema.Draft202012Validator(as_json_schema(converted.schema)),
    )
    for value in values:
        assert before.is_valid(value) == after.is_valid(value), (value, converted.schema)


KEYWORDS = ("type", "items", "properties", "anyOf", "$ref", "$defs", "enum", "const", "allOf", "required", "oneOf")


@settings(max_examples=200, deadline=None)
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(KEYWORDS), inner, max_size=4)
        ),
        max_leaves=15,
    )
)  # fmt: skip
def test_no_schema_whatever_breaks_the_conversion(value: object) -> None:
    converted = response_schema.convert(value)
    assert converted.faults or isinstance(converted.schema, dict)
