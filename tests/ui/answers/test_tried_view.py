"""Tried rows stand beside their own columns, and say what they teach."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from batch.model import Outcome
from lifecycle.planning.tried_rows import TriedRow, Tries
from ui.answers.tried_view import as_text, lessons, tried_html

GOOD = TriedRow(0, "k1", "p", {"item": "<b>"}, Outcome.ANSWERED, values={"mood": "good", "score": 3.0, "ok": True})
CUT = TriedRow(486, "k2", "p", {"item": "Tent"}, Outcome.TRUNCATED, text='{"mo', error="cut off")
TRIES = Tries("d", "m", (GOOD, CUT), ("mood", "score", "ok"), asks_for_json=True, output_cap=256)


def test_answers_stand_at_the_right_of_the_own_columns() -> None:
    html = tried_html(TRIES)
    heads = [part.partition("<")[0].partition(">")[2] for part in html.split("<th ")[1:]]
    assert heads == ["row", "item", "mood", "score", "ok", "what happened"]
    assert '<td class="answer number">3</td><td class="answer">yes</td>' in html
    assert "&lt;b&gt;" in html and ">487</td>" in html and "cut off" in html


def test_without_fields_and_columns_there_are_prompt_and_answer() -> None:
    html = tried_html(Tries("d", "m", (replace(GOOD, own={}, values={}, text="Yes."),)))
    assert ">prompt<" in html and ">Answer<" in html and "Yes." in html and "what happened" not in html


@pytest.mark.parametrize(
    ("tries", "said"),
    [
        (TRIES, [(False, "1 of 2 tries fit the fields"), (False, "1 of 2 cut off at 256 tokens")]),
        (Tries("d", "m", (GOOD,)), [(True, "1 of 1 tries were answered")]),
        (
            Tries("d", "m", (GOOD, replace(GOOD, outcome=Outcome.NO_RESPONSE, lost=True))),
            [(False, "1 of 2 tries were answered"), (False, "1 got no reply, and may have been charged")],
        ),
    ],
)
def test_what_tries_teach(tries: Tries, said: list[tuple[bool, str]]) -> None:
    assert lessons(tries) == said


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (2.5, "2.5"), (["a", 1], "a, 1"), ({"a": [1]}, '{"a": [1]}'), ([{"a": 1}], '[{"a": 1}]')],
)
def test_values_read_as_people_write_them(value: Any, text: str) -> None:
    assert as_text(value) == text
