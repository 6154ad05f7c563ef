"""`--fields` takes a line or a file, and says what is wrong before anything is sent."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from batch.errors import InputError
from terminal.steps.answer_fields import read_answer_fields, response_schema


def options(fields: str | None = None, schema: str | None = None) -> argparse.Namespace:
    return argparse.Namespace(fields=fields, schema=schema)


def test_a_line_becomes_a_schema() -> None:
    schema = json.loads(response_schema(options("mood: good | bad; urgency: 1..5")))
    assert schema["properties"]["mood"]["enum"] == ["good", "bad"]
    assert schema["propertyOrdering"] == ["mood", "urgency"]
    assert response_schema(options()) == ""


def test_a_file_is_read_in_whichever_form_it_has(tmp_path: Path) -> None:
    for name, text in {
        "example.json": '{"mood": "good | bad"}',
        "model.py": 'class A(BaseModel):\n    mood: Literal["good", "bad"]',
        "fields": "mood: good | bad",
    }.items():
        (tmp_path / name).write_text(text)
        assert read_answer_fields(options(str(tmp_path / name))).describe() == ["mood: one of good, bad"]


@pytest.mark.parametrize(
    ("fields", "schema", "said"),
    [
        ("urgency: nubmer", None, '--fields: "urgency" has the type "nubmer"'),
        ("a", "x.json", "Give one of them"),
        ("away/x.json", None, "cannot be read"),
        ("", None, "no fields"),
    ],
)
def test_what_is_wrong_is_said(fields: str, schema: str | None, said: str) -> None:
    with pytest.raises(InputError) as caught:
        response_schema(options(fields, schema))
    assert said in caught.value.describe()
