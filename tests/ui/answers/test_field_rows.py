"""Fields and the rows of their table say the same."""

from __future__ import annotations

import pytest

from batch.fields.answer_field import AnswerField, FieldType
from batch.fields.parse import parse_fields
from ui.answers.field_rows import NAME, NOTE, TYPE, VALUES, Row, edited, fields_of, row_of

LINE = (
    'mood: good | "so, so" | bad; urgency: 1..5 (5 is the worst); share: number at most 1; part; tags: list of text;'
    " kinds: list of (a | b); counts: list of whole number; late: yes/no; due?: date"
)


def row(name: str, type_: str = "", values: str = "", note: str = "") -> Row:
    return {NAME: name, TYPE: type_, VALUES: values, NOTE: note}


def test_rows_of_fields_give_the_fields_back() -> None:
    fields = parse_fields(LINE).fields
    assert len(fields) == 9
    rows = [row_of(field) for field in fields]
    assert fields_of(rows, fields) == (fields, ())
    unknown = tuple(AnswerField("x") for _ in fields)
    assert fields_of(rows[:8], [None] * 8)[0] == fields[:8], unknown


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (row("a"), AnswerField("a")),
        (row("a", values="x, y"), AnswerField("a", FieldType.CHOICE, choices=("x", "y"))),
        (row("a", values="1 to 5"), AnswerField("a", FieldType.WHOLE, minimum=1, maximum=5)),
        (row("a", values="yes, no"), AnswerField("a", FieldType.YES_NO)),
        (row("a", "choice", "x; y, z"), AnswerField("a", FieldType.CHOICE, choices=("x", "y, z"))),
        (row("a", "number", "0.5 to 1"), AnswerField("a", FieldType.NUMBER, minimum=0.5, maximum=1)),
        (row("a", "list", "at most 3"), AnswerField("a", FieldType.LIST, maximum=3)),
        (row("a", "text", "", "why"), AnswerField("a", note="why")),
    ],
)
def test_a_row_is_understood(given: Row, field: AnswerField) -> None:
    assert fields_of([given], [None]) == ((field,), ())


@pytest.mark.parametrize(
    ("given", "words"),
    [(row("a", "text", "x, y"), "no choices or range"), (row("a", "number", "many"), "cannot be read")],
)
def test_a_row_that_cannot_be_is_told(given: Row, words: str) -> None:
    fields, (fault,) = fields_of([given], [None])
    assert fields == () and words in fault.fault and fault.remedy


def test_edits_are_told_of_the_rows_that_were_drawn() -> None:
    rows = [row("a"), row("b"), row("c")]
    edits = {
        "edited_rows": {1: {NOTE: " new\nnote "}},
        "deleted_rows": [0],
        "added_rows": [{NAME: "d", TYPE: None}, {}],
    }
    assert edited(rows, edits) == [(row("b", note="new note"), 1), (row("c"), 2), (row("d"), None)]


def test_what_a_row_does_not_show_is_kept() -> None:
    (group,) = parse_fields('{"price": {"amount": 1.5, "currency": "EUR"}}').fields
    renamed = {**row_of(group), NAME: "cost"}
    (kept,), faults = fields_of([renamed], [group])
    assert kept.fields == group.fields and kept.name == "cost" and not faults
