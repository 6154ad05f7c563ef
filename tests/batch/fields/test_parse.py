"""Whatever form fields are given in, the same fields and the schema that Gemini takes come of it."""

from __future__ import annotations

import json

import pytest

from batch.fields.answer_field import AnswerField, FieldType
from batch.fields.parse import parse_fields, reading_of
from batch.requests.response_schema import convert
from batch.responses.structured_output import AnswerSchema
from batch.rules.schema_equivalents import DATE_NOTE, DATE_PATTERN

TICKET = (
    AnswerField("mood", FieldType.CHOICE, ("good", "bad")),
    AnswerField("urgency", FieldType.WHOLE, minimum=1, maximum=5),
    AnswerField("product", required=False),
    AnswerField("tags", FieldType.LIST),
    AnswerField("due", FieldType.DATE),
)
LINE = "mood: good | bad; urgency: 1..5; product?; tags: list of text; due: date"
EXAMPLE = '{"mood": "good | bad", "urgency": "1..5", "product": null, "tags": ["a"], "due": "2026-05-01"}'
SCHEMA = """{"$schema": "x", "title": "Ticket", "type": "object", "required": ["mood", "urgency", "tags", "due"],
    "properties": {"mood": {"enum": ["good", "bad"]}, "urgency": {"type": "integer", "minimum": 1, "maximum": 5},
    "product": {"anyOf": [{"type": "string"}, {"type": "null"}]}, "tags": {"$ref": "#/$defs/Tags"},
    "due": {"type": "string", "format": "date"}}, "$defs": {"Tags": {"type": "array", "items": {"type": "string"}}}}"""
PYTHON = """
from pydantic import BaseModel, Field
class Mood(str, Enum):
    GOOD = "good"
    BAD = "bad"
class Ticket(BaseModel):
    mood: Mood
    urgency: Annotated[int, Field(ge=1, lt=6)]
    product: "str | None" = None
    tags: list[str] = Field(default_factory=list)
    due: datetime.date
"""
TYPESCRIPT = """
export interface Ticket {
  mood: "good" | "bad";
  urgency: number; // 1..5
  product?: string | null,
  tags: Array<string>
  due: Date;
}"""


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (LINE, "a line of fields"),
        (EXAMPLE, "an example"),
        (SCHEMA, "a JSON schema"),
        (json.dumps({"type": "json_schema", "json_schema": {"schema": json.loads(SCHEMA)}}), "a JSON schema"),
        (PYTHON, "Python"),
        (TYPESCRIPT, "TypeScript"),
        (f"```ts\n{TYPESCRIPT}\n```", "TypeScript"),
    ],
)
def test_every_form_gives_the_same_fields(text: str, form: str) -> None:
    reading = parse_fields(text)
    assert reading.problems == ()
    assert reading.fields == TICKET
    assert reading.form == form


def test_the_schema_is_in_the_form_that_gemini_takes() -> None:
    schema = parse_fields(LINE).schema
    assert schema == {
        "type": "OBJECT",
        "properties": {
            "mood": {"type": "STRING", "enum": ["good", "bad"]},
            "urgency": {"type": "INTEGER", "minimum": 1, "maximum": 5},
            "product": {"type": "STRING", "nullable": True},
            "tags": {"type": "ARRAY", "items": {"type": "STRING"}},
            "due": {"type": "STRING", "pattern": DATE_PATTERN, "description": DATE_NOTE},
        },
        "required": ["mood", "urgency", "tags", "due"],
        "propertyOrdering": ["mood", "urgency", "product", "tags", "due"],
    }
    assert convert(schema).unchanged


def test_results_have_the_fields_as_columns_in_their_order_and_types() -> None:
    columns = AnswerSchema(parse_fields(f"zeta: number; {LINE}; ok: yes/no").schema).columns()
    assert list(columns.items()) == [
        ("zeta", "DOUBLE"),
        ("mood", "VARCHAR"),
        ("urgency", "BIGINT"),
        ("product", "VARCHAR"),
        ("tags", "JSON"),
        ("due", "DATE"),
        ("ok", "BOOLEAN"),
    ]


def test_notes_go_into_descriptions() -> None:
    schema = parse_fields("mood: good | bad - how he feels; due: date - when it is needed").schema
    assert schema["properties"]["mood"]["description"] == "how he feels"
    assert schema["properties"]["due"]["description"] == f"when it is needed. {DATE_NOTE}"


