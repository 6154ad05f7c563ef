"""OpenAI's responses become requests that mean the same."""

from __future__ import annotations

from typing import Any

import pytest

from batch.dialects.conversion import REFUSED
from tests.batch.dialects.lines import LEVELS, PNG, faults_of, request_of, response

PICTURE = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


def test_a_text_with_instructions_and_settings() -> None:
    request = request_of(
        response(
            instructions="Be brief.",
            input="Hello",
            max_output_tokens=9,
            temperature=0.5,
            reasoning={"effort": "high"},
            text={"format": {"type": "json_schema", "name": "x", "schema": SCHEMA}},
        ),
        LEVELS,
    )  # fmt: skip
    assert request == {
        "contents": [{"role": "user", "parts": [{"text": "Hello"}]}],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "generationConfig": {
            "temperature": 0.5,
            "maxOutputTokens": 9,
            "thinkingConfig": {"thinkingLevel": "HIGH"},
            "responseMimeType": "application/json",
            "responseSchema": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}},
        },
    }


def test_items_with_pictures_and_calls() -> None:
    items: list[dict[str, Any]] = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "input_text", "text": "What?"}, PICTURE]},
        {"type": "reasoning", "summary": []},
        {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "a dot"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "A dot."}]},
        {"role": "user", "content": "Sure?"},
    ]  # fmt: skip
    request = request_of(response(input=items, tools=[{"type": "function", "name": "look"}, {"type": "web_search"}]))
    assert [turn["role"] for turn in request["contents"]] == ["user", "model", "user", "model", "user"]
    assert request["contents"][0]["parts"][1] == {"inlineData": {"mimeType": "image/png", "data": PNG}}
    assert request["contents"][2]["parts"][0]["functionResponse"] == {"name": "look", "response": {"result": "a dot"}}
    assert request["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
    assert request["tools"] == [{"functionDeclarations": [{"name": "look"}]}, {"googleSearch": {}}]


def test_a_bare_body_is_recognised() -> None:
    assert request_of({"model": "o4", "input": "Hi"})["contents"] == [{"role": "user", "parts": [{"text": "Hi"}]}]


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ({"previous_response_id": "resp_1"}, "the response before, which OpenAI keeps"),
        ({"prompt": {"id": "p"}}, "prompts that are stored at OpenAI"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, 'items of the type "item_reference"'),
    ],
)
def test_what_openai_keeps_cannot_be_had(body: dict[str, Any], what: str) -> None:
    assert faults_of(response(**body))[1][REFUSED + what] == 1
