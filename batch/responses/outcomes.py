"""What became of one row: one total table over response, error, finishReason and promptFeedback. Pure.

A result line is `{"key", "response"}` or `{"key", "error"}`, as a batch job's output file holds it. The shapes
are those of the REST API; sources: google-genai 3.4.0 `types.py` (FinishReason, BlockedReason), the Gemini
cookbook's batch notebook, and the issue threads named beside single cases.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from batch.model import Outcome, Usage
from batch.responses.error_rules import Treatment
from batch.responses.service_errors import classify_row_error
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
    they cost nothing and succeed with a new cache. What is paid for beside `text`: `other_answers` are the texts of
    the other candidates, `tool_calls` and `code` (executed, and its results) the parts as received, a JSON list each or
    "", and `images` counts the pictures made. `vector` is an embedding.
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
    other_answers: tuple[str, ...] = ()
    tool_calls: str = ""
    code: str = ""
    images: int = 0
    vector: array[float] | None = None


_MAY_SUCCEED = (Treatment.BACK_OFF, Treatment.AWAIT_FILE, Treatment.AWAIT_ROOM, Treatment.PAUSE)  # next time
UNSERVED = (Outcome.MISSING, Outcome.NO_RESPONSE)  # what rows are that a cancel came before
CANCELLED_MESSAGE = "cancelled before it was served; nothing is billed for it"
_CANCELLED = 1  # google.rpc.Code
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
    grounding_metadata: msgspec.Raw = _ABSENT


class _Feedback(msgspec.Struct, gc=False, rename="camel"):
    block_reason: str | None = None
    block_reason_message: str | None = None


class _Counts(msgspec.Struct, gc=False):
    prompt: int | None = msgspec.field(name="promptTokenCount", default=None)
    cached: int | None = msgspec.field(name="cachedContentTokenCount", default=None)
    candidates: int | None = msgspec.field(name="candidatesTokenCount", default=None)
    thoughts: int | None = msgspec.field(name="thoughtsTokenCount", default=None)
    tool: int | None = msgspec.field(name="toolUsePromptTokenCount", default=None)
    total: int | None = msgspec.field(name="totalTokenCount", default=None)
    prompt_details: msgspec.Raw = msgspec.field(name="promptTokensDetails", default=_ABSENT)
    cached_details: msgspec.Raw = msgspec.field(name="cacheTokensDetails", default=_ABSENT)
    candidates_details: msgspec.Raw = msgspec.field(name="candidatesTokensDetails", default=_ABSENT)

    @property
    def told(self) -> bool:
        """Whether there is any count: an empty `usageMetadata` tells nothing, which is not zero."""
        return not (self.prompt is self.cached is self.candidates is self.thoughts is self.tool is self.total is None)


class _Modality(msgspec.Struct, gc=False):
    modality: str = ""
    tokens: int = msgspec.field(name="tokenCount", default=0)


class _Blob(msgspec.Struct, gc=False, rename="camel"):
    mime_type: str | None = None


class _WebChunk(msgspec.Struct, gc=False):
    web: msgspec.Raw = _ABSENT


class _Grounding(msgspec.Struct, gc=False, rename="camel"):
    web_search_queries: list[str] | None = None
    grounding_chunks: list[_WebChunk] | None = None


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
_decode_modalities = msgspec.json.Decoder(list[_Modality], strict=False).decode
_decode_blob = msgspec.json.Decoder(_Blob).decode
_decode_grounding = msgspec.json.Decoder(_Grounding).decode


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
    contents = _contents(candidate)
    reason = candidate.finish_reason or ""
    outcome = FINISH_REASONS.get(reason, Outcome.UNKNOWN)
    message = ""
    if reason == "STOP":
        outcome = _classify_stop(contents)
    elif outcome is Outcome.TRUNCATED and not (contents.media or contents.calls or contents.text.strip()):
        outcome = Outcome.TRUNCATED_EMPTY
    if outcome is not Outcome.ANSWERED:
        message = _explain(outcome, reason, candidate.finish_message)
    blocked = (response.prompt_feedback.block_reason if response.prompt_feedback else None) or ""
    return ParsedRow(
        key,
        outcome,
        contents.text,
        contents.thoughts,
        None,
        message,
        reason,
        blocked,
        tool_calls=_json_list(contents.calls),
        code=_json_list(contents.code),
        images=contents.images,
    )


class _Contents(NamedTuple):
    """A candidate's parts by kind. Parts of thoughts, and parts that hold a signature alone, are no answer."""

    text: str = ""
    thoughts: str = ""
    calls: tuple[bytes, ...] = ()
    code: tuple[bytes, ...] = ()
    images: int = 0
    media: bool = False


