"""Anthropic's message batches become requests that mean the same."""

from __future__ import annotations

from typing import Any

import pytest

from batch.dialects.conversion import LEFT_OUT, REFUSED
from tests.batch.dialects.lines import BUDGET, PNG, accepted, faults_of, message, request_of

CITY = {"type": "object", "properties": {"city": {"type": "string"}}}


def test_a_message_with_settings() -> None:
    key, request, notes = accepted(
        message(
            system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
            temperature=1.0,
            top_k=5,
            stop_sequences=["END"],
            thinking={"type": "enabled", "budget_tokens": 2000},
            metadata={"user_id": "u"},
        ),
        BUDGET,
    )
    assert key == "r1"
    assert request == {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "generationConfig": {
            "maxOutputTokens": 1024,
            "temperature": 1.0,
            "topK": 5,
            "stopSequences": ["END"],
            "thinkingConfig": {"thinkingBudget": 2000},
        },
    }
    assert notes[LEFT_OUT + "cache_control"] == notes[LEFT_OUT + "metadata"] == 1


def test_blocks_become_parts() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    text = {"type": "text", "media_type": "text/plain", "data": "The contract."}
    blocks: list[dict[str, Any]] = [
        {"type": "image", "source": source},
        {"type": "document", "title": "Contract", "source": text},
        {"type": "text", "text": "Compare."},
    ]
    parts = request_of(message(messages=[{"role": "user", "content": blocks}]))["contents"][0]["parts"]
    assert parts == [
        {"inlineData": {"mimeType": "image/png", "data": PNG}},
        {"text": "Contract"},
        {"text": "The contract."},
        {"text": "Compare."},
    ]


def test_tools_and_their_results() -> None:
    request = request_of(
        message(
            messages=[
                {"role": "user", "content": "Weather?"},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "hm", "signature": "x"},
                        {"type": "tool_use", "id": "t", "name": "weather", "input": {"city": "Bern"}},
                    ],
                },
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "12 degrees"}]},
            ],
            tools=[{"name": "weather", "description": "tells", "input_schema": CITY}],
            tool_choice={"type": "tool", "name": "weather"},
        )
    )  # fmt: skip
    call, result = request["contents"][1:]
    assert call["parts"][0]["functionCall"] == {"name": "weather", "args": {"city": "Bern"}}
    assert result["parts"] == [{"functionResponse": {"name": "weather", "response": {"result": "12 degrees"}}}]
    assert request["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"] == ["weather"]


def test_claude_on_vertex_is_recognised() -> None:
    params = message(anthropic_version="vertex-2023-10-16")["params"]
    line = {"custom_id": "v", "request": params}
    key, request, _ = accepted(line)
    assert (key, request["contents"][0]["parts"]) == ("v", [{"text": "Hi"}])


@pytest.mark.parametrize(
    ("block", "what"),
    [
        (
            {"type": "image", "source": {"type": "file", "file_id": "f"}},
            "images that are stored at Anthropic (file_id)",
        ),
        ({"type": "search_result"}, 'blocks of the type "search_result"'),
    ],
)
def test_what_cannot_be_had_is_named(block: dict[str, Any], what: str) -> None:
    assert faults_of(message(messages=[{"role": "user", "content": [block]}]))[1][REFUSED + what] == 1