def test_the_schema_of_fields_reads_as_the_same_fields() -> None:
    fields = (*TICKET, AnswerField("when", FieldType.DATE, note="when it is needed"))
    assert parse_fields(json.dumps(reading_of(fields).schema)).fields == fields


def test_classes_within_classes_are_groups() -> None:
    text = "class A(BaseModel):\n    items: list[B]  # what was bought\n"
    text += "class B(BaseModel):\n    name: str\n    price: float = Field(ge=0)"
    reading = parse_fields(text)
    item = AnswerField(
        "", FieldType.GROUP, fields=(AnswerField("name"), AnswerField("price", FieldType.NUMBER, minimum=0))
    )
    assert reading.fields == (AnswerField("items", FieldType.LIST, items=item, note="what was bought"),)
    assert reading.schema["properties"]["items"]["items"]["propertyOrdering"] == ["name", "price"]
    types = parse_fields("type B = { name: string; price: number };\ninterface A { items: B[]; /* what was bought */ }")
    assert [field.type for field in types.fields[0].items.fields] == [FieldType.TEXT, FieldType.NUMBER]


def test_what_fields_cannot_say_stays_in_the_schema_and_is_named() -> None:
    given = {"type": "object", "properties": {"b": {"type": "string", "pattern": "^x"}, "a": {"type": "string"}}}
    reading = parse_fields(json.dumps(given))
    assert reading.schema["properties"]["b"]["pattern"] == "^x"
    assert reading.schema["propertyOrdering"] == ["b", "a"]
    assert "pattern of b" in reading.notes[-1]


def test_formats_and_numbers_that_gemini_refuses_become_words_and_ranges() -> None:
    properties = {"mail": {"type": "string", "format": "email"}, "n": {"enum": [1, 2, 3]}, "m": {"enum": [1, 5]}}
    reading = parse_fields(json.dumps({"type": "object", "properties": properties}))
    assert reading.problems == ()
    assert reading.schema["properties"]["mail"] == {"type": "STRING", "description": "Format: email.", "nullable": True}
    assert [field.type for field in reading.fields] == [FieldType.TEXT, FieldType.WHOLE, FieldType.CHOICE]
    assert len(reading.notes) == 3


@pytest.mark.parametrize(
    ("text", "fault", "remedy"),
    [
        ('{"a": 1,}', "not valid JSON", "Correct it there"),
        ("[]", "not an object", "urgency"),
        ('{"type": "array", "items": {"type": "string"}}', "does not describe an object", "--schema FILE"),
        ('{"type": "object", "properties": {"a": {"type": "strnig"}}}', 'At the schema › a, "strnig"', "STRING"),
        ('{"a": {}}', '"a" is a group without fields', "text"),
        ("class A(BaseModel):\n    a: dict[str, int]", '"a" has the type "dict[…]"', "class"),
        ("class A(BaseModel):\n    a: Foo", 'the type "Foo"', "str"),
        ("class A(BaseModel):\n    a: A", 'The class "A" holds itself', "depth"),
        ("class A(BaseModel):\n    a: int |", "cannot be read (line 2)", "Correct"),
        ("class A(BaseModel):\n    a: int | str", "several types", "Choose"),
        ("interface A { a: ; }", 'a type was expected before ";" in line 1', "Correct"),
        ("interface A { a: B }", 'The type "B" is not known', "declare"),
        ("interface A { a: A }", 'The type "A" holds itself', "depth"),
        ("interface A { a: string", '"}" is missing at the end', "Correct"),
        ("interface A { a: string | number }", "one type is needed", "Correct"),
        ('{"a":' * 30 + "1" + "}" * 30, "levels deep", "Flatten"),
        ("class A:\n    a: " + "list[" * 60 + "int" + "]" * 60, "nested too deeply", "Flatten"),
        ("x" * 300_000, "characters long", "only the fields"),
    ],
)
def test_problems_name_the_place_and_the_remedy(text: str, fault: str, remedy: str) -> None:
    reading = parse_fields(text)
    assert not reading.schema
    assert fault in reading.problems[0].fault
    assert remedy in reading.problems[0].remedy


@pytest.mark.parametrize("depth", [100, 5000])
@pytest.mark.parametrize(
    "piece",
    ['{"a":', "[", "interface A {a:", "interface A {a: (", "class A:\n a: (", "{a:", '{"properties":{"a":{"items":'],
)
def test_deep_nesting_is_a_problem_and_no_exception(piece: str, depth: int) -> None:
    assert parse_fields(piece * depth).problems
