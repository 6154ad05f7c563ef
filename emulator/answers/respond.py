"""One generateContent request to one response, the same for an interactive call and for a row of a batch."""

from dataclasses import dataclass
from typing import Any
from zlib import crc32

from emulator.answers import outcomes
from emulator.answers.candidates import (
    Prompt,
    answer_tokens,
    candidates,
    picture_tokens,
    thinking_tokens,
    unseen_tokens,
)
from emulator.answers.pictures import MANY_PARTS
from emulator.answers.request_scope import CACHE_CONFLICT_MESSAGE, RequestScope
from emulator.core.errors import invalid
from emulator.core.models import LONG_CONTEXT, Model
from emulator.core.request_tokens import Counts, modality_details, request_tokens
from emulator.schema.checks import check_request, input_too_long

Usage = tuple[bool, int, int, int, int]  # long context; prompt, cached, candidates, thoughts
_CACHE_ONLY_FIELDS = frozenset({"systemInstruction", "tools", "toolConfig"})


@dataclass(slots=True)
class Answer:
    """A response of the wire, what it bills, and the outcome that the prompt asked for."""

    response: dict[str, Any]
    usage: Usage
    outcome: str


def respond(request: dict[str, Any], model: Model, scope: RequestScope) -> Answer:
    """Answer a normalised request. Raises the service's refusal; a refusal bills nothing."""
    check_request(request, model)
    counts = request_tokens(request, model, scope.count_file_tokens)
    cached: Counts = {}
    task_context = _text(request["systemInstruction"]) if "systemInstruction" in request else ""
    if "cachedContent" in request:
        cache = scope.find_cache(request["cachedContent"], model.id)
        if not _CACHE_ONLY_FIELDS.isdisjoint(request):
            raise invalid(CACHE_CONFLICT_MESSAGE)
        cached, task_context = cache.tokens, scope.cache_text(cache)
        counts = {m: cached.get(m, 0) + counts.get(m, 0) for m in {**cached, **counts}}
    total = sum(counts.values())
    if total > model.input_limit:
        raise input_too_long(model.input_limit)
    texts = [part["text"] for content in request["contents"] for part in content["parts"] if "text" in part]
    outcome, argument = outcomes.requested_outcome(texts)
    if outcome == "error":
        raise outcomes.row_error(argument)
    return _build_answer(
        request,
        model,
        counts,
        cached or scope.implicit_cache_tokens(request, model, counts),
        _prompt(texts, task_context)._replace(pictures=_picture_count(outcome, argument)),
        outcome,
    )


def _picture_count(outcome: str, argument: str) -> int:
    """How many pictures an image model answers with: one, or what `pictures:N` asks for."""
    if outcome == "pictures" and argument.isdecimal():
        return min(int(argument), MANY_PARTS)
    return 0 if outcome == "text_only" else 1


def _text(content: dict[str, Any]) -> str:
    return "\n".join(part["text"] for part in content.get("parts", ()) if "text" in part)


def _prompt(texts: list[str], task_context: str) -> Prompt:
    """The last text is what is asked; the task may be stated in the system instruction, the cache or the first text."""
    user_texts = [text for text in map(outcomes.strip_markers, texts) if text] or [""]
    text = user_texts[-1]
    task_context = task_context or (user_texts[0] if len(user_texts) > 1 else "")
    return Prompt(
        text, task_context, crc32(text.encode(errors="replace"), crc32(task_context[:2000].encode(errors="replace")))
    )


def _build_answer(
    request: dict[str, Any], model: Model, counts: Counts, cached: Counts, prompt: Prompt, outcome: str
) -> Answer:
    config: dict[str, Any] = request.get("generationConfig") or {}
    thoughts = thinking_tokens(config, model, prompt.seed, outcome)
    candidate_list = candidates(request, config, model, prompt, outcome, thoughts)
    output = answer_tokens(candidate_list, picture_tokens(config, model))
    output_tokens = sum(output.values()) + unseen_tokens(candidate_list, model, prompt.seed)
    total, cached_tokens = sum(counts.values()), sum(cached.values())
    response: dict[str, Any] = {"candidates": candidate_list} if candidate_list else {}
    if outcome == "prompt_blocked":
        response["promptFeedback"] = {"blockReason": "PROHIBITED_CONTENT"}
    usage: dict[str, Any] = {"promptTokenCount": total, "totalTokenCount": total + output_tokens + thoughts}
    usage["promptTokensDetails"] = modality_details(counts)
    if output_tokens:
        usage["candidatesTokenCount"] = output_tokens
    if media_output := modality_details({kind: count for kind, count in output.items() if kind != "TEXT"}):
        usage["candidatesTokensDetails"] = media_output  # text is not itemised (recorded 2026-08-19)
    if cached_tokens:
        usage["cachedContentTokenCount"] = cached_tokens
        usage["cacheTokensDetails"] = modality_details(cached)
    if thoughts:
        usage["thoughtsTokenCount"] = thoughts
    usage["serviceTier"] = "standard"  # in batches, too (recorded 2026-08-19)
    response["usageMetadata"] = usage
    response["modelVersion"] = model.id
    response["responseId"] = f"{prompt.seed:08x}{total & 0xFFFF:04x}sim"
    return Answer(response, (total > LONG_CONTEXT, total, cached_tokens, output_tokens, thoughts), outcome)
