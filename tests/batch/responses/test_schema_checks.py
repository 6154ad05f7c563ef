"""Values held to a response schema, in Gemini's spelling and in JSON Schema's."""

from __future__ import annotations

import time
from typing import Any

import pytest

from batch.responses.schema_checks import PATH_CHARACTERS, compile_schema, single_type

PERSON = {
    "type": "OBJECT",
    "properties": {
        "name": {"type": "STRING"},
        "age": {"type": "INTEGER", "minimum": 0},
        "mood": {"type": "STRING", "enum": ["good", "bad"], "nullable": True},
        "tags": {"type": "ARRAY", "items": {"type": "STRING"}, "maxItems": "2"},
    },
    "required": ["name"],
}


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"name": "Ada", "age": 36, "mood": None, "tags": ["a"]}, ""),
        ({"name": "Ada", "extra": 1}, ""),
        ({"age": 36}, "$.name is missing"),
        ({"name": "Ada", "age": "36"}, "$.age is not of type integer"),
        ({"name": "Ada", "age": -1}, "$.age breaks minimum 0"),
        ({"name": "Ada", "mood": "so-so"}, "$.mood is not one of the allowed values"),
        ({"name": "Ada", "tags": ["a", "b", "c"]}, "$.tags breaks maxItems 2"),
        ({"name": "Ada", "tags": ["a", 1]}, "$.tags[1] is not of type string"),
        ("Ada", "$ is not of type object"),
    ],
)
def test_the_first_problem_is_named_by_its_place(value: Any, problem: str) -> None:
    assert compile_schema(PERSON)(value, "$") == problem


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": ["string", "null"]}, None, 1),
        ({"anyOf": [{"type": "STRING"}, {"type": "NUMBER"}]}, 1.5, []),
        ({"oneOf": [{"type": "NUMBER"}, {"type": "INTEGER"}]}, 1, "x"),
        ({"$ref": "#/$defs/t", "$defs": {"t": {"type": "array", "items": {"$ref": "#/$defs/t"}}}}, [[], [[]]], [1]),
        ({"type": "object", "additionalProperties": False}, {}, {"a": 1}),
        ({"type": "array", "prefixItems": [{"type": "string"}]}, ["a", 1], [1]),
        ({"const": 5}, 5, 6),
        ({"type": "string", "pattern": "^a+$"}, "aa", "ab"),
    ],
)
def test_keywords_are_held(schema: dict[str, Any], good: Any, bad: Any) -> None:
    check = compile_schema(schema)
    assert check(good, "$") == ""
    assert check(bad, "$") != ""


@pytest.mark.parametrize("schema", [None, True, {"type": "FILE"}, {"pattern": "("}, {"$ref": "#/nowhere"}])
def test_what_cannot_be_read_lets_everything_pass(schema: Any) -> None:
    assert compile_schema(schema)({"a": [1]}, "$") == ""


def test_a_problem_does_not_quote_the_answer_and_its_place_is_short() -> None:
    inner: dict[str, Any] = {"type": "INTEGER"}
    value: Any = "a secret"
    for _ in range(40):
        inner, value = {"type": "OBJECT", "properties": {"a_long_name": inner}}, {"a_long_name": value}
    problem = compile_schema(inner)(value, "$")
    assert "secret" not in problem
    assert len(problem) < PATH_CHARACTERS + 40


@pytest.mark.parametrize(
    ("schema", "name"),
    [
        ({"type": "INTEGER", "nullable": True}, "integer"),
        ({"type": ["string", "null"]}, "string"),
        ({"type": ["string", "number"]}, ""),
        ({}, ""),
        ("x", ""),
    ],
)
def test_a_single_type_is_told(schema: Any, name: str) -> None:
    assert single_type(schema) == name


@pytest.mark.parametrize(
    "pattern", ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", r"^(\w+\s?)*$", "(.*a){20}$", "^(a?){50}a{50}$"]
)
def test_a_pattern_that_backtracks_is_judged_at_once_and_rightly(pattern: str) -> None:
    """By an engine that goes back, these take longer than anybody waits, or are given up on and called wrong."""
    check = compile_schema({"type": "STRING", "pattern": pattern})
    before = time.process_time()
    assert check("a" * 50_000 + "!", "answer") == "answer does not match the pattern"
    assert check("a" * 50, "answer") == ""
    assert time.process_time() - before < 60


@pytest.mark.parametrize("pattern", [r"^(a+)\1$", "^(?=a)(a|aa)+$", "(?<!b)a", "(", "[z-a]"])
def test_a_pattern_that_cannot_be_judged_in_one_go_is_not(pattern: str) -> None:
    assert compile_schema({"type": "STRING", "pattern": pattern})("b!", "answer") == ""
