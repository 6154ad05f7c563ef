"""One row tells all that was sent and received for it."""

from __future__ import annotations

import json

import pytest

from batch.errors import NotFound
from batch.model import Usage
from lifecycle.results.read.table import ResultTable
from tests.lifecycle.run_fixture import RunFixture, answer, error


def test_a_row_tells_everything(run: RunFixture) -> None:
    rating = {"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW"}
    body = answer("Hello")
    body["response"]["candidates"][0] |= {"safetyRatings": [rating]}
    body["response"]["candidates"][0]["content"]["parts"].insert(0, {"text": "Hmm.", "thought": True})
    run.send(["a", 'b"\\'], source_columns={"city": ["Rome", None]})
    run.receive([{"key": "a", **error(13)}]).receive([{"key": "a", **body}, {"key": "a", **body}], attempt=1)
    run.build()
    detail = ResultTable(run.folder).detail("a")
    assert (detail.text, detail.thoughts, detail.outcome) == ("Hello", "Hmm.", "answered")
    assert detail.safety == (rating,)
    assert detail.usage == Usage(prompt=10, candidates=5)
    assert json.loads(detail.request)["request"]["contents"][0]["parts"][0]["text"] == "question a"
    assert json.loads(detail.response) == {"key": "a", **body}
    assert [(one.kind, one.attempt, one.outcome) for one in detail.others] == [
        *(("earlier", 0, "error_transient"), ("duplicate", 1, "answered"))
    ]
    assert detail.source_columns == {"city": "Rome"}
    nothing = ResultTable(run.folder).detail('b"\\')
    assert (nothing.outcome, nothing.response, nothing.usage, nothing.source_columns) == (
        "missing",
        "",
        None,
        {"city": None},
    )
    assert json.loads(nothing.request)["key"] == 'b"\\'


def test_a_key_that_was_not_sent_is_not_found(mixed: RunFixture) -> None:
    with pytest.raises(NotFound):
        ResultTable(mixed.folder).detail("nobody")
