"""Answers of Gemini as OpenAI's batch gives them back, so that a script that reads those need not change.

A line is `{"id", "custom_id", "response": {"status_code", "request_id", "body"}, "error"}`; the body is that of the
form that was asked. What failed is a body with an error, or no response at all where none came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from batch.dialects.conversion import Json, objects_of
from batch.dialects.recognise import CHAT, COMPLETIONS, EMBEDDINGS, RESPONSES
from batch.model import Outcome

OPENAI_FORMS = (CHAT, RESPONSES, COMPLETIONS, EMBEDDINGS)
_FINISH = {"STOP": "stop", "MAX_TOKENS": "length", "FINISH_REASON_UNSPECIFIED": "stop"}  # all others: content_filter
_HTTP = {1: 499, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 10: 409, 11: 400, 12: 501, 14: 503, 16: 401}
_NO_ANSWER = {
    Outcome.MISSING: "Nothing came back for this request.",
    Outcome.NO_RESPONSE: "The request was not answered.",
}


@dataclass(frozen=True)
class AnsweredRow:
    """What is known of a row: its key and outcome, Gemini's response ({} for none), and why there is none."""

    key: str
    outcome: str
    response: Json
    error_code: int | None = None
    error_message: str = ""


def answer_line(row: AnsweredRow, form: str, model: str, created: int) -> Json:
    """The result line of one row. `created` is in epoch seconds, `model` the one that answered."""
    if row.outcome in _NO_ANSWER and row.error_code is None:
        error = {"code": row.outcome, "message": row.error_message or _NO_ANSWER[Outcome(row.outcome)]}
        return {"id": f"batch_req_{row.key}", "custom_id": row.key, "response": None, "error": error}
    status, body = 200, dict[str, Any]()
    if row.response and row.outcome != Outcome.PROMPT_BLOCKED:
        body = _BODIES[form](row.response, model, created)
    else:
        status, body = _HTTP.get(row.error_code or 3, 500), {"error": _error(row)}
    number = str(row.response.get("responseId") or row.key)
    response = {"status_code": status, "request_id": f"req_{number}", "body": body}
    return {"id": f"batch_req_{row.key}", "custom_id": row.key, "response": response, "error": None}


def _error(row: AnsweredRow) -> Json:
    blocked = row.outcome == Outcome.PROMPT_BLOCKED
    of_request = blocked or _HTTP.get(row.error_code or 3, 500) < 429
    return {
        "message": row.error_message or "The request failed.",
        "type": "invalid_request_error" if of_request else "server_error",
        "param": None,
        "code": "content_filter" if blocked else row.outcome,
    }


def _parts(candidate: Json) -> list[Json]:
    content = candidate.get("content")
    return [part for part in objects_of((content or {}).get("parts")) if not part.get("thought")]


def _text(parts: list[Json]) -> str:
    return "".join(str(part["text"]) for part in parts if isinstance(part.get("text"), str))


def _calls(parts: list[Json], place: int) -> list[tuple[str, Json]]:
    """The function calls of an answer with the ids that they go by."""
    calls = [call for part in parts if isinstance(call := part.get("functionCall"), dict)]
    return [(str(call.get("id") or f"call_{place}_{number}"), call) for number, call in enumerate(calls)]


def _arguments(call: Mapping[str, Any]) -> str:
    return orjson.dumps(call.get("args") or {}).decode()


def _finish_reason(candidate: Json, *, calls: bool) -> str:
    reason = _FINISH.get(str(candidate.get("finishReason") or "STOP"), "content_filter")
    return "tool_calls" if calls and reason == "stop" else reason


def _counts(response: Json) -> tuple[int, int, int, int]:
    """Tokens of the prompt, those of them that were cached, of the answer with its thoughts, and of the thoughts."""
    given = response.get("usageMetadata")
    usage: Json = given if isinstance(given, dict) else {}
    names = ("promptTokenCount", "toolUsePromptTokenCount", "cachedContentTokenCount")
    prompt, tools, cached = (int(usage.get(name) or 0) for name in names)
    thoughts = int(usage.get("thoughtsTokenCount") or 0)
    return prompt + tools, cached, int(usage.get("candidatesTokenCount") or 0) + thoughts, thoughts


def _usage(response: Json) -> Json:
    prompt, cached, output, thoughts = _counts(response)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": thoughts},
    }


def _chat(response: Json, model: str, created: int) -> Json:
    choices = [_choice(index, one) for index, one in enumerate(objects_of(response.get("candidates")))]
    return {
        "id": f"chatcmpl-{response.get('responseId') or created}",
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": choices,
        "usage": _usage(response),
        "system_fingerprint": None,
    }


def _choice(index: int, candidate: Json) -> Json:
    parts = _parts(candidate)
    calls = [
        {"id": name, "type": "function", "function": {"name": call.get("name"), "arguments": _arguments(call)}}
        for name, call in _calls(parts, index)
    ]
    text = _text(parts)
    message: Json = {"role": "assistant", "content": text if text or not calls else None, "refusal": None}
    return {
        "index": index,
        "message": message | ({"tool_calls": calls} if calls else {}),
        "logprobs": None,
        "finish_reason": _finish_reason(candidate, calls=bool(calls)),
    }


def _response(response: Json, model: str, created: int) -> Json:
    candidate = next(iter(objects_of(response.get("candidates"))), {})
    parts, number = _parts(candidate), response.get("responseId") or created
    reason = _finish_reason(candidate, calls=False)
    cut_off = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(reason)
    status = "incomplete" if cut_off else "completed"
    prompt, cached, output, thoughts = _counts(response)
    return {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": created,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": cut_off} if cut_off else None,
        "model": model,
        "output": _output_items(parts, number, status),
        "usage": {
            "input_tokens": prompt,
            "input_tokens_details": {"cached_tokens": cached},
            "output_tokens": output,
            "output_tokens_details": {"reasoning_tokens": thoughts},
            "total_tokens": prompt + output,
        },
    }


def _output_items(parts: list[Json], number: object, status: str) -> list[Json]:
    calls, items = _calls(parts, 0), list[Json]()
    text = _text(parts)
    if text or not calls:
        content = [{"type": "output_text", "text": text, "annotations": []}]
        message = {"type": "message", "id": f"msg_{number}", "status": status, "role": "assistant", "content": content}
        items.append(message)
    for name, call in calls:
        function = {"name": call.get("name"), "arguments": _arguments(call), "status": "completed"}
        items.append({"type": "function_call", "id": f"fc_{name}", "call_id": name, **function})
    return items


def _completion(response: Json, model: str, created: int) -> Json:
    choices = [
        {
            "text": _text(_parts(one)),
            "index": index,
            "logprobs": None,
            "finish_reason": _finish_reason(one, calls=False),
        }
        for index, one in enumerate(objects_of(response.get("candidates")))
    ]
    return {
        "id": f"cmpl-{response.get('responseId') or created}",
        "object": "text_completion",
        "created": created,
        "model": model,
        "choices": choices,
        "usage": _usage(response),
    }


def _embedding(response: Json, model: str, created: int) -> Json:
    given = response.get("embedding")
    values = given.get("values") if isinstance(given, dict) else None
    tokens = _counts(response)[0] or int(response.get("tokenCount") or 0)
    return {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": values or []}],
        "model": model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


_BODIES = {CHAT: _chat, RESPONSES: _response, COMPLETIONS: _completion, EMBEDDINGS: _embedding}
