"""Requests in the SDK's shapes are sent in the wire's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batch.model import Generation
from batch.requests.generation_settings import EncodedSettings
from batch.requests.row_checker import CheckedRow, RowChecker

TURN = {"role": "user", "parts": [{"text": "hi"}]}


def request_of(line: dict[str, Any]) -> dict[str, Any]:
    row = RowChecker(EncodedSettings(Generation())).check_line(json.dumps(line).encode(), 1)
    assert isinstance(row, CheckedRow), row
    request: dict[str, Any] = json.loads(row.request or json.loads(row.line)["request"])
    return request


@pytest.mark.parametrize(
    "contents", ["hi", ["hi"], TURN, [TURN], [{"role": "user", "parts": ["hi"]}], [{"role": "user", "parts": "hi"}]]
)
def test_contents_may_be_texts(contents: Any) -> None:
    line = {"key": "k", "request": {"contents": contents, "generationConfig": {"temperature": 1}}}
    assert request_of({**line, "x": 1})["contents"] == [TURN]


def test_the_config_of_the_sdk_is_spread() -> None:
    config = {
        "temperature": 0.5,
        "max_output_tokens": 5,
        "system_instruction": "Be brief.",
        "tools": [{"googleSearch": {}}],
        "http_options": {},
    }
    assert request_of({"key": "k", "request": {"contents": "hi", "config": config}}) == {
        "contents": [TURN],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "tools": [{"googleSearch": {}}],
        "generationConfig": {"temperature": 0.5, "maxOutputTokens": 5},
    }


def test_a_request_may_be_a_text_that_holds_one() -> None:
    assert request_of({"request": json.dumps({"contents": [TURN]})}) == {"contents": [TURN]}


def test_names_that_are_not_known_are_still_refused() -> None:
    line = {"request": {"contents": "hi", "config": {"temprature": 1}}}
    problems = RowChecker(EncodedSettings(Generation())).check_line(json.dumps(line).encode(), 1)
    assert isinstance(problems, list)
    assert '"temprature"' in problems[0].fault
