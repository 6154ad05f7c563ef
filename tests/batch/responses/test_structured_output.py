"""Structured answers are read as what was asked for, and a reading that needed repair is told apart."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch.responses.schema_checks import compile_schema
from batch.responses.structured_output import AnswerSchema, coerce, repair_json

BOOK = {
    "type": "OBJECT",
    "properties": {
        "title": {"type": "STRING", "minLength": "1"},
        "year": {"type": "INTEGER", "nullable": True, "minimum": 1450},
        "price": {"type": "NUMBER"},
        "genre": {"type": "STRING", "format": "enum", "enum": ["novel", "essay"]},
        "tags": {"type": "ARRAY", "items": {"type": "STRING"}, "maxItems": "2"},
    },
    "required": ["title"],
    "propertyOrdering": ["title", "year"],
}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"title": "Emma", "year": 1815, "price": 3, "genre": "novel", "tags": ["a"]}', ""),
        (' {"title": "Emma"}\n', ""),
        ('{"title": "Emma", "year": null}', ""),
        ('{"title": "Emma", "year": 1815.0}', ""),
        ('{"title": "Emma", "more": 1}', ""),
        ("{}", "$.title is missing"),
        ("[]", "$ is not of type object"),
        ('{"title": ""}', "$.title breaks minLength 1"),
        ('{"title": null}', "$.title is not of type string"),
        ('{"title": "Emma", "year": "1815"}', "$.year is not of type integer or null"),
        ('{"title": "Emma", "year": 1400}', "$.year breaks minimum 1450"),
        ('{"title": "Emma", "year": true}', "$.year is not of type integer or null"),
        ('{"title": "Emma", "genre": "poem"}', "$.genre is not one of the allowed values"),
        ('{"title": "Emma", "tags": ["a", 1]}', "$.tags[1] is not of type string"),
        ('{"title": "Emma", "tags": ["a", "b", "c"]}', "$.tags breaks maxItems 2"),
    ],
)
def test_an_answer_is_held_to_its_schema(text: str, problem: str) -> None:
    answer = AnswerSchema(BOOK).read(text)
    assert (answer.form, answer.problem) == ("failed" if problem else "strict", problem)


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"title": "Emma"}\n```',
        'Here you are:\n```\n{"title": "Emma"}\n```\nEnjoy!',
        'Sure! {"title": "Emma"} is what you want.',
        '{"title": "Emma",}',
        '{"title": "Em\nma"}',
        '{"title": "Emma", "tags": ["a",],}',
    ],
)
def test_what_needs_repair_is_read_leniently_and_stays_invalid(text: str) -> None:
    answer = AnswerSchema(BOOK).read(text)
    assert answer.form == "lenient"
    assert answer.problem.startswith("not JSON")
    assert json.loads(answer.json)["title"].startswith("Em")


@pytest.mark.parametrize("text", ["", "no", "{", '{"title": ', "```json\n{}\n```", "NaN", "[" * 3000])
def test_what_cannot_be_repaired_has_failed(text: str) -> None:
    assert AnswerSchema(BOOK).read(text).form == "failed"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a":"' + '\\"' * 200_000, None),
        ("```\n" + "\n" * 400_000, None),
        ('{"a": "' + '\\"' * 200_000 + '",}', {"a": '"' * 200_000}),
        ("```" + "a" * 400_000, None),
    ],
    ids=["quotes", "line-breaks", "quotes-and-comma", "word"],
)
def test_repair_looks_at_each_character_once(text: str, found: Any) -> None:
    """Work that grows with the square of these texts would take ten minutes, far beyond a test's limit."""
    assert repair_json(text) == found


def test_commas_inside_texts_are_kept_by_repair() -> None:
    assert repair_json('{"a": "x,}", "b": [1,2,],}') == {"a": "x,}", "b": [1, 2]}


def test_numbers_of_any_size_are_compared() -> None:
    form = AnswerSchema({"enum": [10**30, 1, 0.5]})
    assert [form.read(text).form for text in ("1e30", "1.0", "0.50", "2", "1e999")] == [
        *["strict"] * 3,
        "failed",
        "failed",
    ]


def test_json_without_a_schema_is_any_json() -> None:
    assert AnswerSchema().read("[1]").form == "strict"
    assert AnswerSchema().read("one").form == "failed"


def test_a_bare_word_of_an_enum_is_an_answer() -> None:
    form = AnswerSchema({"type": "STRING", "enum": ["yes", "no"]}, enum=True)
    assert (form.read("yes").form, form.read("yes\n").form, form.read("maybe").form) == ("strict", "strict", "failed")
    assert form.columns() == {}


def test_top_level_properties_become_typed_columns() -> None:
    expected = {"title": "VARCHAR", "year": "BIGINT", "price": "DOUBLE", "genre": "VARCHAR", "tags": "JSON"}
    assert AnswerSchema(BOOK).columns() == expected


