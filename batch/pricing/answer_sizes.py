"""How long an answer is taken to be before anything like it was seen, by what is asked for. Pure.

No page of Google's tells; the figures are ours, and every estimate that rests on them says so. A sample in Google's
batch notebook thought for 829 tokens before an 11-token answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_DEPTH = 8
FIELD_NAME_TOKENS = 6  # its name, quotation marks and punctuation
LIST_ITEMS, MOST_LIST_ITEMS = 3, 10
TEXT_ANSWER = (5, 400, 1_200)  # tokens at least, probably and at most: some paragraphs
VALUE = {"string": (1, 25, 80), "number": (1, 4, 8), "integer": (1, 3, 6), "boolean": (1, 1, 1), "null": (1, 1, 1)}
CHOICE = (1, 3, 10)
LABEL_TOKENS = 40  # below so many an answer is called a short label
THOUGHTS = {"off": 0, "minimal": 100, "low": 300, "medium": 800, "high": 1_600, "xhigh": 3_200, "": 800}
THOUGHTS_FACTOR = 3  # by which thoughts may well exceed what is assumed


@dataclass(frozen=True)
class AnswerSize:
    """Tokens of an answer without its thoughts, at least, probably and at most if nothing is odd; `words` say of
    what kind it is."""

    low: float
    expected: float
    high: float
    words: str


@dataclass(frozen=True)
class Task:
    """What requests ask for, as far as it tells how long answers are.

    `schema` is the form of the answer, None for free text, {} for JSON of any form. `thinking` is a level, a budget in
    tokens as digits, or "" where the model decides. `picture_sizes` counts rows by the size of picture that they ask
    for.
    """

    schema: Mapping[str, Any] | None = None
    thinking: str = ""
    picture_sizes: Mapping[str, int] | None = None


def answer_size(schema: Mapping[str, Any] | None) -> AnswerSize:
    """The assumed size of an answer in this form."""
    if not schema:
        return AnswerSize(*TEXT_ANSWER, "free text")
    size = _size(schema, MAX_DEPTH)
    return AnswerSize(*size, "a short label" if size[1] <= LABEL_TOKENS else "fields")


def assumed_thoughts(thinking: str) -> float:
    """Thought tokens of one answer under a level or a budget."""
    if thinking.isdecimal():
        return min(float(thinking), THOUGHTS[""])
    return THOUGHTS.get(thinking, THOUGHTS[""])


def _size(schema: Any, depth: int) -> tuple[float, float, float]:
    """Tokens of a value in this form."""
    if not isinstance(schema, Mapping) or depth == 0:
        return VALUE["string"]
    if schema.get("enum"):
        return CHOICE
    parts = schema.get("properties")
    if isinstance(parts, Mapping) and parts:
        sizes = [_size(part, depth - 1) for part in parts.values()]
        low, expected, high = (sum(size[n] + FIELD_NAME_TOKENS for size in sizes) for n in range(3))
        return low, expected, high
    if isinstance(schema.get("items"), Mapping):
        low, expected, high = _size(schema["items"], depth - 1)
        return 2, LIST_ITEMS * expected, MOST_LIST_ITEMS * high
    for several in ("anyOf", "oneOf"):
        if isinstance(schema.get(several), list) and schema[several]:
            return max((_size(one, depth - 1) for one in schema[several]), key=lambda size: size[1])
    kind = schema.get("type")
    kind = next((one for one in kind if one != "null"), "null") if isinstance(kind, list) else kind
    return VALUE.get(str(kind).lower(), VALUE["string"])
