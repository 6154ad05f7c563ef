"""What the typed decode takes as it is, and what it leaves to the closer look."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batch.requests import fast_path

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def read(*turns: dict[str, Any]) -> fast_path.ParsedContents | None:
    return fast_path.parse_simple(fast_path.decode_contents(json.dumps(turns)))


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts)}


def test_the_prompt_is_the_text_of_the_last_turn_without_thoughts() -> None:
    parsed = read(
        user({"text": "earlier"}),
        {"role": "model", "parts": [{"text": "yes"}]},
        user({"text": "one"}, {"text": "a thought", "thought": True}, {"text": "two"}),
    )
    assert parsed == fast_path.ParsedContents("one\ntwo", media=False)


def test_media_beside_a_text_is_told() -> None:
    parsed = read(user({"text": "what is it?"}, {"inlineData": {"mimeType": "image/png", "data": PNG}}))
    assert parsed is not None
    assert parsed.media


@pytest.mark.parametrize(
    "turns",
    [
        [user({"text": " \n"})],
        [user({"text": "x"}), {"role": "model", "parts": [{"text": "the model speaks last"}]}],
        [{"role": "model", "parts": [{"text": "the model speaks first"}]}, user({"text": "x"})],
        [user({"text": "x", "fileData": {"fileUri": "https://example.org/a.png"}})],
        [user({})],
        [user({"inlineData": {"mimeType": "image/png", "data": "not base64!"}})],
        [user({"text": "x"}, {"fileData": {"fileUri": "no address"}})],
    ],
    ids=["blank", "model last", "model first", "two kinds of data", "nothing", "bad base64", "bad address"],
)
def test_what_is_wrong_or_unusual_needs_a_closer_look(turns: list[dict[str, Any]]) -> None:
    assert read(*turns) is None


def test_turns_that_call_functions_come_with_their_history() -> None:
    parsed = read(
        user({"text": "weather?"}),
        {"role": "model", "parts": [{"functionCall": {"name": "look", "args": {}}, "thoughtSignature": "c2ln"}]},
        user({"functionResponse": {"name": "look", "response": {"sky": "blue"}}}),
    )
    assert parsed is not None
    assert parsed.history is not None
    assert [(turn.is_model, turn.calls, turn.signed, turn.responses) for turn in parsed.history] == [
        (False, (), False, 0),
        (True, ("look",), True, 0),
        (False, (), False, 1),
    ]


@pytest.mark.parametrize(
    ("line", "once"),
    [
        ('{"key":"a","request":{"contents":[{"role":"user","parts":[{"text":"say \\"hi\\""}]}]}}', True),
        ('{"key":"a","request":{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"seed":1}}}', True),
        ('{"key":"a","key":"b","request":{"contents":[{"parts":[{"text":"x"}]}]}}', False),
        ('{"key":"a","request":{"contents":[{"parts":[{"text":"x","text":"y"}]}]}}', False),
    ],
)
def test_a_name_that_stands_twice_is_noticed(line: str, once: bool) -> None:
    assert fast_path.has_no_duplicate_keys(fast_path.decode_line(line), line.encode()) is once


def test_a_line_with_an_unknown_field_does_not_fit() -> None:
    with pytest.raises(fast_path.DECODE_ERRORS):
        fast_path.decode_line('{"key":"a","request":{"contents":[{"parts":[{"text":"x"}]}],"temperature":1}}')
