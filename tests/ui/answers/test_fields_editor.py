"""Fields are typed, pasted or clicked; all of it is the schema that is sent."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from lifecycle.core.models import Account
from lifecycle.runner import Runner
from tests.ui.page_driver import give_files, page_text, press, submit_button
from tests.ui.submit.conftest import submitted_rows


@pytest.fixture
def table(composer: AppTest) -> AppTest:
    give_files(composer, {"t.csv": b"item\nLantern\n"})
    return composer.text_area(key="template").set_value("{{item}}").run()


def type_fields(at: AppTest, text: str) -> AppTest:
    at.text_area(key="fields_text").set_value(text).run()
    assert not at.exception and not at.error
    return at


def names(at: AppTest) -> list[str]:
    return [field.name for field in at.session_state["fields"]]


def plain(at: AppTest) -> str:
    return page_text(at).replace("\\", "")


FORMS = (
    "mood: good | bad; urgency: 1..5",
    '{"mood": "good | bad", "urgency": 3}',
    "class Answer(BaseModel):\n    mood: Literal['good', 'bad']\n    urgency: int\n",
    "interface Answer { mood: 'good' | 'bad'; urgency: number }",
)


def test_every_form_becomes_the_schema(table: AppTest) -> None:
    for text in FORMS:
        type_fields(table, text)
        schema = json.loads(table.session_state["response_schema"])
        assert list(schema["properties"]) == ["mood", "urgency"] == names(table)
        assert schema["properties"]["mood"]["enum"] == ["good", "bad"]
        assert "Understood: mood: one of good, bad; urgency:" in plain(table)


def test_what_cannot_be_meant_is_told_quietly_and_nothing_is_sent(
    table: AppTest, real_runner: Runner, account: Account
) -> None:
    type_fields(table, "mood: good | bad")
    type_fields(table, "a: 5..1")
    assert '"a" goes from 5 down to 1. Write 1..5.' in plain(table)
    assert submit_button(table).disabled and real_runner.runs.list_recent(account) == []
    press(type_fields(table, "a: 1..5"), "Submit batch")
    (request,) = (row["request"] for row in submitted_rows(real_runner, account))
    assert isinstance(request, dict)
    assert list(request["generationConfig"]["responseSchema"]["properties"]) == ["a"]


def test_fields_go_with_the_run_and_come_back_with_it(table: AppTest) -> None:
    press(type_fields(table, "mood: good | bad"), "Submit batch")
    assert table.session_state["response_schema"] == ""
    press(table, "Edit and run again")
    assert "mood" in table.session_state["response_schema"]


def test_a_schema_of_ones_own_is_shown_as_fields(table: AppTest) -> None:
    schema = '{"type": "OBJECT", "properties": {"mood": {"type": "STRING", "enum": ["good", "bad"]}}}'
    table.text_area(key="response_schema").set_value(schema).run()
    assert names(table) == ["mood"] and table.text_area(key="fields_text").value == "mood?: good | bad"
    assert table.session_state["response_schema"] == schema, "it is sent as it was given"
    table.session_state["model"] = "gemini-embedding-001"
    table.run()
    assert not [area for area in table.text_area if area.key == "fields_text"], "vectors have no fields"
