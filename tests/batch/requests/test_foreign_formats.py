"""Lines that are no requests are called by what they are."""

from __future__ import annotations

from typing import Any

import pytest

from batch.requests.foreign_formats import detect_other_api


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"custom_id": "1", "response": {}}, "OpenAI's results"),
        ({"custom_id": "1", "result": {}}, "Anthropic's results"),
        ({"processed_time": "", "status": "", "request": {}}, "Vertex AI's results"),
        ({"key": "1", "response": {}}, "a line of results"),
        ({"key": "1", "error": {}}, "a line of results"),
        ({"candidates": []}, "an answer of Gemini's"),
        ({"text_input": "a", "output": "b"}, "a line for tuning"),
        ({"content": {"parts": []}}, "an embedding"),
    ],
)
def test_results_and_other_lines_are_named(members: dict[str, Any], words: str) -> None:
    fault = detect_other_api(members)
    assert fault is not None
    assert words in fault.fault
    assert fault.remedy


@pytest.mark.parametrize(
    "members",
    [{}, {"key": "1", "request": {}, "metadata": {}, "id": 1}, {"contents": [], "error": "a column"}, {"note": "x"}],
)
def test_requests_are_left_alone(members: dict[str, Any]) -> None:
    assert detect_other_api(members) is None
