"""What became of one row: one total table over response, error, finishReason and promptFeedback. Pure.

A result line is `{"key", "response"}` or `{"key", "error"}`, as a batch job's output file holds it. The shapes
are those of the REST API; sources: google-genai 3.4.0 `types.py` (FinishReason, BlockedReason), the Gemini
cookbook's batch notebook, and the issue threads named beside single cases.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from batch.model import Outcome, Usage
from batch.responses.outcome_tables import BLOCK_REASONS, FINISH_REASONS, LABELS, RANK
from batch.responses.parsed_row import ParsedRow
from batch.responses.result_lines import (
    Candidate,
    CandidateContents,
    Response,
    ResultLine,
    contents_of,
    decode_line,
    decode_response,
    decode_snake_case,
    has_value,
    json_list,
    parse_lenient,
    usage_of,
)
from batch.responses.row_errors import classify_failed_row, vertex_error
from batch.responses.structured_output import looks_like_refusal


def classify(line: bytes) -> ParsedRow:
    """Say what became of the row behind one result line. Total: never raises, whatever the bytes are."""
    try:
        result_line = decode_line(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _classify_untyped(line)
    response = result_line.response
    if response is None or result_line.error:
        return _classify_general(result_line, line)
    return _classify_simple(result_line.key, response) or _classify_general(result_line, line)


def _classify_simple(key: Any, response: Response) -> ParsedRow | None:
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
    return ParsedRow(key, Outcome.ANSWERED, text, "", None, "", "STOP", "", usage_of(response))


def _classify_candidate(key: str | None, response: Response, candidate: Candidate) -> ParsedRow:
    """Judge one candidate that says why it ended."""
    contents = contents_of(candidate)
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
        tool_calls=json_list(contents.calls),
        code=json_list(contents.code),
        images=contents.images,
    )


def _classify_stop(contents: CandidateContents) -> Outcome:
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


def _key_of(result_line: ResultLine) -> str | None:
    """The row's key: `key`, or an inline request's `metadata.key`. Never its position."""
    key = result_line.key
    if key is None and isinstance(result_line.metadata, dict):
        key = result_line.metadata.get("key")
    if isinstance(key, str):
        return key
    return str(key) if isinstance(key, int) and not isinstance(key, bool) else None


def _classify_general(result_line: ResultLine, line: bytes) -> ParsedRow:
    """Everything but a single finished candidate."""
    key = _key_of(result_line)
    if error := result_line.error or vertex_error(result_line.status):
        return classify_failed_row(key, error, result_line.response)
    response = result_line.response
    if response is None:
        return ParsedRow(key, Outcome.NO_RESPONSE, error_message=LABELS[Outcome.NO_RESPONSE])
    if b"_" in line and (camel := decode_snake_case(line)) is not None:
        response = camel
    usage = usage_of(response)
    if response.embedding is not None and has_value(response.embedding.values):
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


def _classify_candidate_or_empty(key: str | None, response: Response, candidate: Candidate) -> ParsedRow:
    row = _classify_candidate(key, response, candidate)
    if candidate.finish_reason or row.text or row.thoughts or row.images:
        return row
    return row._replace(outcome=Outcome.EMPTY, error_message="the candidate is empty and has no finishReason")


def _classify_without_candidates(key: str | None, response: Response, usage: Usage | None) -> ParsedRow:
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
    result_line = ResultLine(value.get("key"), value.get("metadata"), None, value.get("error"), value.get("status"))
    try:
        result_line.response = decode_response(msgspec.json.encode(value.get("response")))
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
