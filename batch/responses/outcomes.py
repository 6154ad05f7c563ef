"""What became of one row: one total table over response, error, finishReason and promptFeedback. Pure.

A result line is `{"key", "response"}` or `{"key", "error"}`, as a batch job's output file holds it. The shapes
are those of the REST API; sources: google-genai 3.4.0 `types.py` (FinishReason, BlockedReason), the Gemini
cookbook's batch notebook, and the issue threads named beside single cases.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

import msgspec

from batch.model import Outcome, Usage
from batch.responses.structured_output import looks_like_refusal

FINISH_REASONS: dict[str, Outcome] = {
    "FINISH_REASON_UNSPECIFIED": Outcome.UNKNOWN,
    "STOP": Outcome.ANSWERED,  # the content decides: see `_stopped`
    "MAX_TOKENS": Outcome.TRUNCATED,
    "CONTINUATION": Outcome.TRUNCATED,  # paused at the per-request limit; no second request is made for it
    "SAFETY": Outcome.ANSWER_BLOCKED,
    "LANGUAGE": Outcome.ANSWER_BLOCKED,
    "OTHER": Outcome.ANSWER_BLOCKED,
    "BLOCKLIST": Outcome.ANSWER_BLOCKED,
    "PROHIBITED_CONTENT": Outcome.ANSWER_BLOCKED,
    "SPII": Outcome.ANSWER_BLOCKED,
    "IMAGE_SAFETY": Outcome.ANSWER_BLOCKED,
    "IMAGE_PROHIBITED_CONTENT": Outcome.ANSWER_BLOCKED,
    "IMAGE_OTHER": Outcome.ANSWER_BLOCKED,
    "ESCALATION": Outcome.ANSWER_BLOCKED,
    "MODEL_ARMOR": Outcome.ANSWER_BLOCKED,
    "RECITATION": Outcome.RECITATION,
    "IMAGE_RECITATION": Outcome.RECITATION,
    "NO_IMAGE": Outcome.EMPTY,
    "UNEXPECTED_TOOL_CALL": Outcome.TOOL_CALL,
    "TOO_MANY_TOOL_CALLS": Outcome.TOOL_CALL,
    "MALFORMED_FUNCTION_CALL": Outcome.INVALID_OUTPUT,
    "MALFORMED_RESPONSE": Outcome.INVALID_OUTPUT,
    "MISSING_THOUGHT_SIGNATURE": Outcome.ERROR_PERMANENT,  # the request lacks it, and would lack it again
    "PUP_LIMITED_DISABLED": Outcome.ERROR_PERMANENT,  # the account is limited
}
BLOCK_REASONS: dict[str, Outcome] = {
    "BLOCKED_REASON_UNSPECIFIED": Outcome.UNKNOWN,
    "SAFETY": Outcome.PROMPT_BLOCKED,
    "OTHER": Outcome.PROMPT_BLOCKED,
    "BLOCKLIST": Outcome.PROMPT_BLOCKED,
    "PROHIBITED_CONTENT": Outcome.PROMPT_BLOCKED,
    "IMAGE_SAFETY": Outcome.PROMPT_BLOCKED,
    "MODEL_ARMOR": Outcome.PROMPT_BLOCKED,
    "JAILBREAK": Outcome.PROMPT_BLOCKED,
}
_TRANSIENT, _PERMANENT = Outcome.ERROR_TRANSIENT, Outcome.ERROR_PERMANENT
GRPC_CODES: dict[int, tuple[str, Outcome]] = {
    0: ("OK", Outcome.UNKNOWN),
    1: ("CANCELLED", _TRANSIENT),
    2: ("UNKNOWN", _TRANSIENT),
    3: ("INVALID_ARGUMENT", _PERMANENT),
    4: ("DEADLINE_EXCEEDED", _TRANSIENT),
    5: ("NOT_FOUND", _PERMANENT),
    6: ("ALREADY_EXISTS", _PERMANENT),
    7: ("PERMISSION_DENIED", _PERMANENT),
    8: ("RESOURCE_EXHAUSTED", _TRANSIENT),
    9: ("FAILED_PRECONDITION", _PERMANENT),
    10: ("ABORTED", _TRANSIENT),
    11: ("OUT_OF_RANGE", _PERMANENT),
    12: ("UNIMPLEMENTED", _PERMANENT),
    13: ("INTERNAL", _TRANSIENT),
    14: ("UNAVAILABLE", _TRANSIENT),
    15: ("DATA_LOSS", _TRANSIENT),
    16: ("UNAUTHENTICATED", _PERMANENT),
}
GRPC_NAMES = {name: code for code, (name, _) in GRPC_CODES.items()}
# Rows carry gRPC integers (python-genai issues 1341, 2693); HTTP codes are only met in the Vertex form.
HTTP_TO_GRPC = {400: 3, 401: 16, 403: 7, 404: 5, 409: 10, 429: 8, 499: 1, 500: 13, 501: 12, 503: 14, 504: 4}

LABELS: dict[Outcome, str] = {
    Outcome.ANSWERED: "answered",
    Outcome.TRUNCATED: "cut off by the output limit",
    Outcome.TRUNCATED_EMPTY: "output limit reached before any answer",
    Outcome.PROMPT_BLOCKED: "prompt blocked",
    Outcome.ANSWER_BLOCKED: "answer blocked",
    Outcome.RECITATION: "stopped as a recitation",
    Outcome.REFUSED: "reads like a refusal (a guess from its words)",
    Outcome.EMPTY: "empty answer",
    Outcome.THOUGHTS_ONLY: "thoughts without an answer",
    Outcome.TOOL_CALL: "asks for a tool",
    Outcome.INVALID_OUTPUT: "not in the form asked for",
    Outcome.ERROR_TRANSIENT: "failed; worth asking again",
    Outcome.ERROR_PERMANENT: "failed; would fail again",
    Outcome.NO_RESPONSE: "neither answer nor error came back",
    Outcome.MISSING: "nothing came back",
    Outcome.UNKNOWN: "in a form we do not know",
}
# How much a row's line is worth when several attempts answered it; ties go to the newest.
RANK: dict[Outcome, int] = {
    Outcome.ANSWERED: 3,
    Outcome.TRUNCATED: 2,
    Outcome.TOOL_CALL: 2,
    Outcome.INVALID_OUTPUT: 2,
    Outcome.REFUSED: 1,
    Outcome.THOUGHTS_ONLY: 1,
    Outcome.TRUNCATED_EMPTY: 1,
    Outcome.PROMPT_BLOCKED: 1,
    Outcome.ANSWER_BLOCKED: 1,
    Outcome.RECITATION: 1,
    Outcome.EMPTY: 1,
    Outcome.UNKNOWN: 1,
    Outcome.ERROR_TRANSIENT: 1,
    Outcome.ERROR_PERMANENT: 1,
    Outcome.NO_RESPONSE: 1,
    Outcome.MISSING: 0,
}


class ParsedRow(NamedTuple):
    """One result line, understood. `text` never holds thoughts; `usage` is None if the line does not tell.

    `error_code` is a gRPC integer. `error_message` says in words why the row is not simply answered.
    `key` is None if the line has none. `cache_lost` marks rows whose explicit cache was gone when they ran:
    they cost nothing and succeed with a new cache.
    """

    key: str | None
    outcome: Outcome
    text: str = ""
    thoughts: str = ""
    error_code: int | None = None
    error_message: str = ""
    finish_reason: str = ""
    block_reason: str = ""
    usage: Usage | None = None
    cache_lost: bool = False


_ABSENT = msgspec.Raw()


class _Part(msgspec.Struct, gc=False, rename="camel"):
    text: str | None = None
    thought: bool | None = False
    function_call: msgspec.Raw = _ABSENT
    inline_data: msgspec.Raw = _ABSENT
    file_data: msgspec.Raw = _ABSENT
    executable_code: msgspec.Raw = _ABSENT
    code_execution_result: msgspec.Raw = _ABSENT


class _Content(msgspec.Struct, gc=False):
    parts: list[_Part] | None = None


class _Candidate(msgspec.Struct, gc=False, rename="camel"):
    content: _Content | None = None
    finish_reason: str | None = None
    finish_message: str | None = None


class _Feedback(msgspec.Struct, gc=False, rename="camel"):
    block_reason: str | None = None
    block_reason_message: str | None = None


class _Counts(msgspec.Struct, gc=False):
    prompt: int | None = msgspec.field(name="promptTokenCount", default=None)
    cached: int | None = msgspec.field(name="cachedContentTokenCount", default=None)
    candidates: int | None = msgspec.field(name="candidatesTokenCount", default=None)
    thoughts: int | None = msgspec.field(name="thoughtsTokenCount", default=None)
    tool: int | None = msgspec.field(name="toolUsePromptTokenCount", default=None)


class _Embedding(msgspec.Struct, gc=False):
    values: msgspec.Raw = _ABSENT


class _Response(msgspec.Struct, gc=False, rename="camel"):
    candidates: list[_Candidate] | None = None
    prompt_feedback: _Feedback | None = None
    usage_metadata: _Counts | None = None
    embedding: _Embedding | None = None
    token_count: int | None = None


class _Line(msgspec.Struct, gc=False):
    key: Any = None
    metadata: Any = None
    response: _Response | None = None
    error: Any = None
    status: Any = None


# Lax, because int64 is written as a string in JSON (embeddings' tokenCount is).
_decode = msgspec.json.Decoder(_Line, strict=False).decode
_json = msgspec.json.Decoder().decode
_decode_response = msgspec.json.Decoder(_Response | None, strict=False).decode


def classify(line: bytes) -> ParsedRow:
    """Say what became of the row behind one result line. Total: never raises, whatever the bytes are."""
    try:
        result_line = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _classify_untyped(line)
    response = result_line.response
    if response is None or result_line.error:
        return _classify_general(result_line, line)
    return _classify_simple(result_line.key, response) or _classify_general(result_line, line)


def _classify_simple(key: Any, response: _Response) -> ParsedRow | None:
    """The common row, judged quickly: one candidate that stopped by itself after one text. None for all others."""
    candidates = response.candidates
    if candidates is None or len(candidates) != 1 or response.prompt_feedback is not None:
        return None
    content = candidates[0].content
    if candidates[0].finish_reason != "STOP" or content is None or content.parts is None or len(content.parts) != 1:
        return None
    part = content.parts[0]
    text = part.text
    if not text or part.thought or text.isspace() or type(key) is not str or looks_like_refusal(text):
        return None
    return ParsedRow(key, Outcome.ANSWERED, text, "", None, "", "STOP", "", _usage(response))


def _classify_candidate(key: str | None, response: _Response, candidate: _Candidate) -> ParsedRow:
    """Judge one candidate that says why it ended."""
    text, thoughts, media, call = _contents(candidate)
    reason = candidate.finish_reason or ""
    outcome = FINISH_REASONS.get(reason, Outcome.UNKNOWN)
    message = ""
    if reason == "STOP":
        outcome = _classify_stop(text, thoughts, media, call)
    elif outcome is Outcome.TRUNCATED and not (media or call or text.strip()):
        outcome = Outcome.TRUNCATED_EMPTY
    if outcome is not Outcome.ANSWERED:
        message = _explain(outcome, reason, candidate.finish_message)
    blocked = (response.prompt_feedback.block_reason if response.prompt_feedback else None) or ""
    return ParsedRow(key, outcome, text, thoughts, None, message, reason, blocked, _usage(response))


def _contents(candidate: _Candidate) -> tuple[str, str, bool, bool]:
    """(text, thoughts, other content such as an image, a call of a tool)."""
    parts = candidate.content.parts if candidate.content else None
    if not parts:
        return "", "", False, False
    text = "".join([p.text for p in parts if p.text and not p.thought])
    thoughts = "".join([p.text for p in parts if p.text and p.thought])
    media = any(_has_value(p.inline_data, p.file_data, p.executable_code, p.code_execution_result) for p in parts)
    return text, thoughts, media, any(_has_value(p.function_call) for p in parts)


def _has_value(*fields: msgspec.Raw) -> bool:
    return any(bytes(field) not in (b"", b"null") for field in fields)


def _classify_stop(text: str, thoughts: str, media: bool, call: bool) -> Outcome:
    """What a candidate is that ended of its own accord."""
    if call:
        return Outcome.TOOL_CALL
    if text and not text.isspace():
        return Outcome.REFUSED if looks_like_refusal(text) else Outcome.ANSWERED
    if media:
        return Outcome.ANSWERED
    return Outcome.THOUGHTS_ONLY if thoughts else Outcome.EMPTY


def _explain(outcome: Outcome, reason: str, message: str | None) -> str:
    """Words for a candidate that is not simply an answer."""
    if outcome is Outcome.UNKNOWN:
        return f"finishReason {reason or 'is absent'}: not known to this version" + (f". {message}" if message else "")
    reason_note = f" ({reason})" if reason != "STOP" else ""
    return f"{LABELS[outcome]}{reason_note}" + (f": {message}" if message else "")


MAX_TOKENS = 10**12  # of one row; what claims more, or less than none, tells nothing


def _usage(response: _Response) -> Usage | None:
    counts = response.usage_metadata
    if counts is None:
        token_counts = (response.token_count or 0, 0, 0, 0, 0)
        if not response.token_count:
            return None
    else:
        token_counts = (
            counts.prompt or 0,
            counts.cached or 0,
            counts.candidates or 0,
            counts.thoughts or 0,
            counts.tool or 0,
        )
    return Usage(*token_counts) if min(token_counts) >= 0 and max(token_counts) <= MAX_TOKENS else None


def _key_of(result_line: _Line) -> str | None:
    """The row's key: `key`, or an inline request's `metadata.key`. Never its position."""
    key = result_line.key
    if key is None and isinstance(result_line.metadata, dict):
        key = result_line.metadata.get("key")
    if isinstance(key, str):
        return key
    return str(key) if isinstance(key, int) and not isinstance(key, bool) else None


def _classify_general(result_line: _Line, line: bytes) -> ParsedRow:
    """Everything but a single finished candidate."""
    key = _key_of(result_line)
    if error := result_line.error or _vertex_error(result_line.status):
        return _classify_error(key, error, result_line.response)
    response = result_line.response
    if response is None:
        return ParsedRow(key, Outcome.NO_RESPONSE, error_message=LABELS[Outcome.NO_RESPONSE])
    if b"_" in line and (camel := _decode_snake_case(line)) is not None:
        response = camel
    usage = _usage(response)
    if response.embedding is not None and _has_value(response.embedding.values):
        return ParsedRow(key, Outcome.ANSWERED, bytes(response.embedding.values).decode(), usage=usage)
    if response.candidates:
        rows = [_classify_candidate_or_empty(key, response, candidate) for candidate in response.candidates]
        return max(rows, key=lambda row: RANK[row.outcome])
    return _classify_without_candidates(key, response, usage)


def _classify_candidate_or_empty(key: str | None, response: _Response, candidate: _Candidate) -> ParsedRow:
    row = _classify_candidate(key, response, candidate)
    if candidate.finish_reason or row.text or row.thoughts:
        return row
    return row._replace(outcome=Outcome.EMPTY, error_message="the candidate is empty and has no finishReason")


def _classify_without_candidates(key: str | None, response: _Response, usage: Usage | None) -> ParsedRow:
    """A response without candidates: the prompt was blocked, or nothing was generated."""
    feedback = response.prompt_feedback
    if feedback is None or not feedback.block_reason:
        return ParsedRow(key, Outcome.EMPTY, error_message="the response has no candidates", usage=usage)
    reason = feedback.block_reason
    outcome = BLOCK_REASONS.get(reason, Outcome.UNKNOWN)
    message = f"prompt blocked ({reason})"
    if outcome is Outcome.UNKNOWN:
        message = f"blockReason {reason}: not known to this version"
    if feedback.block_reason_message:
        message += f": {feedback.block_reason_message}"
    return ParsedRow(key, outcome, error_message=message, block_reason=reason, usage=usage)


def _classify_error(key: str | None, error: Any, response: _Response | None) -> ParsedRow:
    """A row-level google.rpc.Status, or whatever stands in its place."""
    status: dict[str, Any] = error if isinstance(error, dict) else {"message": str(error)}
    if isinstance(status.get("error"), dict):
        status = status["error"]
    message = str(status.get("message") or "")
    code = _grpc_code(status)
    usage = (_usage(response) if response else None) or Usage()
    if code is None or code not in GRPC_CODES:
        reported_code = status.get("code", status.get("status"))
        code_note = (
            f"error code {reported_code!r}: not known to this version"
            if reported_code is not None
            else "error without a code"
        )
        return ParsedRow(key, Outcome.UNKNOWN, error_message=f"{code_note}. {message}".strip(), usage=usage)
    name, outcome = GRPC_CODES[code]
    cache_lost = code == 7 and "cache" in message.lower()
    return ParsedRow(
        key,
        Outcome.ERROR_TRANSIENT if cache_lost else outcome,
        error_code=code,
        error_message=message or name,
        usage=usage,
        cache_lost=cache_lost,
    )


def _grpc_code(status: dict[str, Any]) -> int | None:
    """The gRPC integer of a Status, from its code (gRPC or HTTP) or its name."""
    code = status.get("code")
    if isinstance(code, str):
        code = int(code) if code.isdecimal() else GRPC_NAMES.get(code)
    if isinstance(code, int) and not isinstance(code, bool):
        return HTTP_TO_GRPC.get(code, code)
    return GRPC_NAMES.get(str(status.get("status")))


def _vertex_error(status: Any) -> Any:
    """The error in Vertex's `status`, accepted defensively (python-genai issue 1313): "" means none."""
    if not status or isinstance(status, dict):
        return status
    text = str(status)
    start = text.find("{")
    try:
        inner = _json(text[start:].encode()) if start >= 0 else None
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


