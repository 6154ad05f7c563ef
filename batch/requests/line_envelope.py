"""From a line of JSON to its key and the members of its request, in whichever form the line has them."""

from __future__ import annotations

import msgspec
import orjson
from msgspec import Raw

from batch.formatting import Fault
from batch.requests.canonicalize import Findings, Members, encode, first, members_of, read_object
from batch.requests.field_table import MESSAGES, known
from batch.requests.foreign_formats import foreign_form

_OWN = ("key", "request", "metadata", "id")
_WHOLE = 'A line is {"key": "…", "request": {"contents": [{"role": "user", "parts": [{"text": "…"}]}]}}.'


def json_fault(raw: bytes) -> Fault | None:
    """Why a line is not a JSON object, if it is not."""
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        place = f"byte 0x{raw[error.start]:02X} at position {error.start + 1}"
        return Fault(f"The line is not valid UTF-8: {place}.", "Save the file as UTF-8.")
    try:
        value = orjson.loads(raw)
        if isinstance(value, dict):
            return None
    except orjson.JSONDecodeError as error:
        return Fault(f"The line is not valid JSON: {error.msg} (column {error.colno}).", _json_remedy(raw, error))
    kind = "a list" if isinstance(value, list) else "a single value"
    return Fault(f"The line is {kind}, not an object.", 'Write one {"key": "…", "request": {…}} on each line.')


def _json_remedy(raw: bytes, error: orjson.JSONDecodeError) -> str:
    if raw[:1] in (b"{", b"[") and raw[1:2].strip() in (b"", b"'") and b"'" in raw[:40]:
        return "JSON wants double quotation marks."
    if raw.strip() in (b"{", b"["):
        return "One request is one line; this looks like JSON spread over many lines."
    if "infinity" in error.msg:
        return "No number can be as large as that; write it as a text."
    if "depth" in error.msg:
        return "Flatten it."
    if error.pos >= len(raw.decode()) - 1:
        return "The line ends too early; one request is one line."
    return "Correct the line."


def key_of(members: Members, found: Findings) -> str:
    """The key of a line: `key`, else `metadata.key`, else `id`; "" if there is none."""
    if _given(members, "key"):
        return _key_text(members["key"], "key", found)
    if _given(members, "metadata") and first(members["metadata"]) == "an object":
        inner = read_object(members["metadata"])
        if _given(inner, "key"):
            return _key_text(inner["key"], "metadata.key", found)
    if _given(members, "id") and first(members["id"]) in ("a text", "a number"):
        found.notes["id_as_key"] += 1
        return _key_text(members["id"], "id", found)
    return ""


def _given(members: Members, name: str) -> bool:
    return name in members and bytes(members[name]) not in (b"null", b'""')


def _key_text(raw: Raw, name: str, found: Findings) -> str:
    kind = first(raw)
    if kind == "a text":
        return msgspec.json.decode(raw, type=str)
    if kind == "a number":
        found.notes["number_key"] += 1
        return bytes(raw).decode()
    found.wrong(f'"{name}" must be a text; here it is {kind}.', 'Write "key": "row-1".')
    return ""


def request_of(members: Members, found: Findings) -> Members | None:
    """The request's members, wherever the line has them; None if there is no request."""
    foreign = foreign_form(members)
    if foreign:
        found.faults.append(foreign)
        return None
    if "request" in members:
        _beside(members, found)
        return _request(members["request"], found)
    rest = {name: value for name, value in members.items() if name not in _OWN}
    if "contents" in rest:
        found.notes["bare"] += 1
        return rest
    if len(rest) == 1 and (name := next(iter(rest))) in ("prompt", "text") and first(rest[name]) == "a text":
        found.notes["prompt_line"] += 1
        return {"contents": Raw(b'[{"role":"user","parts":' + encode([{"text": rest[name]}]) + b"}]")}
    found.faults.append(_no_request(members))
    return None


def _request(raw: Raw, found: Findings) -> Members | None:
    if first(raw) == "an object":
        return members_of(raw, found)
    remedy = 'Write "request": {"contents": [{"role": "user", "parts": [{"text": "…"}]}]}.'
    found.wrong(f'"request" must be an object; here it is {first(raw)}.', remedy)
    return None


def _beside(members: Members, found: Findings) -> None:
    """Judge what stands beside a request. Google would echo it; here it is not sent."""
    for name in members.keys() - set(_OWN):
        field = known("Request", name) or known("GenerationConfig", name)
        if field:
            place = "request" if field.name in MESSAGES["Request"] else "request.generationConfig"
            found.wrong(f'"{name}" stands beside "request".', f'Move it into "{place}".')
        elif name.lower() in ("key", "keys", "metadata", "request", "requests"):
            found.wrong(f'There is no "{name}" in a line.', 'A line is {"key": "…", "request": {…}}.')
        else:
            found.notes["beside"] += 1


def _no_request(members: Members) -> Fault:
    close = [name for name in members if name.lower() in ("requests", "req", "reqest", "request", "body")]
    if close:
        return Fault('The line has no "request".', f'Did you mean "request" by "{close[0]}"?')
    return Fault('The line has no "request".' if members else "The line is an empty object.", _WHOLE)
