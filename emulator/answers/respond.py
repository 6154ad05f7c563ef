"""One generateContent request to one response, the same for an interactive call and for a row of a batch."""

from dataclasses import dataclass
from typing import Any
from zlib import crc32

from emulator.answers import outcomes
from emulator.answers.candidates import Prompt, candidates, modality, spoken_tokens, thinking
from emulator.answers.request_scope import CONFLICT, World
from emulator.core.errors import invalid
from emulator.core.models import LONG_CONTEXT, Model
from emulator.core.request_tokens import Counts, details, request_tokens
from emulator.schema.checks import check_request, too_long

Usage = tuple[bool, int, int, int, int]  # long context; prompt, cached, candidates, thoughts
_IN_CACHE = frozenset({"systemInstruction", "tools", "toolConfig"})


@dataclass(slots=True)
class Answer:
    """A response of the wire, what it bills, and the outcome that the prompt asked for."""

    response: dict[str, Any]
    usage: Usage
    outcome: str


def respond(request: dict[str, Any], model: Model, world: World) -> Answer:
    """Answer a normalised request. Raises the service's refusal; a refusal bills nothing."""
    check_request(request, model)
    counts = request_tokens(request, world.weigh)
    cached: Counts = {}
    setting = _text(request["systemInstruction"]) if "systemInstruction" in request else ""
    if "cachedContent" in request:
        cache = world.cached(request["cachedContent"], model.id)
        if not _IN_CACHE.isdisjoint(request):
            raise invalid(CONFLICT)
        cached, setting = cache.tokens, world.cached_text(cache)
        counts = {m: cached.get(m, 0) + counts.get(m, 0) for m in {**cached, **counts}}
    total = sum(counts.values())
    if total > model.input_limit:
        raise too_long(model.input_limit)
    texts = [part["text"] for content in request["contents"] for part in content["parts"] if "text" in part]
    outcome, argument = outcomes.asked(texts)
    if outcome == "error":
        raise outcomes.row_error(argument)
    return _answer(
        request, model, counts, cached or world.implicit(request, model, counts), _prompt(texts, setting), outcome
    )


def _text(content: dict[str, Any]) -> str:
    return "\n".join(part["text"] for part in content.get("parts", ()) if "text" in part)


def _prompt(texts: list[str], setting: str) -> Prompt:
    """The last text is what is asked; the task may be stated in the system instruction, the cache or the first text."""
    spoken = [text for text in map(outcomes.unmarked, texts) if text] or [""]
    text = spoken[-1]
    setting = setting or (spoken[0] if len(spoken) > 1 else "")
    return Prompt(text, setting, crc32(text.encode(errors="replace"), crc32(setting[:2000].encode(errors="replace"))))


def _answer(
    request: dict[str, Any], model: Model, counts: Counts, cached: Counts, prompt: Prompt, outcome: str
) -> Answer:
    config: dict[str, Any] = request.get("generationConfig") or {}
    thoughts = thinking(config, model, prompt.seed, outcome)
    made = candidates(request, config, model, prompt, outcome, thoughts)
    spoken = spoken_tokens(made, model)
    total, hit = sum(counts.values()), sum(cached.values())
    response: dict[str, Any] = {"candidates": made} if made else {}
    if outcome == "prompt_blocked":
        response["promptFeedback"] = {"blockReason": "PROHIBITED_CONTENT"}
    usage: dict[str, Any] = {"promptTokenCount": total, "totalTokenCount": total + spoken + thoughts}
    usage["promptTokensDetails"] = details(counts)
    if spoken:
        usage["candidatesTokenCount"] = spoken
        usage["candidatesTokensDetails"] = [{"modality": modality(made), "tokenCount": spoken}]
    if hit:
        usage["cachedContentTokenCount"] = hit
        usage["cacheTokensDetails"] = details(cached)
    if thoughts:
        usage["thoughtsTokenCount"] = thoughts
    response["usageMetadata"] = usage
    response["modelVersion"] = model.id
    response["responseId"] = f"{prompt.seed:08x}{total & 0xFFFF:04x}sim"
    return Answer(response, (total > LONG_CONTEXT, total, hit, spoken, thoughts), outcome)
