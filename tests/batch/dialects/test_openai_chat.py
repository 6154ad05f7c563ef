"""OpenAI's chat completions become requests that mean the same, and what does not carry over is named by kind."""

from __future__ import annotations

from typing import Any

import pytest

from batch.dialects.conversion import LEFT_OUT, MAPPED, REFUSED, describe_conversions
from batch.dialects.tool_exchange import FOREIGN_SIGNATURE
from tests.batch.dialects.lines import BUDGET, LEVELS, PNG, accepted, chat, faults_of, request_of

FILE = {"type": "file", "file": {"file_id": "f"}}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}


def test_a_conversation_with_settings() -> None:
    key, request, notes = accepted(
        chat(
            messages=[
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "One?"},
                {"role": "assistant", "content": "Two."},
                {"role": "user", "content": [{"type": "text", "text": "Three?"}]},
            ],
            temperature=0,
            top_p=0.5,
            max_tokens=50,
            stop="END",
            seed=7,
            user="u1",
            service_tier="default",
        )
    )
    assert key == "r1"
    assert request == {
        "contents": [
            {"role": "user", "parts": [{"text": "One?"}]},
            {"role": "model", "parts": [{"text": "Two."}]},
            {"role": "user", "parts": [{"text": "Three?"}]},
        ],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "generationConfig": {
            "temperature": 0,
            "topP": 0.5,
            "maxOutputTokens": 50,
            "stopSequences": ["END"],
            "seed": 7,
        },
    }
    assert notes[MAPPED + "max_tokens → maxOutputTokens"] == 1
    assert notes[LEFT_OUT + "user"] == notes[LEFT_OUT + "model gpt-4o-mini"] == 1


@pytest.mark.parametrize(
    ("given", "part"),
    [
        (
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"}},
            {"inlineData": {"mimeType": "image/png", "data": PNG}},
        ),
        (
            {"type": "image_url", "image_url": {"url": "https://x.org/a.jpg?s=1"}},
            {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://x.org/a.jpg?s=1"}},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "UklGRgAAAABXQVZF", "format": "wav"}},
            {"inlineData": {"mimeType": "audio/wav", "data": "UklGRgAAAABXQVZF"}},
        ),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjQ="}},
            {"inlineData": {"mimeType": "application/pdf", "data": "JVBERi0xLjQ="}},
        ),
    ],
)
def test_media_become_parts(given: dict[str, Any], part: dict[str, Any]) -> None:
    request = request_of(chat(messages=[{"role": "user", "content": [{"type": "text", "text": "What?"}, given]}]))
    assert request["contents"] == [{"role": "user", "parts": [{"text": "What?"}, part]}]


def test_calls_of_tools_find_their_results() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
    second = {"id": "c2", "type": "function", "function": {"name": "sub", "arguments": ""}}
    request = request_of(
        chat(
            messages=[
                {"role": "user", "content": "1+1?"},
                {"role": "assistant", "content": None, "tool_calls": [call, second]},
                {"role": "tool", "tool_call_id": "c1", "content": '{"sum": 2}'},
                {"role": "tool", "tool_call_id": "c2", "content": "zero"},
            ],
            tools=[{"type": "function", "function": {"name": name, "parameters": SCHEMA}} for name in ("add", "sub")],
            tool_choice={"type": "function", "function": {"name": "add"}},
        ),
        LEVELS,
    )
    calls, results = request["contents"][1:]
    assert calls["parts"] == [
        {"functionCall": {"name": "add", "args": {"a": 1}}, "thoughtSignature": FOREIGN_SIGNATURE},
        {"functionCall": {"name": "sub", "args": {}}},
    ]
    assert [part["functionResponse"] for part in results["parts"]] == [
        {"name": "add", "response": {"sum": 2}},
        {"name": "sub", "response": {"result": "zero"}},
    ]
    assert request["tools"][0]["functionDeclarations"][0] == {"name": "add", "parametersJsonSchema": SCHEMA}
    assert request["toolConfig"] == {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["add"]}}


def test_structured_answers_get_their_schema() -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": SCHEMA}}
    config = request_of(chat(response_format=wanted))["generationConfig"]
    assert config["responseMimeType"] == "application/json"
    assert config["responseSchema"] == {
        "type": "OBJECT",
        "properties": {"n": {"type": "INTEGER"}},
        "required": ["n"],
    }
    assert request_of(chat(response_format={"type": "json_object"}))["generationConfig"] == {
        "responseMimeType": "application/json"
    }


def test_effort_is_said_as_the_model_can_be_told() -> None:
    def thinking(effort: str, rules: Any) -> Any:
        return request_of(chat(reasoning_effort=effort), rules)["generationConfig"]["thinkingConfig"]

    assert thinking("minimal", LEVELS) == {"thinkingLevel": "LOW"}
    assert thinking("xhigh", LEVELS) == {"thinkingLevel": "HIGH"}
    assert thinking("low", BUDGET) == {"thinkingBudget": 1024}
    assert thinking("none", BUDGET) == {"thinkingBudget": 0}


def test_older_forms() -> None:
    line = {"custom_id": "c", "method": "POST", "url": "/v1/completions", "body": {"prompt": "Say hi", "max_tokens": 5}}
    assert request_of(line)["contents"] == [{"role": "user", "parts": [{"text": "Say hi"}]}]
    bare = {"messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hi"}]}
    assert request_of(bare)["systemInstruction"] == {"parts": [{"text": "Be brief."}]}


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (chat(messages=[{"role": "user", "content": [FILE]}]), "files that are stored at OpenAI (file_id)"),
        (chat(messages=[{"role": "user", "content": [{"type": "hologram"}]}]), 'parts of the type "hologram"'),
        (chat(messages=[{"role": "tool", "tool_call_id": "x", "content": "y"}]), "results of tools that nobody called"),
        (chat(messages=[{"role": "narrator", "content": "y"}]), 'messages of the role "narrator"'),
        (chat(tools=[{"type": "file_search"}]), 'tools of the type "file_search"'),
        ({"custom_id": "1", "url": "/v1/moderations", "body": {"input": "x"}}, "calls of /v1/moderations"),
    ],
)  # fmt: skip
def test_what_cannot_be_had_is_a_problem_and_counted_by_kind(line: dict[str, Any], what: str) -> None:
    faults, notes = faults_of(line)
    assert any(what in fault for fault in faults)
    assert notes[REFUSED + what] == 1


def test_an_embedding_needs_an_embedding_model() -> None:
    line = {"custom_id": "e", "method": "POST", "url": "/v1/embeddings", "body": {"model": "x", "input": "Hi"}}
    assert "The line asks for an embedding." in faults_of(line)[0]


def test_a_conversation_that_ends_with_the_assistant_is_refused_in_words() -> None:
    line = chat(messages=[{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}])
    assert faults_of(line)[0] == ["The last turn is the model's."]


def test_the_account_lists_kinds_with_counts() -> None:
    counts = accepted(chat(user="a", max_tokens=5))[2] + accepted(chat(user="b"))[2]
    described = describe_conversions(counts)
    assert described[0] == "Lines in another form became requests: OpenAI chat completions (2)."
    assert "max_tokens → maxOutputTokens (1)" in described[1]
    assert "user (2)" in described[2]
