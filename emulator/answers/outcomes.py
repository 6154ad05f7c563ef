"""Outcomes that a prompt can ask for: a text part with `[[emulate: OUTCOME]]`."""

import re
from typing import Any

from emulator.answers import pictures
from emulator.answers.stock_text import MARK
from emulator.core.errors import DEFAULT_MESSAGES, GRPC_CODES, ServiceError, invalid
from emulator.core.state import CACHE_NOT_FOUND_MESSAGE

_MARKER = re.compile(r"\[\[\s*emulate:\s*([a-z_]+)(?::\s*(\w+))?\s*\]\]")
SAFETY_RATINGS = [
    {"category": f"HARM_CATEGORY_{name}", "probability": "NEGLIGIBLE"}
    for name in ("HATE_SPEECH", "DANGEROUS_CONTENT", "HARASSMENT", "SEXUALLY_EXPLICIT")
]
BLOCKED_RATINGS = [{**SAFETY_RATINGS[0], "probability": "HIGH", "blocked": True}, *SAFETY_RATINGS[1:]]
OUTCOMES = frozenset(
    {"ok", "prompt_blocked", "safety", "recitation", "max_tokens", "max_tokens_empty", "empty", "no_candidates"}
    | {"thought_only", "tool_call", "refusal", "invalid_json", "no_response", "error", "drop_row", "drop_key"}
    | pictures.OUTCOMES
)


def requested_outcome(texts: list[str]) -> tuple[str, str]:
    """The outcome that a prompt asks for and its argument; ("ok", "") if none. Refuses one that there is not."""
    for text in texts:
        if "[[" in text and (match := _MARKER.search(text)):
            if match[1] not in OUTCOMES:
                raise invalid(f"The emulator has no outcome {match[1]!r}. It has {', '.join(sorted(OUTCOMES))}.")
            return match[1], match[2] or ""
    return "ok", ""


def strip_markers(text: str) -> str:
    """A text without what it asks of the emulator."""
    return _MARKER.sub("", text).strip() if "[[" in text else text


def row_error(argument: str) -> ServiceError:
    """The error of `error:CODE`; CODE is a gRPC number or name."""
    code = int(argument) if argument.isdigit() else {n: c for c, (n, _) in GRPC_CODES.items()}.get(argument.upper(), 2)
    code = code if code in GRPC_CODES else 2
    return ServiceError(
        code,
        CACHE_NOT_FOUND_MESSAGE
        if code == 7
        else DEFAULT_MESSAGES.get(code, f"The row was told to fail with code {code}."),
    )


def special_candidate(outcome: str, text: str, tools: list[str]) -> dict[str, Any] | None:
    """The candidate of an outcome that has one and is not a plain answer; None for the rest.

    Shapes: SAFETY and MAX_TOKENS without parts from pydantic-ai's cassettes, the others by the reference.
    """
    by_outcome: dict[str, dict[str, Any]] = {
        "safety": {"content": {}, "finishReason": "SAFETY", "safetyRatings": BLOCKED_RATINGS},
        "recitation": {
            "content": {},
            "finishReason": "RECITATION",
            "citationMetadata": {"citationSources": [{"startIndex": 0, "endIndex": 40, "uri": "https://example.com/"}]},
        },
        "max_tokens": {"content": _text_content(text[: max(len(MARK), len(text) // 2)]), "finishReason": "MAX_TOKENS"},
        "max_tokens_empty": {"content": {"role": "model"}, "finishReason": "MAX_TOKENS"},
        "empty": {"content": _text_content(""), "finishReason": "STOP"},
        "thought_only": {
            "content": {"parts": [{"text": f"{MARK} Considering the question.", "thought": True}], "role": "model"},
            "finishReason": "STOP",
        },
        "tool_call": {
            "content": {
                "parts": [{"functionCall": {"name": tools[0] if tools else "simulated_tool", "args": {"note": MARK}}}],
                "role": "model",
            },
            "finishReason": "STOP",
        },
        "refusal": {
            "content": _text_content(f"I'm sorry, but I can't help with that request. {MARK}"),
            "finishReason": "STOP",
        },
        "invalid_json": {"content": _text_content('{"note": "' + MARK + '", "label": "posit'), "finishReason": "STOP"},
    }
    return by_outcome.get(outcome) or pictures.refused_picture(outcome)


def _text_content(text: str) -> dict[str, Any]:
    return {"parts": [{"text": text}], "role": "model"}