def _classify_untyped(line: bytes) -> ParsedRow:
    """A line that is not of the typed shape: read it loosely, keep its key, and call it unknown if need be."""
    try:
        value = parse_lenient(line)
    except ValueError:
        return ParsedRow(None, Outcome.UNKNOWN, error_message="the line is not JSON")
    except RecursionError:
        return ParsedRow(_leading_key(line), Outcome.UNKNOWN, error_message="the line is nested too deeply to be read")
    if not isinstance(value, dict):
        return ParsedRow(None, Outcome.UNKNOWN, error_message="the line is not a JSON object")
    result_line = _Line(value.get("key"), value.get("metadata"), None, value.get("error"), value.get("status"))
    try:
        result_line.response = _decode_response(msgspec.json.encode(value.get("response")))
    except msgspec.ValidationError as problem:
        if not result_line.error:
            return ParsedRow(
                _key_of(result_line), Outcome.UNKNOWN, error_message=f"the response is not of a known form: {problem}"
            )
    return _classify_general(result_line, line)


_LEADING_KEY = re.compile(rb'\s*\{\s*"key"\s*:\s*("(?:[^"\\]|\\.)*")\s*,')


def _leading_key(line: bytes) -> str | None:
    """The key that a line begins with; for lines that cannot be parsed."""
    match = _LEADING_KEY.match(line)
    try:
        return str(json.loads(match[1])) if match else None
    except ValueError:
        return None


