"""Structured answers become typed values, one column for each field."""

from __future__ import annotations

import pytest

from lifecycle.results.store.reconciliation import AnswerColumn
from lifecycle.results.store.typed_columns import ARROW_TYPES, read_values

FIELDS = (AnswerColumn("mood", "VARCHAR"), AnswerColumn("urgency", "BIGINT"))


@pytest.mark.parametrize(
    ("text", "parsed", "repaired", "include", "mood", "urgency"),
    [
        ('{"mood": "good", "urgency": 3}', "strict", "", False, "good", 3),
        (' \n{"mood": "good"}', "strict", "", False, "good", None),
        ('{"urgency": 3.0}', "strict", "", False, None, 3),
        ("good", "strict", "", False, None, None),
        ('Sure! {"mood": "bad"', "lenient", '{"mood": "bad"}', True, "bad", None),
        ('Sure! {"mood": "bad"', "lenient", '{"mood": "bad"}', False, None, None),
        ("no idea", "failed", "", True, None, None),
    ],
)
def test_values_are_read_as_far_as_the_answer_has_them(
    text: str, parsed: str, repaired: str, include: bool, mood: str | None, urgency: int | None
) -> None:
    columns = read_values(FIELDS, [text], [parsed], [repaired], include_repaired=include)
    assert columns == {"answer.mood": [mood], "answer.urgency": [urgency]}


def test_every_type_of_a_field_has_an_arrow_type() -> None:
    assert set(ARROW_TYPES) == {"VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN", "DATE", "JSON"}
