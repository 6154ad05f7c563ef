"""Structured output: whatever schema people write, what comes back satisfies it, as another library judges."""

import json
import re
from typing import Any

import jsonschema  # ships no types
import pytest

from emulator.answers.regex_sampler import sample_matching
from emulator.answers.schema_sampler import sample
from emulator.core.errors import ServiceError
from tests.emulator_api import ApiClient, Json, row, text_of

NODE = {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}}}
TREE = {"type": "array", "items": {"$ref": "#"}}
CODES: Json = {"type": "object", "required": ["x"], "additionalProperties": False}
CODES["properties"] = {"x": {"type": "array", "items": {"$ref": "#/definitions/c"}, "minItems": 2}}
PETS: list[Json] = [
    {"properties": {"t": {"const": "cat"}, "lives": {"type": "integer", "maximum": 9}}, "required": ["t", "lives"]},
    {"properties": {"t": {"const": "dog"}, "tricks": {"type": "array", "uniqueItems": True, "minItems": 3}}},
]
SCHEMAS: dict[str, Json] = {
    "service dialect": {
        "type": "OBJECT",
        "properties": {"mood": {"type": "STRING", "enum": ["positive", "negative"]}, "n": {"type": "INTEGER"}},
        "required": ["mood", "n"],
        "propertyOrdering": ["n", "mood"],
    },
    "definitions": {"$ref": "#/$defs/a", "$defs": {"a": CODES}, "definitions": {"c": {"enum": ["p", "q"]}}},
    "reference beside words": {"$defs": {"n": {"type": "integer"}}, "$ref": "#/$defs/n", "minimum": 7, "maximum": 8},
    "reference with an escape": {"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "integer"}}},
    "anchor": {"$ref": "#x", "$defs": {"q": {"$anchor": "x", "type": "integer"}}},
    "recursion": {"$ref": "#/$defs/node", "$defs": {"node": NODE}},
    "recursion through the root": {"type": "object", "properties": {"kids": TREE}, "required": ["kids"]},
    "kinds in a list": {"type": ["null", "integer"], "minimum": 10},
    "const": {"const": {"a": [1, None]}},
    "enum of many kinds": {"enum": [0.5, None, True, "x"]},
    "variants with words beside them": {
        "type": "object",
        "properties": {"id": {"type": "integer"}, "a": {"type": "string"}, "b": {"type": "string"}},
        "required": ["id"],
        "anyOf": [{"required": ["a"]}, {"properties": {"y": {"type": "number"}}, "required": ["y"]}],
    },
    "variants told by a constant": {"type": "object", "oneOf": PETS, "required": ["t"]},
    "all of several": {
        "allOf": [
            {"$ref": "#/$defs/b"},
            {"properties": {"x": {"maximum": 4}, "y": {"type": "boolean"}}, "required": ["y"]},
        ],
        "$defs": {
            "b": {"type": "object", "properties": {"x": {"type": "integer", "minimum": 3}}, "required": ["x"]},
        },
    },
    "condition": {
        "type": "object",
        "properties": {"a": {"enum": ["x"]}},
        "required": ["a"],
        "if": {"properties": {"a": {"const": "x"}}},
        "then": {"required": ["b"]},
    },
    "narrow numbers": {
        "type": "object",
        "properties": {
            "a": {"type": "number", "minimum": 0.0001, "maximum": 0.0004},
            "b": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.001},
            "c": {"type": "number", "maximum": -1e9},
            "d": {"type": "integer", "exclusiveMinimum": 1.5, "exclusiveMaximum": 3},
            "e": {"type": "number", "multipleOf": 0.25, "minimum": 0.3, "maximum": 0.6},
            "f": {"type": "integer", "multipleOf": 7, "minimum": 50, "maximum": 60},
            "g": {"type": "number", "multipleOf": 0.1},
            "score": {"type": "number", "exclusiveMinimum": 0.91, "maximum": 0.92},
        },
    },
    "lengths": {
        "type": "object",
        "properties": {
            "a": {"type": "string", "minLength": 40},
            "b": {"type": "string", "maxLength": 3},
            "c": {"type": "string", "minLength": 5, "maxLength": 5},
            "d": {"type": "string", "maxLength": 0},
        },
    },
    "formats": {
        "type": "object",
        "properties": {f: {"type": "string", "format": f} for f in ("date-time", "date", "email", "uuid", "ipv6")},
    },
    "different items": {"type": "array", "items": {"enum": [*"abcd"]}, "uniqueItems": True, "minItems": 4},
    "different numbers": {
        "type": "array",
        "items": {"type": "integer", "minimum": 1, "maximum": 5},
        "uniqueItems": True,
        "minItems": 5,
    },
    "sizes": {
        "type": "object",
        "properties": {
            "many": {"type": "array", "minItems": 7, "items": {"type": "integer"}},
            "none": {"type": "array", "maxItems": 0, "items": {"type": "string"}},
            "grid": {"type": "array", "minItems": 2, "items": {"type": "array", "minItems": 3, "maxItems": 3}},
            "pair": {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False},
            "tail": {"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "boolean"}, "minItems": 4},
        },
    },
    "map": {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 3},
    "map with names": {
        "type": "object",
        "propertyNames": {"pattern": "^[a-z]{3}$"},
        "additionalProperties": {"type": "boolean"},
        "minProperties": 1,
    },
    "few properties": {
        "type": "object",
        "properties": {**{c: {"type": "string"} for c in "abcdef"}, "never": False},
        "required": ["f"],
        "maxProperties": 2,
    },
    "names by pattern": {
        "type": "object",
        "patternProperties": {"^n_": {"type": "integer"}},
        "required": ["n_a"],
        "additionalProperties": False,
    },
}
PATTERNS = [
    *(r"^[A-Z]{3}-\d{4}$", r"^(foo|bar)-[0-9]{1,3}$", r"^[^@\s]+@[^@\s]+\.[a-z]{2,}$", r"^\+?[1-9]\d{1,14}$"),
    *(r"^(?:[A-F0-9]{2}:){5}[A-F0-9]{2}$", r"^https?://\S+$", r"^[a-z]+(-[a-z]+)*$", "abc", r"^$", r"^[^a-z]+$"),
    *(r"^(19|20)\d\d-(0[1-9]|1[0-2])$", r"^[\w.-]+\.(com|org)$", r"^((a|b)(c|d)){2}$", r"^\$\d+(\.\d{2})?$"),
    *(r"^(?=.*\d)[a-z\d]+$", r"^[A-Za-z0-9_\-]{8,}$", r"^(?P<year>\d{4})$", r"^[\x41-\x43]\u0044?$", r"^[]a]+$"),
    *(r"^\D\W\w+?\b$", r"^.{3,10}$", r"^[\d,]*\.?\d+$", r"^[[a]+$"),
]


PAIR = {"type": "array", "minItems": 1000, "items": {"type": "integer"}}
ENDLESS: list[Json] = [
    {"type": "array", "minItems": 2**31, "items": {"type": "integer"}},
    {"type": "array", "minItems": 1000, "items": PAIR},
    {"type": "string", "minLength": 2**40},
    {"type": "object", "minProperties": 2**31},
]


def lower(schema: Any) -> Any:
    """A schema as the judge reads it: the service's dialect has its types in capitals."""
    if isinstance(schema, list):
        return [lower(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {k: v.lower() if k == "type" and isinstance(v, str) else lower(v) for k, v in schema.items()}


@pytest.mark.parametrize("name", SCHEMAS)
def test_structured_output_satisfies_its_schema(name: str) -> None:
    schema = SCHEMAS[name]
    full_schema = (
        {**schema, "required": list(schema["properties"])} if name in ("narrow numbers", "lengths") else schema
    )
    judge = jsonschema.Draft202012Validator(lower(full_schema), format_checker=jsonschema.FormatChecker())
    for seed in range(0, 400_000, 7919):
        value = sample(full_schema, seed, "I love this lamp: $30, order 55555 of 2026-01-02.")
        judge.validate(value)
        assert value == sample(full_schema, seed, "I love this lamp: $30, order 55555 of 2026-01-02.")


def test_properties_come_in_the_order_asked_for() -> None:
    assert list(sample(SCHEMAS["service dialect"], 1, "x")) == ["n", "mood"]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_text_matches_its_pattern(pattern: str) -> None:
    for seed in range(20):
        numbers = iter(range(seed, 10**6, 7))
        assert re.search(pattern, sample_matching(pattern, lambda below: next(numbers) * 2654435761 % 2**32 % below))  # noqa: B023


def test_a_pattern_may_come_with_lengths() -> None:
    schema = {"type": "string", "pattern": "^[a-z]+(-[a-z]+)*$", "minLength": 30, "maxLength": 40}
    for seed in range(0, 100_000, 7919):
        text = sample(schema, seed, "x")
        assert re.fullmatch("[a-z]+(-[a-z]+)*", text)
        assert 30 <= len(text) <= 40


@pytest.mark.parametrize("schema", [{"allOf": [{"$ref": "#"}]}, {"type": "integer", "minimum": "x"}, *ENDLESS])
def test_a_schema_that_no_answer_satisfies_is_refused(schema: Json) -> None:
    with pytest.raises(ServiceError, match="invalid argument"):
        sample(schema, 1, "x")


@pytest.mark.parametrize("pattern", ["a{99999999}", "((a{9999}){9999}){9999}", "((^{9999}){9999}){9999}", "^(a|b"])
def test_a_pattern_without_end_ends(pattern: str) -> None:
    assert len(sample({"type": "string", "pattern": pattern}, 1, "x")) <= 40_000


def test_a_nullable_answer_is_filled_where_it_can_be() -> None:
    value = sample({"type": "OBJECT", "properties": {"a": {"type": "STRING", "nullable": True}}}, 1, "x")
    assert isinstance(value["a"], str)


@pytest.mark.parametrize("name", ["responseJsonSchema", "response_json_schema", "responseSchema", "response_schema"])
def test_a_row_of_a_batch_satisfies_its_schema(api: ApiClient, name: str) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 5, "maximum": 6}}, "required": ["n"]}
    config = {"responseMimeType": "application/json", name: schema}
    for result in api.run([row(str(i), f"Rate it {i}", generationConfig=config) for i in range(5)]):
        assert json.loads(text_of(result["response"]))["n"] in (5, 6)


@pytest.mark.parametrize("pattern", ["^(?:a|b){5000}$", "^([a-c]{50}){100}$", "^(?:x{900}){900}$"])
def test_long_exact_counts_are_written_at_once(pattern: str) -> None:
    """200 texts: a try of four thousand characters that cannot fit was repeated thirty times for each."""
    texts = [sample_matching(pattern, lambda below: seed % below) for seed in range(200)]  # noqa: B023
    assert all(re.search(pattern, text) for text in texts) or "900" in pattern, "too long to be written at all"