def _contents(candidate: _Candidate) -> _Contents:
    parts = candidate.content.parts if candidate.content else None
    answer = [part for part in parts or () if not part.thought]
    return _Contents(
        text="".join([part.text for part in answer if part.text]),
        thoughts="".join([part.text for part in parts or () if part.text and part.thought]),
        calls=tuple(bytes(part.function_call) for part in answer if _has_value(part.function_call)),
        code=tuple(_code(answer)),
        images=sum(_is_image(part.inline_data) or _is_image(part.file_data) for part in answer),
        media=any(
            _has_value(part.inline_data, part.file_data, part.executable_code, part.code_execution_result)
            for part in answer
        ),
    )


def _code(parts: list[_Part]) -> Iterator[bytes]:
    """Code that the model ran and what came of it, each under the name of its field."""
    for part in parts:
        for name, field in (
            (b"executableCode", part.executable_code),
            (b"codeExecutionResult", part.code_execution_result),
        ):
            if _has_value(field):
                yield b'{"' + name + b'":' + bytes(field) + b"}"


def _is_image(blob: msgspec.Raw) -> bool:
    if not _has_value(blob):
        return False
    try:
        return (_decode_blob(blob).mime_type or "").startswith("image/")
    except msgspec.DecodeError:
        return False


def _json_list(items: tuple[bytes, ...]) -> str:
    """Parts as received, as a JSON list that every reader takes; "" for none."""
    if not items:
        return ""
    text = b"[" + b",".join(items) + b"]"
    try:
        return json.dumps(parse_lenient(text), ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        return text.decode("utf-8", "replace")


def _has_value(*fields: msgspec.Raw) -> bool:
    return any(bytes(field) not in (b"", b"null") for field in fields)


def _classify_stop(contents: _Contents) -> Outcome:
    """What a candidate is that ended of its own accord."""
    if contents.calls:
        return Outcome.TOOL_CALL
    if contents.text and not contents.text.isspace():
        return Outcome.REFUSED if looks_like_refusal(contents.text) else Outcome.ANSWERED
    if contents.media:
        return Outcome.ANSWERED
    return Outcome.THOUGHTS_ONLY if contents.thoughts else Outcome.EMPTY


def _explain(outcome: Outcome, reason: str, message: str | None) -> str:
    """Words for a candidate that is not simply an answer."""
    if outcome is Outcome.UNKNOWN:
        return f"finishReason {reason or 'is absent'}: not known to this version" + (f". {message}" if message else "")
    reason_note = f" ({reason})" if reason != "STOP" else ""
    return f"{LABELS[outcome]}{reason_note}" + (f": {message}" if message else "")


MAX_TOKENS = 10**12  # of one row; what claims more, or less than none, tells nothing


def _usage(response: _Response) -> Usage | None:
    """What a response used; None where it does not tell, or tells what cannot be."""
    counts = response.usage_metadata
    if counts is None or not counts.told:
        return Usage(response.token_count) if response.token_count and 0 < response.token_count <= MAX_TOKENS else None
    parts = (counts.prompt or 0, counts.cached or 0, counts.candidates or 0, counts.thoughts or 0, counts.tool or 0)
    total = counts.total or 0
    if min(*parts, total) < 0 or max(*parts, total) > MAX_TOKENS:
        return None
    prompt, cached, candidates, thoughts, tool = parts
    audio = min(_modality_tokens(counts.prompt_details, "AUDIO"), prompt)
    told_cached_audio = min(_modality_tokens(counts.cached_details, "AUDIO"), audio, cached)
    cached_audio = max(told_cached_audio, audio + min(cached, prompt) - prompt)  # what is not fresh was cached
    image = min(_image_tokens(response, counts), candidates)
    unitemised = max(0, total - prompt - candidates - thoughts - tool)
    searches = _search_queries(response)
    return Usage(*parts, audio, cached_audio, image, unitemised, searches, min(searches, 1))


def _modality_tokens(details: msgspec.Raw, modality: str) -> int:
    """The tokens of one modality in a list of details; 0 where there is none, or in no form we know."""
    if modality.encode() not in bytes(details):
        return 0
    try:
        return max(0, sum(one.tokens for one in _decode_modalities(details) if one.modality == modality))
    except msgspec.DecodeError:
        return 0


def _image_tokens(response: _Response, counts: _Counts) -> int:
    """Output tokens that are pictures; all of them where a picture came and nothing tells the kinds apart."""
    if _has_value(counts.candidates_details):
        return _modality_tokens(counts.candidates_details, "IMAGE")
    pictures = any(_contents(candidate).images for candidate in response.candidates or ())
    return counts.candidates or 0 if pictures else 0


def _search_queries(response: _Response) -> int:
    """Distinct web searches behind a response; one where only what was found is told."""
    queries: set[str] = set()
    found = False
    for candidate in response.candidates or ():
        if not _has_value(candidate.grounding_metadata):
            continue
        try:
            grounding = _decode_grounding(candidate.grounding_metadata)
        except msgspec.DecodeError:
            continue
        queries.update(query for query in grounding.web_search_queries or () if query)
        found |= any(_has_value(chunk.web) for chunk in grounding.grounding_chunks or ())
    return len(queries) or int(found)


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
        return _combine(
            [_classify_candidate_or_empty(key, response, candidate) for candidate in response.candidates], usage
        )
    return _classify_without_candidates(key, response, usage)


def _combine(candidates: list[ParsedRow], usage: Usage | None) -> ParsedRow:
    """The best candidate as the row's answer, with everything else that was paid for beside it."""
    best = max(range(len(candidates)), key=lambda index: RANK[candidates[index].outcome])
    others = [row.text for index, row in enumerate(candidates) if index != best and row.text]
    return candidates[best]._replace(
        usage=usage,
        other_answers=tuple(others),
        tool_calls=_join_lists([row.tool_calls for row in candidates]),
        code=_join_lists([row.code for row in candidates]),
        images=sum(row.images for row in candidates),
    )


def _join_lists(lists: list[str]) -> str:
    """Several JSON lists as one; "" if all are empty."""
    items = ",".join(one[1:-1] for one in lists if one)
    return f"[{items}]" if items else ""


def _classify_candidate_or_empty(key: str | None, response: _Response, candidate: _Candidate) -> ParsedRow:
    row = _classify_candidate(key, response, candidate)
    if candidate.finish_reason or row.text or row.thoughts or row.images:
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
    """A row-level google.rpc.Status, or whatever stands in its place: its text decides, and else its code.

    An image that "could not be processed, please retry" has code 3, a file that is still being processed code 9.
    """
    status: dict[str, Any] = error if isinstance(error, dict) else {"message": str(error)}
    if isinstance(status.get("error"), dict):
        status = status["error"]
    message = str(status.get("message") or "")
    code = _grpc_code(status)
    usage = (_usage(response) if response else None) or Usage()
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
