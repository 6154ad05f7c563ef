"""Inputs to try things out with: a few prompts to type, and files of requests built from tables of words.

Every sample is the same on every computer, is written here and nowhere copied from, and concerns nobody. Only the
sample of mixed outcomes holds marks for the emulator; to Google its rows would be ordinary prompts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, BinaryIO, TypeVar

import orjson

from batch.samples.sample_texts import (
    CHANNELS,
    COMPLAINTS,
    CUSTOMER_REQUESTS,
    DETAILS,
    HANDBOOK_OPENING,
    ITEMS,
    QUESTIONS,
    REVIEW_ENDS,
    REVIEW_STARTS,
    SENTIMENTS,
    TOOL_FACTS,
    TOOLS,
    TRANSLATIONS,
    TRIAGE_GUIDE,
)

Request = dict[str, Any]
RequestBuilder = Callable[[int], Request]
T = TypeVar("T")

INLINE_PROMPTS = (
    "Classify the sentiment of this review as positive, negative or neutral: The kettle is quiet and quick, but the lid"
    " came loose after a week.",
    "Classify the sentiment of this review as positive, negative or neutral: Exactly what I had hoped for, and it"
    " arrived a day early.",
    "Classify the sentiment of this review as positive, negative or neutral: It does what it says, and no more.",
    "Triage this support ticket and give its priority: The invoice for March has two delivery charges for one parcel.",
    "Triage this support ticket and give its priority: Since this morning nobody in our office can sign in, on any"
    " device.",
    "Triage this support ticket and give its priority: Please change the delivery address of an order that has not"
    " left yet.",
    "Summarize in one sentence: The workshop moves to the ground floor in May. The lift stays closed until then, and"
    " heavy machines are lent only from the side entrance.",
    "Summarize in one sentence: A cached prefix is stored by the hour. It pays when many requests share it and the job"
    " is done before the storage has eaten the saving.",
    "Translate to French: The reading room closes half an hour before the building does.",
)

TRIAGE, REVIEWS, EXTRACTIONS, TRANSLATED = 500, 360, 240, 100
EXTRACTION_SCHEMA = {
    "type": "OBJECT",
    "properties": {
        "order": {"type": "STRING", "description": "The order number"},
        "item": {"type": "STRING"},
        "amount": {"type": "NUMBER", "nullable": True},
        "date": {"type": "STRING", "description": "As YYYY-MM-DD", "nullable": True},
        "wish": {"type": "STRING", "enum": ["refund", "replacement", "information", "other"]},
    },
    "required": ["order", "item", "wish"],
    "propertyOrdering": ["order", "item", "amount", "date", "wish"],
}
OUTCOMES = (
    "ok", "prompt_blocked", "safety", "recitation", "max_tokens", "max_tokens_empty", "empty", "no_candidates",
    "thought_only", "tool_call", "refusal", "invalid_json", "no_response", "error:8", "error:13", "error:3", "drop_row",
)  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """A file of requests. `name` is its id, `file_name` what it is called when it is offered as a file, `kind` what
    its answers are, named as in the catalog."""

    name: str
    title: str
    description: str
    rows: Callable[[], Iterator[tuple[str, Request]]]
    kind: str = "text"

    @property
    def file_name(self) -> str:
        return f"{self.name}.jsonl"

    def lines(self) -> Iterator[bytes]:
        """The file's lines, each with its line feed."""
        for key, request in self.rows():
            yield orjson.dumps({"key": key, "request": request}) + b"\n"


def write_sample(sample: Sample, stream: BinaryIO) -> int:
    """Write a sample's file; returns the number of requests."""
    rows = 0
    for rows, line in enumerate(sample.lines(), 1):  # noqa: B007 (the count is the result)
        stream.write(line)
    return rows


# -- rows --------------------------------------------------------------------------------------------------------------


