"""Interactive calls: generateContent, streamGenerateContent, countTokens, embedContent, batchEmbedContents, models."""

import re
from collections.abc import AsyncIterator, Iterable
from typing import Any

import orjson
from starlette.responses import Response, StreamingResponse

from emulator.answers.embeddings import embed
from emulator.answers.request_scope import RequestScope
from emulator.answers.respond import Answer, respond
from emulator.call.api_call import EVENT_STREAM, INLINE_BODY_LIMIT, ApiCall, json_response
from emulator.core import model_list
from emulator.core.errors import invalid
from emulator.core.models import Model
from emulator.core.request_tokens import Counts, modality_details, request_tokens
from emulator.schema.checks import check_contents


def _request_scope(call: ApiCall, allow_gcs: bool = False) -> RequestScope:
    return RequestScope(call.state, call.owner, call.state.clock.now(), allow_gcs)


async def _answer(call: ApiCall, method: str) -> Answer:
    model = model_list.find_model(call.params["model"], method, call.version)
    answer = respond(await call.read("GenerateContentRequest", INLINE_BODY_LIMIT), model, _request_scope(call))
    _record_usage(call, model, answer.usage)
    return answer


def _record_usage(call: ApiCall, model: Model, usage: tuple[bool, int, int, int, int]) -> None:
    call.state.store.add_usage("", model.id, usage[0], [*usage[1:], 1])


async def generate(call: ApiCall) -> Response:
    return await call.reply((await _answer(call, "generateContent")).response)


async def stream(call: ApiCall) -> Response:
    """Three events or more, each with text; the last one also has the reason why it ended.

    With alt=sse every event ends with an empty line; without, the events are one JSON array, and no newline follows it.
    """
    response = (await _answer(call, "generateContent")).response
    events = [orjson.dumps(event) for event in _events(response)]
    if call.request.query_params.get("alt") == "sse":
        body = _as_async_iterator(b"data: " + event + b"\r\n\r\n" for event in events)
        return StreamingResponse(body, media_type=EVENT_STREAM)
    return await json_response(call.request, b"[" + b",\r\n".join(events) + b"]")


async def _as_async_iterator(blocks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block


def _events(response: dict[str, Any]) -> list[dict[str, Any]]:
    """A response in pieces of its first candidate's text. What has no text to cut comes as one event."""
    candidate = (response.get("candidates") or [{}])[0]
    parts = candidate.get("content", {}).get("parts", [])
    signature = parts[-1].get("thoughtSignature") if parts else None
    if parts and len(parts) > 1 and "text" not in parts[-1] and signature:
        parts = parts[:-1]
    text = parts[-1].get("text", "") if parts else ""
    if len(text) < 3:
        return [response]
    pieces = _split_text(text)
    usage = response["usageMetadata"]
    partial_usage = {k: v for k, v in usage.items() if not k.startswith("candidates")}
    partial_usage["totalTokenCount"] = usage["promptTokenCount"] + usage.get("thoughtsTokenCount", 0)
    events: list[dict[str, Any]] = []
    for piece in pieces[:-1]:
        leading_parts = parts[:-1] if not events else []
        content = {"parts": [*leading_parts, {"text": piece}], "role": "model"}
        events.append({**response, "candidates": [{"content": content, "index": 0}], "usageMetadata": partial_usage})
    last_parts = [{"text": pieces[-1]}, *([{"text": "", "thoughtSignature": signature}] if signature else [])]
    last_candidate = {**candidate, "content": {"parts": last_parts, "role": "model"}}
    return [*events, {**response, "candidates": [last_candidate, *response["candidates"][1:]]}]


def _split_text(text: str) -> list[str]:
    """A text in three or more pieces, broken behind words where there are enough."""
    words = re.findall(r"\S+\s*|\s+", text)
    if len(words) < 3:
        third = max(1, len(text) // 3)
        return [text[:third], text[third : 2 * third], text[2 * third :]]
    size = max(1, min(12, len(words) // 3))
    return ["".join(words[i : i + size]) for i in range(0, len(words), size)]


async def count_tokens(call: ApiCall) -> Response:
    """Count `contents`, or a whole `generateContentRequest` with its system instruction, tools and cache."""
    model = model_list.find_model(call.params["model"], "countTokens", call.version)
    body = await call.read("CountTokensRequest")
    if "contents" in body and "generateContentRequest" in body:
        raise invalid("Only one of contents and generate_content_request may be set.")
    request = body.get("generateContentRequest") or {"contents": body.get("contents")}
    check_contents(request, "CountTokensRequest")
    scope = _request_scope(call)
    counts = request_tokens(request, model, scope.count_file_tokens)
    cached: Counts = scope.find_cache(request["cachedContent"], model.id).tokens if "cachedContent" in request else {}
    counts = {m: cached.get(m, 0) + counts.get(m, 0) for m in (*cached, *counts)}
    answer: dict[str, Any] = {"totalTokens": sum(counts.values()), "promptTokensDetails": modality_details(counts)}
    if cached:
        answer |= {"cachedContentTokenCount": sum(cached.values()), "cacheTokensDetails": modality_details(cached)}
    return await call.reply(answer)


async def embed_one(call: ApiCall) -> Response:
    model = model_list.find_model(call.params["model"], "embedContent", call.version)
    values, tokens = embed(await call.read("EmbedContentRequest"), model, _request_scope(call, allow_gcs=True))
    _record_usage(call, model, (False, tokens, 0, 0, 0))
    return await call.reply({"embedding": {"values": values}})


async def embed_many(call: ApiCall) -> Response:
    """batchEmbedContents: interactive, although its name says batch."""
    model = model_list.find_model(call.params["model"], "embedContent", call.version)
    requests = (await call.read("BatchEmbedContentsRequest")).get("requests") or []
    if not requests:
        raise invalid("* BatchEmbedContentsRequest.requests: requests is not specified\n")
    scope = _request_scope(call, allow_gcs=True)
    embeddings = [embed(request, model, scope) for request in requests]
    for _, tokens in embeddings:
        _record_usage(call, model, (False, tokens, 0, 0, 0))
    answer: dict[str, Any] = {"embeddings": [{"values": values} for values, _ in embeddings]}
    if "embedding-2" in model.id:  # recorded in August 2026; "promptTokenDetails" is spelled so
        total = sum(tokens for _, tokens in embeddings)
        details = modality_details({"TEXT": total})
        answer["usageMetadata"] = {"promptTokenCount": total, "promptTokenDetails": details}
    return await call.reply(answer)


async def list_models(call: ApiCall) -> Response:
    caching = call.state.settings.explicit_caching
    visible = sorted(model_list.visible_models(call.version), key=lambda m: m.id, reverse=True)
    return await call.reply(call.page(visible, lambda m: m.id, lambda m: m.resource(caching), "models"))


async def get_model(call: ApiCall) -> Response:
    model = model_list.find_model(call.params["model"], "", call.version)
    return await call.reply(model.resource(call.state.settings.explicit_caching))


async def list_tuned(call: ApiCall) -> Response:
    """There are no tuned models."""
    return await call.reply({})
