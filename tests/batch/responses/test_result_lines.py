"""What strict parsers refuse costs no row, and usage that cannot be is not known."""

from __future__ import annotations

import json

import pytest

from batch.model import Outcome, Usage
from batch.responses.outcomes import classify


def test_bytes_that_are_not_utf8_cost_no_row() -> None:
    row = classify(
        b'{"key":"a","response":{"candidates":[{"finishReason":"STOP","content":{"parts":[{"text":"caf\xe9"}]}}]}}'
    )
    assert (row.key, row.outcome, row.text) == ("a", Outcome.ANSWERED, "caf\ufffd")


def test_half_a_character_costs_no_row() -> None:
    row = classify(
        rb'{"key":"a","response":{"candidates":[{"finishReason":"STOP","content":{"parts":[{"text":"\ud83d!"}]}}]}}'
    )
    assert (row.key, row.outcome, row.text) == ("a", Outcome.ANSWERED, "\ufffd!")


@pytest.mark.parametrize("tokens", [-1, 10**13, 10**30])
def test_numbers_of_tokens_that_cannot_be_are_not_known(tokens: int) -> None:
    candidate = {"finishReason": "STOP", "content": {"parts": [{"text": "A"}]}}
    response = {"candidates": [candidate], "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": tokens}}
    row = classify(json.dumps({"key": "a", "response": response}).encode())
    assert (row.outcome, row.text, row.usage) == (Outcome.ANSWERED, "A", None)


def test_a_byte_order_mark_costs_no_row() -> None:
    assert classify(b'\xef\xbb\xbf{"key":"a","error":{"code":13}}').key == "a"


def test_cached_and_thought_tokens_are_counted_apart() -> None:
    usage = {"promptTokenCount": 10, "cachedContentTokenCount": 4, "candidatesTokenCount": 5, "thoughtsTokenCount": 6}
    row = classify(
        json.dumps({"key": "a", "response": {"usageMetadata": {**usage, "toolUsePromptTokenCount": 7}}}).encode()
    )
    assert row.usage == Usage(prompt=10, cached=4, candidates=5, thoughts=6, tool_prompt=7)
