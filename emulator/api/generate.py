"""Interactive calls: generateContent, streamGenerateContent, countTokens, embedContent, batchEmbedContents, models."""

import re
from collections.abc import AsyncIterator, Iterable
from typing import Any

import orjson
from starlette.responses import Response, StreamingResponse

from emulator.answers.embeddings import embed
from emulator.answers.request_scope import World
from emulator.answers.respond import Answer, respond
from emulator.call.api_call import Call, encode
from emulator.core import models
from emulator.core.errors import invalid
from emulator.core.models import Model
from emulator.core.request_tokens import Counts, details, request_tokens
from emulator.schema.checks import check_contents


def _world(call: Call, abroad: bool = False) -> World:
    return World(call.state, call.owner, call.state.clock.now(), abroad)


async def _answer(call: Call, method: str) -> Answer:
    model = models.find(call.params["model"], method, call.version)
    answer = respond(await call.read("GenerateContentRequest"), model, _world(call))
    _bill(call, model, answer.usage)
    return answer


def _bill(call: Call, model: Model, usage: tuple[bool, int, int, int, int]) -> None:
    call.state.store.add_usage("", model.id, usage[0], [*usage[1:], 1])


async def generate(call: Call) -> Response:
    return await call.reply((await _answer(call, "generateContent")).response)


async def stream(call: Call) -> Response:
    """Three events or more, each with text; the last one also has the reason why it ended.

    With alt=sse every event ends with an empty line; without, the events are one JSON array, and no newline follows it.
    """
    response = (await _answer(call, "generateContent")).response
    events = [orjson.dumps(event) for event in _events(response)]
    if call.request.query_params.get("alt") == "sse":
        body = _each(b"data: " + event + b"\r\n\r\n" for event in events)
        return StreamingResponse(body, media_type="text/event-stream")
    return await encode(call.request, b"[" + b",\r\n".join(events) + b"]")


async def _each(blocks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block


def _events(response: dict[str, Any]) -> list[dict[str, Any]]:
    """A response in pieces of its first candidate's text. What has no text to cut comes as one event."""
    candidate = (response.get("candidates") or [{}])[0]
    parts = candidate.get("content", {}).get("parts", [])
    text = parts[-1].get("text", "") if parts else ""
    if len(text) < 3:
        return [response]
    pieces = _thirds(text)
    usage = response["usageMetadata"]
    early = {k: v for k, v in usage.items() if not k.startswith("candidates")}
    early["totalTokenCount"] = usage["promptTokenCount"] + usage.get("thoughtsTokenCount", 0)
    events: list[dict[str, Any]] = []
    for piece in pieces[:-1]:
        lead = parts[:-1] if not events else []
        content = {"parts": [*lead, {**parts[-1], "text": piece}], "role": "model"}
        events.append({**response, "candidates": [{"content": content, "index": 0}], "usageMetadata": early})
    last = {**candidate, "content": {"parts": [{**parts[-1], "text": pieces[-1]}], "role": "model"}}
    return [*events, {**response, "candidates": [last, *response["candidates"][1:]]}]


def _thirds(text: str) -> list[str]:
    """A text in three or more pieces, broken behind words where there are enough."""
    words = re.findall(r"\S+\s*|\s+", text)
    if len(words) < 3:
        third = max(1, len(text) // 3)
        return [text[:third], text[third : 2 * third], text[2 * third :]]
    size = max(1, min(12, len(words) // 3))
    return ["".join(words[i : i + size]) for i in range(0, len(words), size)]


async def count_tokens(call: Call) -> Response:
    """Count `contents`, or a whole `generateContentRequest` with its system instruction, tools and cache."""
    model = models.find(call.params["model"], "countTokens", call.version)
    body = await call.read("CountTokensRequest")
    if "contents" in body and "generateContentRequest" in body:
        raise invalid("Only one of contents and generate_content_request may be set.")
    wanted = body.get("generateContentRequest") or {"contents": body.get("contents")}
    check_contents(wanted, "CountTokensRequest")
    world = _world(call)
    counts = request_tokens(wanted, world.weigh)
    cached: Counts = world.cached(wanted["cachedContent"], model.id).tokens if "cachedContent" in wanted else {}
    counts = {m: cached.get(m, 0) + counts.get(m, 0) for m in (*cached, *counts)}
    answer: dict[str, Any] = {"totalTokens": sum(counts.values()), "promptTokensDetails": details(counts)}
    if cached:
        answer |= {"cachedContentTokenCount": sum(cached.values()), "cacheTokensDetails": details(cached)}
    return await call.reply(answer)


async def embed_one(call: Call) -> Response:
    model = models.find(call.params["model"], "embedContent", call.version)
    values, tokens = embed(await call.read("EmbedContentRequest"), model, _world(call, abroad=True))
    _bill(call, model, (False, tokens, 0, 0, 0))
    return await call.reply({"embedding": {"values": values}})


async def embed_many(call: Call) -> Response:
    """batchEmbedContents: interactive, although its name says batch."""
    model = models.find(call.params["model"], "embedContent", call.version)
    wanted = (await call.read("BatchEmbedContentsRequest")).get("requests") or []
    if not wanted:
        raise invalid("* BatchEmbedContentsRequest.requests: requests is not specified\n")
    world = _world(call, abroad=True)
    made = [embed(request, model, world) for request in wanted]
    for _, tokens in made:
        _bill(call, model, (False, tokens, 0, 0, 0))
    return await call.reply({"embeddings": [{"values": values} for values, _ in made]})


async def list_models(call: Call) -> Response:
    caching = call.state.settings.explicit_caching
    shown = sorted(models.listed(call.version), key=lambda m: m.id, reverse=True)
    return await call.reply(call.page(shown, lambda m: m.id, lambda m: m.resource(caching), "models"))


async def get_model(call: Call) -> Response:
    model = models.find(call.params["model"], "", call.version)
    return await call.reply(model.resource(call.state.settings.explicit_caching))


async def list_tuned(call: Call) -> Response:
    """There are no tuned models."""
    return await call.reply({})