class Rng:
    """A small generator of numbers, the same in every version of Python."""

    def __init__(self, seed: int) -> None:
        self._state = seed * 2_654_435_761 + 12_345

    def number(self, low: int, high: int) -> int:
        """A number from `low` to `high`, both included."""
        self._state = (self._state * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % 2**64
        return low + (self._state >> 33) % (high - low + 1)

    def pick(self, choices: tuple[T, ...]) -> T:
        return choices[self.number(0, len(choices) - 1)]


def _prompt(*texts: str) -> Request:
    return {"contents": [{"role": "user", "parts": [{"text": text} for text in texts]}]}


def _triage(n: int) -> Request:
    rng = Rng(n)
    ticket = (
        f"Ticket {30_000 + n}, received by {rng.pick(CHANNELS)}: {rng.pick(COMPLAINTS)} {rng.pick(DETAILS)} It is"
        f" about {rng.pick(ITEMS)}, order {rng.number(10_000, 99_999)}. {rng.pick(CUSTOMER_REQUESTS)}"
    )
    return {**_prompt(TRIAGE_GUIDE, ticket), "generationConfig": {"temperature": 0.2, "maxOutputTokens": 400}}


def _review(n: int) -> Request:
    rng = Rng(1_000_000 + n)
    sentiment = rng.pick(SENTIMENTS)
    review = f"{rng.pick(REVIEW_STARTS[sentiment])} {rng.pick(DETAILS)} {rng.pick(REVIEW_ENDS[sentiment])}"
    question = "Is the sentiment of this review positive, negative or neutral? Answer with one word and one reason."
    return _prompt(f"{question}\n\nReview of {rng.pick(ITEMS)}: {review}")


def _extraction(n: int) -> Request:
    rng = Rng(2_000_000 + n)
    day = f"2026-{rng.number(1, 12):02d}-{rng.number(1, 28):02d}"
    message = (
        f"On {day} I ordered {rng.pick(ITEMS)} under number {rng.number(10_000, 99_999)} for"
        f" €{rng.number(8, 480)}.{rng.number(0, 99):02d}. {rng.pick(COMPLAINTS)} {rng.pick(CUSTOMER_REQUESTS)}"
    )
    request = _prompt(f"Extract order, item, amount, date and wish from this message as JSON:\n\n{message}")
    request["generationConfig"] = {"responseMimeType": "application/json", "responseSchema": EXTRACTION_SCHEMA}
    return request


def _translation(n: int) -> Request:
    rng = Rng(3_000_000 + n)
    language = rng.pick(TRANSLATIONS)
    return _prompt(f"Translate to {language}: {rng.pick(COMPLAINTS)} {rng.pick(CUSTOMER_REQUESTS)}")


def _service_desk() -> Iterator[tuple[str, Request]]:
    """Four kinds of work, mixed as they would come in."""
    remaining: dict[RequestBuilder, int] = {
        _triage: TRIAGE,
        _review: REVIEWS,
        _extraction: EXTRACTIONS,
        _translation: TRANSLATED,
    }
    names: dict[RequestBuilder, str] = {
        _triage: "triage",
        _review: "review",
        _extraction: "extract",
        _translation: "translate",
    }
    done = dict.fromkeys(remaining, 0)
    rng = Rng(42)
    while any(remaining.values()):
        build = _pick_builder(remaining, rng)
        remaining[build] -= 1
        done[build] += 1
        yield f"{names[build]}-{done[build]:04d}", build(done[build])


def _pick_builder(remaining: dict[RequestBuilder, int], rng: Rng) -> RequestBuilder:
    """One of the kinds, as likely as rows of it are left."""
    position = rng.number(1, sum(remaining.values()))
    return next(make for make, upto in zip(remaining, accumulate(remaining.values()), strict=True) if position <= upto)


def handbook() -> str:
    """A long document, about 6,000 tokens: the handbook of a library that lends tools."""
    sections = [HANDBOOK_OPENING]
    for n, tool in enumerate(TOOLS, 1):
        rng = Rng(4_000_000 + n)
        values = _facts(tool, rng)
        facts = " ".join(rng.pick(ways).format(**values) for ways in TOOL_FACTS)
        sections.append(f"{n}. {tool.capitalize()}\n{facts}")
    return "\n\n".join(sections) + "\n\n"


def _facts(tool: str, rng: Rng) -> dict[str, object]:
    return {
        "tool": tool,
        "shelf": f"{'ABCDEF'[rng.number(0, 5)]}{rng.number(1, 40)}",
        "days": rng.number(2, 21),
        "deposit": rng.number(2, 18) * 5,
        "hours": rng.number(1, 12) * 25,
        "year": rng.number(2009, 2024),
        "fee": rng.number(2, 9),
        "weight": rng.number(2, 46),
        "copies": rng.number(1, 7),
    }


def _questions() -> Iterator[tuple[str, Request]]:
    document = handbook()
    for n, question in enumerate(QUESTIONS, 1):
        yield f"question-{n:02d}", _prompt(document, f"Answer from the handbook alone. {question}")


def _mixed() -> Iterator[tuple[str, Request]]:
    for n in range(120):
        outcome = OUTCOMES[n // 3 % len(OUTCOMES)] if n % 3 == 0 else "ok"
        request = _review(n) if outcome != "invalid_json" else _extraction(n)
        if outcome != "ok":
            request["contents"][0]["parts"].append({"text": f"[[emulate: {outcome}]]"})
        yield f"mixed-{n + 1:03d}", request


SAMPLES: dict[str, Sample] = {
    sample.name: sample
    for sample in (
        Sample(
            "service-desk",
            "A service desk's day",
            "1,200 requests: tickets to triage by a shared guide, reviews, data to extract, translations.",
            _service_desk,
        ),
        Sample(
            "handbook-questions",
            "One long document, many questions",
            f"{len(QUESTIONS)} questions about one handbook of about 6,000 tokens: what context caching is for.",
            _questions,
        ),
        Sample(
            "mixed-outcomes",
            "Everything that can go wrong",
            "120 requests, some of which the rehearsal answers with refusals, cut-off answers and errors.",
            _mixed,
        ),
    )
}
