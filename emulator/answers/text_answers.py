"""Simulated answers in text: deterministic for a prompt, varied in length, plausible for the sample tasks.

Each says that it is simulated. Which task a prompt is about is told by a few words of it.
"""

import re
from collections.abc import Callable

import orjson

from emulator.answers.sentiment import sentiment
from emulator.answers.stock_text import DESKS, MARK, PRIORITIES, REASONS, SENTENCES, STEPS, TEAMS, pick

_TASK = re.compile(
    r"(?P<sentiment>sentiment|positive or negative)|(?P<triage>triage|support ticket|priority)|"
    r"(?P<translate>translat)|(?P<summary>summar|tl;dr)|(?P<extract>extract|as json|in json)",
    re.I,
)
_LANGUAGE = re.compile(r"(?:in)?to (French|German|Spanish|Italian|Japanese|Korean|Chinese|Portuguese|English)", re.I)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")
_AMOUNT = re.compile(r"[$€£]\s?\d[\d.,]*|\d[\d.,]*\s?(?:USD|EUR|GBP|dollars|euros)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4}")
_SENTENCE_END = re.compile(r"(?<=[.?!])\s+")
_NAME = re.compile(r"\b[A-Z][a-z]+ [A-Z][a-z]+\b")


def answer(prompt: str, task_context: str, seed: int) -> str:
    """The text for a prompt. `task_context` is the system instruction or cached text, where the task may be stated."""
    task = (
        _TASK.search(task_context[:600])
        or _TASK.search(prompt[:600])
        or (_TASK.search(prompt[-300:]) if len(prompt) > 600 else None)
    )
    make = _MAKERS.get(task.lastgroup or "", _general) if task else _general
    return make(prompt, seed)


def _sentiment(prompt: str, seed: int) -> str:
    label = sentiment(prompt) or pick(("neutral", "positive", "negative"), seed)
    reasons = REASONS[label]
    extra = " ".join(pick(reasons, seed // 3 + i) for i in range(seed % 3))
    return f"{MARK} {label.capitalize()}{'. ' + extra if extra else ''}"


def _triage(prompt: str, seed: int) -> str:
    ticket = _after_colon(prompt)
    desk = _desk(ticket, seed)
    lines = [
        f"{MARK} Category: {desk}",
        f"Priority: {pick(PRIORITIES, seed // 5)}",
        f"Summary: {_opening(prompt, 14)}",
        f"Next step: {DESKS[desk][1]}",
    ]
    return "\n".join([*lines, *(f"Then: {pick(STEPS, seed // 11 + i)}" for i in range(seed % 3))])


def _desk(ticket: str, seed: int) -> str:
    """The desk that shares the most words with a ticket, or one by seed."""
    ticket_words = set(re.findall("[a-z-]+", ticket[:2000].lower()))
    shared = {desk: len(ticket_words & set(known.split())) for desk, (known, _) in DESKS.items()}
    best = max(shared, key=lambda desk: shared[desk])
    return best if shared[best] else pick(TEAMS, seed)


def _summary(prompt: str, seed: int) -> str:
    text = f"{MARK} In short: {_opening(prompt, 12 + seed % 10)}."
    return " ".join([text, *(pick(SENTENCES, seed // 7 + 5 * i) for i in range(1 + seed % 4))])


def _translation(prompt: str, seed: int) -> str:
    language = _LANGUAGE.search(prompt[:600])
    return f"{MARK} ({language[1].capitalize() if language else 'French'}) « {_opening(prompt, 10 + seed % 25)} »"


def _extraction(prompt: str, seed: int) -> str:
    """What a few plain patterns find in the text, as JSON."""
    body = _after_colon(prompt)
    fields: dict[str, object] = {"note": MARK}
    for name, pattern in (("name", _NAME), ("email", _EMAIL), ("amount", _AMOUNT), ("date", _DATE)):
        match = pattern.search(body)
        fields[name] = match[0] if match else None
    fields["confidence"] = round(0.6 + seed % 40 / 100, 2)
    return orjson.dumps(fields).decode()


def _general(prompt: str, seed: int) -> str:
    """A few sentences about the last thing that the prompt says, in one paragraph or two."""
    last = _SENTENCE_END.split(prompt[-400:].strip())[-1]
    first = f"{MARK} On “{_opening(last, 9)}”: {pick(SENTENCES, seed)}"
    sentences = [pick(SENTENCES, seed // 3 + 5 * i) for i in range(seed // 12 % 9)]
    second_paragraph = " ".join(sentences[4:])
    return " ".join([first, *sentences[:4]]) + (f"\n\n{second_paragraph}" if second_paragraph else "")


_MAKERS: dict[str, Callable[[str, int], str]] = {
    "sentiment": _sentiment,
    "triage": _triage,
    "summary": _summary,
    "translate": _translation,
    "extract": _extraction,
}


def _after_colon(prompt: str) -> str:
    """What an instruction is about: the text after its first colon or line break, if there is some."""
    _, separator, tail = prompt[:400].partition("\n" if "\n" in prompt[:400] else ":")
    return (tail + prompt[400:]) if separator and len(tail.strip()) > 8 else prompt


def _opening(prompt: str, word_count: int) -> str:
    return " ".join(_after_colon(prompt)[:600].split()[:word_count]).rstrip(".,;: ") or "an empty prompt"
