"""Pictures as a kind: what they will cost, and why one did not come."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batch.kinds.image import IMAGE, TEXT_TOKENS, TYPICAL_TOKENS, classify
from batch.model import Generation, Outcome
from batch.pricing import catalog
from batch.pricing.answer_sizes import Task

MODEL = catalog.load().model("gemini-3.1-flash-image")


def result(finish_reason: str, message: str = "", **part: Any) -> bytes:
    candidate: dict[str, Any] = {"finishReason": finish_reason, "index": 0}
    if part:
        candidate["content"] = {"role": "model", "parts": [part]}
    if message:
        candidate["finishMessage"] = message
    return json.dumps({"key": "a", "response": {"candidates": [candidate], "usageMetadata": {}}}).encode()


def test_rows_are_sized_by_the_pictures_they_ask_for() -> None:
    assert MODEL is not None
    small, large = (
        IMAGE.assumed_output(MODEL, Task(picture_sizes={"1K": 2})),
        IMAGE.assumed_output(MODEL, Task(picture_sizes={"1K": 1, "4K": 1})),
    )
    assert small.low == MODEL.picture_tokens["1K"]
    assert large.low == (MODEL.picture_tokens["1K"] + MODEL.picture_tokens["4K"]) / 2
    assert small.expected == small.low + TEXT_TOKENS
    assert "(1K, 4K)" in large.description
    # The number of pictures is known: in a bad case only the text beside them is longer.
    assert small.worst == small.low + 4 * TEXT_TOKENS


def test_an_unknown_model_is_assumed_to_draw_typical_pictures() -> None:
    assert IMAGE.assumed_output(None, Task()).low == TYPICAL_TOKENS


def test_an_unknown_size_is_taken_for_the_largest_result() -> None:
    sizes = [IMAGE.result_bytes(None, Generation(image_size=size)) for size in ("1K", "2K", "4K", "9K")]
    assert sizes == sorted(sizes)
    assert sizes[-1] == sizes[-2]
    assert IMAGE.result_bytes(None, Generation()) == sizes[0]


@pytest.mark.parametrize(
    ("line", "outcome", "words"),
    [
        (result("IMAGE_SAFETY"), Outcome.ANSWER_BLOCKED, "the picture was blocked for safety (IMAGE_SAFETY)"),
        (result("NO_IMAGE"), Outcome.EMPTY, "no picture was made (NO_IMAGE)"),
    ],
)
def test_why_no_picture_came_is_said(line: bytes, outcome: Outcome, words: str) -> None:
    row = classify(line)
    assert row.outcome is outcome
    assert row.error_message.startswith(words)