@pytest.mark.parametrize(
    ("value", "kind", "column"),
    [
        (3, "BIGINT", 3),
        (3.0, "BIGINT", 3),
        (3.5, "BIGINT", None),
        (True, "BIGINT", None),
        (2**70, "BIGINT", None),
        (3, "DOUBLE", 3.0),
        ("3", "DOUBLE", None),
        (True, "BOOLEAN", True),
        (1, "BOOLEAN", None),
        ("x", "VARCHAR", "x"),
        (1, "VARCHAR", None),
        ([1], "JSON", "[1]"),
        (None, "JSON", None),
    ],
)
def test_a_value_of_another_type_is_absent(value: Any, kind: str, column: Any) -> None:
    assert coerce(value, kind) == column
    assert type(coerce(value, kind)) is type(column)


def test_a_schema_may_refer_to_itself() -> None:
    tree = {
        "$ref": "#/$defs/node",
        "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}},
    }
    form = AnswerSchema(tree)
    assert form.read('{"next": {"next": {}}}').form == "strict"
    assert form.read('{"next": {"next": 1}}').problem == "$.next.next is not of type object"
    assert form.read('{"next": ' * 900 + "{}" + "}" * 900).form == "strict"
    problem = form.read('{"next": ' * 900 + "1" + "}" * 900).problem
    assert problem.endswith(".next is not of type object") and len(problem) < 300
    assert "nested too deeply" in AnswerSchema({"required": ["x"]}).read('{"next": ' * 900 + "1" + "}" * 900).problem


@pytest.mark.parametrize(
    "schema", [{"$ref": "#"}, {"$ref": "#/nowhere"}, {"pattern": "("}, {"type": "SPIRIT"}, {"type": 5}]
)
def test_a_strange_schema_breaks_nothing(schema: dict[str, Any]) -> None:
    assert AnswerSchema(schema).read("{}").form in ("strict", "failed")


@pytest.mark.parametrize(
    ("schema", "text", "problem"),
    [
        ({"type": "STRING", "enum": ["a"], "nullable": True}, "null", ""),
        ({"const": 1, "nullable": True}, "null", ""),
        ({"anyOf": [{"type": "STRING"}], "nullable": True}, "null", ""),
        ({"oneOf": [{"type": "STRING"}, {"minLength": 1}]}, '"a"', ""),
        ({"oneOf": [{"type": "STRING"}]}, "1", "$ fits none of the alternatives"),
        ({"additionalProperties": False}, '{"a": 1}', "$ has a property that is not allowed"),
        ({"properties": {"b": {}}, "additionalProperties": False}, '{"a": 1}', "$.a is not allowed"),
        ({"prefixItems": [{}], "items": False}, "[1, 2]", "$[1] is not allowed"),
        ({"multipleOf": 2, "uniqueItems": True, "format": "date", "dependentRequired": {"a": ["b"]}}, "3", ""),
        ({"$ref": "#/$defs/x", "type": "string", "$defs": {"x": {"minimum": 5}}}, "7", ""),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"minimum": 5}}}, "3", "$ breaks minimum 5"),
        ({"$ref": "http://127.0.0.1:9/schema"}, "3", ""),
        ({"pattern": r"^\p{L}+$"}, '"größe"', ""),
        ({"pattern": r"^\p{L}+$"}, '"3"', "$ does not match the pattern"),
        ({"properties": {"a": {"minItems": "2"}}}, '{"a": [1]}', "$.a breaks minItems 2"),
        ({"minLength": 1.5, "required": "a", "items": [1], "enum": {}, "minimum": True}, '"ab"', ""),
    ],
)
def test_keywords_are_read_as_gemini_reads_them(schema: dict[str, Any], text: str, problem: str) -> None:
    assert AnswerSchema(schema).read(text).problem == problem


def test_a_pattern_that_some_engines_never_finish_is_judged_at_once() -> None:
    answer = AnswerSchema({"pattern": "^(a+)+$"}).read(f'"{"a" * 5_000}b"')
    assert answer.problem == "$ does not match the pattern"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0, "", "a", "ab", "abc"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
TYPES = st.sampled_from(["string", "integer", "number", "boolean", "array", "object", "null"])
BOUNDS = {
    "minimum": st.integers(-3, 3),
    "exclusiveMaximum": st.integers(-3, 3),
    "minLength": st.integers(0, 3),
    "maxLength": st.integers(0, 3),
    "minItems": st.integers(0, 3),
    "maxItems": st.integers(0, 3),
    "minProperties": st.integers(0, 2),
    "maxProperties": st.integers(0, 2),
    "pattern": st.sampled_from(["a", "^b", "c$"]),
    "enum": st.lists(VALUES, min_size=1, max_size=3),
    "const": VALUES,
    "type": TYPES | st.lists(TYPES, min_size=1, max_size=2, unique=True),
}
SCHEMAS = st.recursive(
    st.fixed_dictionaries({}, optional=BOUNDS) | st.booleans(),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES,
            "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
            "required": st.lists(st.sampled_from("abc"), max_size=2, unique=True),
            "additionalProperties": inner,
            "items": inner,
            "prefixItems": st.lists(inner, min_size=1, max_size=2),
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "allOf": st.lists(inner, min_size=1, max_size=2),
        },
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(SCHEMAS, VALUES)
def test_a_schema_means_what_json_schema_says(schema: Any, value: Any) -> None:
    valid = jsonschema.Draft202012Validator(schema).is_valid(value)
    assert (compile_schema(schema)(value, "$") == "") == valid
