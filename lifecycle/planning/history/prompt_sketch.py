"""What kind of prompt a file of requests holds, in a few hundred bytes without a word of it: to know its like again."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import orjson
import xxhash

from lifecycle.requests.request_file import line_reader

SAMPLES, SAMPLE_BYTES = 24, 8_000_000
COMMON_SHARE = 0.8  # of the sampled requests that have a pair of words, for it to be of the instruction
MAX_PAIRS = 64
OTHER_FIELDS, OTHER_MEDIA, OTHER_THINKING = 0.4, 0.4, 0.5  # what likeness is multiplied by where these differ
NO_INSTRUCTION = 0.6  # likeness of prompts that share no words among themselves, on either side
LEAST_PROMPT_RATIO = 0.5  # so much at least where prompts are of another length: answers may be, too


class PromptSketch(msgspec.Struct, frozen=True):
    """A kind of prompt: digests of its answer's form and of the pairs of words that its requests share."""

    fields: str = ""
    media: tuple[str, ...] = ()
    thinking: str = ""
    pairs: tuple[int, ...] = ()


class Sampled(msgspec.Struct, frozen=True):
    """What a sample of requests asks for: the sketch, and the form of the answer as the first one has it."""

    sketch: PromptSketch
    schema: Mapping[str, Any] | None
    thinking: str


def sample_requests(path: Path) -> Sampled:
    """Look at a few requests spread over a file; one that cannot be read teaches nothing."""
    pairs: Counter[int] = Counter()
    media: set[str] = set()
    forms: Counter[bytes] = Counter()
    thinking: Counter[str] = Counter()
    seen = 0
    for request in _sample(path):
        config = request.get("generationConfig") or {}
        texts = list(_texts(request, media))
        words = " ".join(texts).split()
        pairs.update({_digest(f"{one} {other}") for one, other in pairwise(words)} or {_digest(w) for w in words})
        forms[_form(config)] += 1
        thinking[_thinking(config)] += 1
        seen += 1
    common = sorted(pair for pair, n in pairs.items() if n >= COMMON_SHARE * seen) if seen > 1 else []
    form = forms.most_common(1)[0][0] if forms else b""
    level = thinking.most_common(1)[0][0] if thinking else ""
    fields = xxhash.xxh3_64(form).hexdigest() if form else ""
    sketch = PromptSketch(fields, tuple(sorted(media)), level, tuple(common[:MAX_PAIRS]))
    return Sampled(sketch, orjson.loads(form) if form else None, level)


def with_config(sampled: Sampled, config: bytes) -> Sampled:
    """The same sample of rows whose settings are all this generationConfig."""
    settings = orjson.loads(config)
    form, level = _form(settings), _thinking(settings)
    fields = xxhash.xxh3_64(form).hexdigest() if form else ""
    sketch = msgspec.structs.replace(sampled.sketch, fields=fields, thinking=level)
    return Sampled(sketch, orjson.loads(form) if form else None, level)


def likeness(
    one: PromptSketch, other: PromptSketch, prompt_tokens: float = 0.0, other_prompt_tokens: float = 0.0
) -> float:
    """How like two kinds of prompt are, from 0 to 1; with the mean tokens of their prompts, if they are known."""
    like = _pairs_likeness(one.pairs, other.pairs)
    like *= 1.0 if one.fields == other.fields else OTHER_FIELDS
    like *= 1.0 if one.media == other.media else OTHER_MEDIA
    like *= 1.0 if one.thinking == other.thinking else OTHER_THINKING
    if prompt_tokens > 0 and other_prompt_tokens > 0:
        ratio = math.exp(-abs(math.log(prompt_tokens / other_prompt_tokens)))
        like *= 1.0 if ratio > LEAST_PROMPT_RATIO else max(LEAST_PROMPT_RATIO, 2 * ratio)
    return like


def _pairs_likeness(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    if not one or not other:
        return NO_INSTRUCTION if one == other else 0.0
    # The smallest digests of both together are a fair sample of all that either has.
    sample = set(sorted({*one, *other})[:MAX_PAIRS])
    return len(sample & set(one) & set(other)) / len(sample)


def _sample(path: Path) -> Iterator[dict[str, Any]]:
    """Requests at places spread over the file."""
    size = path.stat().st_size
    budget, after, reader = SAMPLE_BYTES, -1, line_reader(path)
    with path.open("rb") as file:
        for n in range(SAMPLES):
            place = size * n // SAMPLES
            if place <= after or budget <= 0:
                continue
            file.seek(max(0, place - 1))
            if place:
                file.readline(budget)  # the rest of the line before
            line = file.readline(budget)
            after, budget = file.tell(), budget - len(line)
            try:
                request = orjson.loads(reader.whole(line) if line.endswith(b"\n") else line)["request"]
            except (ValueError, KeyError, TypeError):
                continue
            if isinstance(request, dict):
                yield request


def _texts(request: Mapping[str, Any], media: set[str]) -> Iterator[str]:
    """The texts of a request; the kinds of its files are added to `media`."""
    contents = [request.get("systemInstruction"), *(request.get("contents") or [request.get("content")])]
    for content in contents:
        for part in (content or {}).get("parts") or ():
            if isinstance(part.get("text"), str):
                yield part["text"]
            file = part.get("inlineData") or part.get("fileData")
            if file:
                kind = str(file.get("mimeType") or "")
                media.add(kind if kind == "application/pdf" else kind.partition("/")[0])


def _form(config: Mapping[str, Any]) -> bytes:
    """The form that the answer is asked to have, always written the same; b"" for free text."""
    schema = config.get("responseSchema") or config.get("responseJsonSchema")
    if schema or config.get("responseMimeType") == "application/json":
        return orjson.dumps(schema or {}, option=orjson.OPT_SORT_KEYS)
    return b""


def _thinking(config: Mapping[str, Any]) -> str:
    """A level, a budget in tokens as digits, or "" where the model decides."""
    told = config.get("thinkingConfig") or {}
    budget = told.get("thinkingBudget")
    if budget is not None:
        return "off" if budget == 0 else "" if budget < 0 else str(budget)
    return str(told.get("thinkingLevel") or "").lower()


def _digest(text: str) -> int:
    return xxhash.xxh32_intdigest(text.encode())