def parse_lenient(line: bytes) -> Any:
    """Parse JSON that strict parsers refuse: bytes that are not UTF-8, halves of characters (both become U+FFFD),
    a byte order mark, control characters, NaN. Raises ValueError for what is no JSON at all.
    """
    text = line.decode("utf-8", "replace").strip().lstrip("\ufeff")
    return _replace_surrogates(json.loads(text, strict=False, parse_constant=lambda _: None))


def _replace_surrogates(value: Any) -> Any:
    """A value with every half of a character replaced."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_replace_surrogates(item) for item in value]
    return (
        {_replace_surrogates(name): _replace_surrogates(item) for name, item in value.items()}
        if isinstance(value, dict)
        else value
    )


def _decode_snake_case(line: bytes) -> _Response | None:
    """The response of a line written with snake_case names, as SDK objects dumped to JSON have them."""
    if b'"finish_reason"' not in line and b'"prompt_feedback"' not in line and b'"usage_metadata"' not in line:
        return None
    try:
        camel: _Response | None = _decode_response(msgspec.json.encode(_camel_case_names(_json(line).get("response"))))
    except msgspec.DecodeError:
        return None
    return camel


def _camel_case_names(value: Any) -> Any:
    if isinstance(value, list):
        return [_camel_case_names(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {re.sub(r"_([a-z])", lambda m: m[1].upper(), name): _camel_case_names(item) for name, item in value.items()}
