"""A row that failed: what its error means, by its text and else by its code. Pure."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from batch.model import Outcome, Usage
from batch.responses.error_rules import Treatment
from batch.responses.outcome_tables import GRPC_CODES, GRPC_NAMES, HTTP_TO_GRPC
from batch.responses.parsed_row import ParsedRow
from batch.responses.result_lines import Response, decode_any, usage_of
from batch.responses.service_errors import classify_row_error

_MAY_SUCCEED = (Treatment.BACK_OFF, Treatment.AWAIT_FILE, Treatment.AWAIT_ROOM, Treatment.PAUSE)  # next time
CANCELLED_MESSAGE = "cancelled before it was served; nothing is billed for it"
_CANCELLED = 1  # google.rpc.Code


def classify_failed_row(key: str | None, error: Any, response: Response | None) -> ParsedRow:
    """A row-level google.rpc.Status, or whatever stands in its place: its text decides, and else its code.

    An image that "could not be processed, please retry" has code 3, a file that is still being processed code 9.
    """
    status: dict[str, Any] = error if isinstance(error, dict) else {"message": str(error)}
    if isinstance(status.get("error"), dict):
        status = status["error"]
    message = str(status.get("message") or "")
    code = _grpc_code(status)
    usage = (usage_of(response) if response else None) or Usage()
    explanation = classify_row_error(message, code or 0)
    if code is None or code not in GRPC_CODES:
        outcome, message = Outcome.UNKNOWN, f"{_unknown_code(status)}. {message}".strip()
        code = None
    else:
        name, outcome = GRPC_CODES[code]
        message = message or name
    cache_lost = code == 7 and "cache" in message.lower()
    if cache_lost or (explanation is not None and explanation.treatment in _MAY_SUCCEED):
        outcome = Outcome.ERROR_TRANSIENT
    elif explanation is not None:
        outcome = Outcome.ERROR_PERMANENT
    return ParsedRow(key, outcome, error_code=code, error_message=message, usage=usage, cache_lost=cache_lost)


def as_cancelled(row: ParsedRow) -> ParsedRow:
    """A row of a job whose cancel we asked for: one with code 1 was not served, which is no error then.

    A job that is cancelled while it runs ends as succeeded; what was served is kept and billed, and each other row is
    `{"error": {"code": 1}}` without a message (measured by users, 2026-09-30, n=6).
    """
    if row.error_code != _CANCELLED:
        return row
    return row._replace(outcome=Outcome.NO_RESPONSE, error_message=CANCELLED_MESSAGE)


def _unknown_code(status: dict[str, Any]) -> str:
    reported_code = status.get("code", status.get("status"))
    if reported_code is None:
        return "error without a code"
    return f"error code {reported_code!r}: not known to this version"


def _grpc_code(status: dict[str, Any]) -> int | None:
    """The gRPC integer of a Status, from its code (gRPC or HTTP) or its name."""
    code = status.get("code")
    if isinstance(code, str):
        code = int(code) if code.isdecimal() else GRPC_NAMES.get(code)
    if isinstance(code, int) and not isinstance(code, bool):
        return HTTP_TO_GRPC.get(code, code)
    return GRPC_NAMES.get(str(status.get("status")))


def vertex_error(status: Any) -> Any:
    """The error in Vertex's `status`, accepted defensively (python-genai issue 1313): "" means none."""
    if not status or isinstance(status, dict):
        return status
    text = str(status)
    start = text.find("{")
    try:
        inner = decode_any(text[start:].encode()) if start >= 0 else None
    except msgspec.DecodeError:
        inner = None
    if isinstance(inner, dict):
        return inner
    return {"message": text, **_guess_code(text)}


def _guess_code(text: str) -> dict[str, int]:
    """A code for a bare status text, if it opens with a word or number that has one."""
    upper = text.upper().replace(" ", "_")
    names = [code for name, code in {**GRPC_NAMES, "BAD_REQUEST": 3}.items() if upper.startswith(name)]
    number = re.match(r"\D{0,8}(\d{3})\b", text)
    return {"code": names[0]} if names else {"code": int(number[1])} if number else {}
