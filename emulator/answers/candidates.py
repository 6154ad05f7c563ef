"""The candidates of a response: text, JSON, pictures, sound, or the shape of an outcome that was asked for."""

import base64
from typing import Any, NamedTuple
from zlib import crc32

import orjson

from emulator.answers import outcomes, pictures, text_answers
from emulator.answers.schema_sampler import sample
from emulator.answers.stock_text import MARK
from emulator.core import media
from emulator.core.models import Model
from emulator.core.request_tokens import Counts, add_tokens
from emulator.core.text_tokens import memoized_text_tokens, truncate

_MAX_THOUGHTS = {"MINIMAL": 40, "LOW": 120, "MEDIUM": 300, "HIGH": 700}  # assumed
_SCHEMAS = ("responseSchema", "responseJsonSchema", "_responseJsonSchema")


class Prompt(NamedTuple):
    """What is asked, where the task is stated, and the number that makes the answer the same each time.

    `pictures` is how many an image model answers with.
    """

    text: str
    task_context: str
    seed: int
    pictures: int = 1


def thinking_tokens(config: dict[str, Any], model: Model, seed: int, outcome: str) -> int:
    """Thinking tokens: none, or a few dozen to some hundreds, never more than half of what may be written."""
    if outcome == "max_tokens_empty":
        return int(config.get("maxOutputTokens") or 64)
    if model.thinking == "none" or outcome == "prompt_blocked":
        return 0
    if not config:
        return 16 + seed // 7 % 300
    thinking_config = config.get("thinkingConfig") or {}
    budget = thinking_config.get("thinkingBudget", -1)
    tokens = 16 + seed // 7 % _MAX_THOUGHTS.get(thinking_config.get("thinkingLevel", ""), 300)
    if budget >= 0:
        tokens = min(tokens, budget)
    return int(min(tokens, config["maxOutputTokens"] // 2) if "maxOutputTokens" in config else tokens)


def candidates(
    request: dict[str, Any], config: dict[str, Any], model: Model, prompt: Prompt, outcome: str, thoughts: int
) -> list[dict[str, Any]]:
    """The candidates; none for a blocked prompt."""
    if outcome in ("ok", "text_only", "pictures"):
        return [
            _normal_candidate(config, model, prompt, index, thoughts)
            for index in range(config.get("candidateCount", 1))
        ]
    if outcome in ("prompt_blocked", "no_candidates"):
        return []
    special = outcomes.special_candidate(outcome, _text(config, prompt, 0), _declared_tools(request))
    if special and outcome == "tool_call" and model.generation >= 3:
        special["content"]["parts"][0]["thoughtSignature"] = _signature(prompt.seed)
    return [{**special, "index": 0}] if special else [_normal_candidate(config, model, prompt, 0, thoughts)]


def _declared_tools(request: dict[str, Any]) -> list[str]:
    declared = (f for tool in request.get("tools") or () for f in tool.get("functionDeclarations") or ())
    return [f.get("name", "") for f in declared]


def _normal_candidate(
    config: dict[str, Any], model: Model, prompt: Prompt, index: int, thoughts: int
) -> dict[str, Any]:
    parts, finish = _parts(config, model, prompt, index, thoughts)
    if model.generation >= 3 and thoughts:
        parts = _signed(parts, prompt.seed + index)
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "finishReason": finish, "index": index}
    if config.get("responseLogprobs"):
        candidate |= _logprobs(parts[-1].get("text", ""), config.get("logprobs") or 1)
    return candidate


def _signed(parts: list[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """Parts with a thought signature, as 3.x sends it: beside the last part, or in a part of its own (e12, e14)."""
    if seed % 2 and "text" in parts[-1]:
        return [*parts, {"thoughtSignature": _signature(seed)}]
    return [*parts[:-1], {**parts[-1], "thoughtSignature": _signature(seed)}]


def _signature(seed: int) -> str:
    return base64.b64encode(f"{MARK} signature {seed:08x}".encode()).decode()


def _parts(
    config: dict[str, Any], model: Model, prompt: Prompt, index: int, thoughts: int
) -> tuple[list[dict[str, Any]], str]:
    if model.makes_pictures or model.speech:
        media_parts = _media_parts(config, model, prompt.seed + index, prompt.pictures)
        if media_parts:
            return media_parts, "STOP"
    text = _text(config, prompt, index)
    return _limited_parts(config, text, thoughts) if config else ([{"text": text}], "STOP")


def _media_parts(config: dict[str, Any], model: Model, seed: int, count: int) -> list[dict[str, Any]]:
    """Pictures or sound, if the model makes those and they are asked for; else nothing."""
    modalities = config.get("responseModalities") or ()
    if model.makes_pictures and (not modalities or "IMAGE" in modalities):
        return pictures.picture_parts(config, model, seed, count) if count else []
    if model.speech and "AUDIO" in modalities:
        sound = base64.b64encode(media.silent_pcm(0.2)).decode()
        return [{"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": sound}}]
    return []


def _limited_parts(config: dict[str, Any], text: str, thoughts: int) -> tuple[list[dict[str, Any]], str]:
    """A text within the limits that the config sets: thoughts count against maxOutputTokens."""
    finish, limit = "STOP", config.get("maxOutputTokens")
    if limit and memoized_text_tokens(text) > limit - thoughts:
        text, finish = truncate(text, max(1, limit - thoughts)), "MAX_TOKENS"
    for stop in config.get("stopSequences") or ():
        text = text.partition(stop)[0]
    if thoughts and (config.get("thinkingConfig") or {}).get("includeThoughts"):
        return [{"text": f"{MARK} Weighing the request.", "thought": True}, {"text": text}], finish
    return [{"text": text}], finish


def _text(config: dict[str, Any], prompt: Prompt, index: int) -> str:
    """The whole text, in the form that the config asks for."""
    seed, mime = prompt.seed + index, config.get("responseMimeType")
    if not mime or mime == "text/plain":
        return text_answers.answer(prompt.text, prompt.task_context, seed)
    schema = next((config[name] for name in _SCHEMAS if config.get(name)), None)
    if schema:
        value = sample(schema, seed, prompt.text)
        return str(value) if mime == "text/x.enum" else orjson.dumps(value).decode()
    text = text_answers.answer(prompt.text, prompt.task_context, seed)
    return text if text.startswith("{") else orjson.dumps({"answer": text}).decode()


def answer_tokens(candidate_list: list[dict[str, Any]], picture_tokens: int) -> Counts:
    """Tokens of what was answered by modality, thoughts apart."""
    counts: Counts = {}
    for candidate in candidate_list:
        for part in candidate["content"].get("parts", ()):
            if "thought" in part:
                continue
            if "text" in part:
                add_tokens(counts, "TEXT", memoized_text_tokens(part["text"]))
            elif "inlineData" in part:
                is_picture = part["inlineData"]["mimeType"].startswith("image/")
                add_tokens(counts, "IMAGE" if is_picture else "AUDIO", picture_tokens if is_picture else 32)
            elif "functionCall" in part:
                add_tokens(counts, "TEXT", 12)
    return counts


def picture_tokens(config: dict[str, Any], model: Model) -> int:
    """What one picture of the size that is asked for counts; 1K unless something else is said."""
    size = (config.get("imageConfig") or {}).get("imageSize") or "1K"
    return model.image_sizes.get(size, 0)


def unseen_tokens(candidate_list: list[dict[str, Any]], model: Model, seed: int) -> int:
    """Output tokens that 3.x counts beside a picture and nothing shows: 414 to 482 in seven calls (October 2026)."""
    shown = any("inlineData" in part for one in candidate_list for part in one["content"].get("parts", ()))
    return 300 + seed % 100 if shown and model.makes_pictures and model.generation >= 3 else 0


def _logprobs(text: str, top: int) -> dict[str, Any]:
    """Log probabilities, one a word: made up, in shape."""
    tokens = text.split(" ")[:50]
    chosen = [{"token": w, "tokenId": crc32(w.encode()) & 0xFFFF, "logProbability": -0.25} for w in tokens]
    result = {"topCandidates": [{"candidates": [c] * top} for c in chosen], "chosenCandidates": chosen}
    return {"avgLogprobs": -0.25, "logprobsResult": result}
