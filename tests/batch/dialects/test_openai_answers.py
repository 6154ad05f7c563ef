"""Answers as OpenAI's API reference shows them for its batches, checked field by field."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batch.dialects.openai_answers import AnsweredRow, answer_line
from batch.dialects.recognise import CHAT, COMPLETIONS, EMBEDDINGS, RESPONSES

USAGE = {"promptTokenCount": 24, "cachedContentTokenCount": 8, "candidatesTokenCount": 15, "thoughtsTokenCount": 5}
CALL = {"functionCall": {"name": "weather", "args": {"city": "Köln"}}}


def gemini(*parts: dict[str, Any], finish: str = "STOP", **more: Any) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finishReason": finish}
    return {"candidates": [candidate], "usageMetadata": USAGE, "responseId": "abc", **more}


def line(response: dict[str, Any], form: str = CHAT, outcome: str = "answered", **more: Any) -> dict[str, Any]:
    return answer_line(AnsweredRow("request-2", outcome, response, **more), form, "gemini-3.8-flash", 1711475054)


def body(response: dict[str, Any], form: str = CHAT, **more: Any) -> Any:
    return line(response, form, **more)["response"]["body"]


def test_a_chat_completion_has_every_field_of_one() -> None:
    """The fields of the API reference's example; thoughts are no part of the content, but are counted."""
    assert line(gemini({"text": "Hm.", "thought": True}, {"text": "Seven "}, {"text": "rivers."})) == {
        "id": "batch_req_request-2",
        "custom_id": "request-2",
        "response": {
            "status_code": 200,
            "request_id": "req_abc",
            "body": {
                "id": "chatcmpl-abc",
                "object": "chat.completion",
                "created": 1711475054,
                "model": "gemini-3.8-flash",
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": "Seven rivers.", "refusal": None},
                        "logprobs": None,
                        "finish_reason": "stop",
                    }
                ],
                "usage": {
                    "prompt_tokens": 24,
                    "completion_tokens": 20,
                    "total_tokens": 44,
                    "prompt_tokens_details": {"cached_tokens": 8},
                    "completion_tokens_details": {"reasoning_tokens": 5},
                },
                "system_fingerprint": None,
            },
        },
        "error": None,
    }


def test_a_response_has_items_and_its_own_usage() -> None:
    answer = body(gemini({"text": "Hi."}), RESPONSES)
    content = [{"type": "output_text", "text": "Hi.", "annotations": []}]
    assert answer == {
        "id": "resp_abc",
        "object": "response",
        "created_at": 1711475054,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": "gemini-3.8-flash",
        "output": [
            {"type": "message", "id": "msg_abc", "status": "completed", "role": "assistant", "content": content}
        ],
        "usage": {
            "input_tokens": 24,
            "input_tokens_details": {"cached_tokens": 8},
            "output_tokens": 20,
            "output_tokens_details": {"reasoning_tokens": 5},
            "total_tokens": 44,
        },
    }


def test_calls_of_functions_are_calls() -> None:
    (choice,) = body(gemini(CALL))["choices"]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("tool_calls", None)
    (call,) = choice["message"]["tool_calls"]
    assert (call["type"], call["function"]["name"]) == ("function", "weather")
    assert json.loads(call["function"]["arguments"]) == {"city": "Köln"}
    (item,) = body(gemini(CALL), RESPONSES)["output"]
    assert (item["type"], item["name"], item["call_id"]) == ("function_call", "weather", call["id"])


@pytest.mark.parametrize(
    ("finish", "reason", "detail"),
    [
        ("STOP", "stop", None),
        ("MAX_TOKENS", "length", "max_output_tokens"),
        ("SAFETY", "content_filter", "content_filter"),
    ],
)
def test_why_an_answer_ended(finish: str, reason: str, detail: str | None) -> None:
    response = gemini({"text": "Once"}, finish=finish)
    assert body(response)["choices"][0]["finish_reason"] == reason
    completion = {"text": "Once", "index": 0, "logprobs": None, "finish_reason": reason}
    assert body(response, COMPLETIONS)["choices"] == [completion]
    assert body(response, RESPONSES)["incomplete_details"] == (detail and {"reason": detail})


def test_an_embedding_is_a_list_of_one() -> None:
    response = {"embedding": {"values": [0.5, -1.0]}, "usageMetadata": {"promptTokenCount": 3}}
    assert body(response, EMBEDDINGS) == {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -1.0]}],
        "model": "gemini-3.8-flash",
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        (3, 400, "invalid_request_error"),
        (8, 429, "server_error"),
        (13, 500, "server_error"),
        (14, 503, "server_error"),
    ],
)
def test_a_refused_row_has_a_status_and_an_error(code: int, status: int, kind: str) -> None:
    answer = line({}, outcome="error_permanent", error_code=code, error_message="it broke")
    assert (answer["response"]["status_code"], answer["error"]) == (status, None)
    error = {"message": "it broke", "type": kind, "param": None, "code": "error_permanent"}
    assert answer["response"]["body"] == {"error": error}


def test_a_blocked_prompt_is_refused_as_openai_refuses_it() -> None:
    answer = line({"promptFeedback": {"blockReason": "SAFETY"}}, outcome="prompt_blocked")
    assert answer["response"]["status_code"] == 400
    assert answer["response"]["body"]["error"]["code"] == "content_filter"


def test_where_nothing_came_back_there_is_no_response() -> None:
    answer = line({}, outcome="missing")
    assert answer["response"] is None
    assert answer["error"] == {"code": "missing", "message": "Nothing came back for this request."}


@pytest.mark.parametrize("form", [CHAT, RESPONSES, COMPLETIONS, EMBEDDINGS])
@pytest.mark.parametrize(
    "response", [{}, {"candidates": None}, {"candidates": [{"content": None}, 3]}, {"usageMetadata": 1}]
)
def test_odd_responses_make_a_line_all_the_same(form: str, response: dict[str, Any]) -> None:
    assert line(response, form)["custom_id"] == "request-2"
