"""Vectors are read whatever the line looks like, and never invented."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batch.kinds.embedding import EMBEDDING, UNREADABLE, classify
from batch.model import Generation, Outcome
from batch.pricing.answer_sizes import Task


def line(values: Any, **response: Any) -> bytes:
    return json.dumps({"key": "a", "response": {"embedding": {"values": values}, **response}}).encode()


@pytest.mark.parametrize(
    ("response", "tokens"),
    [
        ({"usageMetadata": {"promptTokenCount": 7}}, 7),
        ({"tokenCount": "7"}, 7),
        ({"tokenCount": 7}, 7),
        ({}, None),
        ({"tokenCount": "many"}, None),
        ({"tokenCount": -7}, None),
    ],
)
def test_a_vector_and_its_tokens(response: dict[str, Any], tokens: int | None) -> None:
    row = classify(line([0.5, -1.0, 0], **response))
    assert row.outcome is Outcome.ANSWERED
    assert row.vector is not None
    assert row.vector.tolist() == [0.5, -1.0, 0.0]
    assert (row.usage.prompt if row.usage else None) == tokens


@pytest.mark.parametrize("values", [[], ["a"], [None], 5, [1e400], {"0": 1}])
def test_what_is_no_vector_is_no_answer(values: Any) -> None:
    row = classify(line(values))
    assert row.outcome is not Outcome.ANSWERED
    assert row.vector is None


def test_text_where_a_vector_was_due_is_unreadable() -> None:
    answer = {"candidates": [{"content": {"parts": [{"text": "hello"}]}, "finishReason": "STOP"}]}
    row = classify(json.dumps({"key": "a", "response": answer}).encode())
    assert (row.outcome, row.error_message, row.text) == (Outcome.INVALID_OUTPUT, UNREADABLE, "")


def test_an_error_is_told_as_of_any_row() -> None:
    row = classify(b'{"key":"a","error":{"code":13,"message":"internal"}}')
    assert (row.key, row.outcome) == ("a", Outcome.ERROR_TRANSIENT)


def test_nothing_but_the_prompt_costs() -> None:
    assert EMBEDDING.assumed_output(None, Task()).expected == 0
    assert EMBEDDING.result_bytes(None, Generation(dimensions=256)) < EMBEDDING.result_bytes(None, Generation())
