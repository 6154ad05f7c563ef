"""From a line of JSON to its key and the members of its request, in whichever form the line has them."""

from __future__ import annotations

import msgspec
import orjson
from msgspec import Raw

from batch.dialects.recognise import convert_line, is_foreign
from batch.errors import Fault
from batch.requests.canonicalize import Findings, Members, encode, json_kind, parse_object, read_object
from batch.requests.field_table import MESSAGES, find_field
from batch.requests.foreign_formats import detect_other_api
from batch.requests.gemini_shapes import to_wire
from batch.rules.model_rules import ModelRules

_NULL = Raw(b"null")
_ENVELOPE_FIELDS = ("key", "request", "metadata", "id")
_LINE_EXAMPLE = 'A line is {"key": "…", "request": {"contents": [{"role": "user", "parts": [{"text": "…"}]}]}}.'


def json_fault(raw: bytes) -> Fault | None:
    """Why a line is not a JSON object, if it is not."""
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        position = f"byte 0x{raw[error.start]:02X} at position {error.start + 1}"
        return Fault(f"The line is not valid UTF-8: {position}.", "Save the file as UTF-8.")
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


def line_key(members: Members, findings: Findings) -> str:
    """The key of a line: `key`, else what other APIs call it, `metadata.key` or `id`; "" for none."""
    if _has_value(members, "key"):
        return _key_text(members["key"], "key", findings)
    for name in ("custom_id", "recordId"):
        if _has_value(members, name) and ("request" in members or _may_be_foreign(members)):
            return _key_text(members[name], name, findings)
    if _has_value(members, "metadata") and json_kind(members["metadata"]) == "an object":
        inner = read_object(members["metadata"])
        if _has_value(inner, "key"):
            return _key_text(inner["key"], "metadata.key", findings)
    if _has_value(members, "id") and json_kind(members["id"]) in ("a text", "a number"):
        findings.notes["id_as_key"] += 1
        return _key_text(members["id"], "id", findings)
    return ""


def own_fields(members: Members, key: str) -> dict[str, Raw]:
    """What a line has beside its request, by name: not sent, but kept as columns of its row.

    The members of `metadata` count as the line's own; one whose name is taken there is called "metadata.NAME".
    Without a "request", only `id` and `metadata` are known to stand beside it. Nulls, the key and a copy of it in
    `metadata.key` are left out.
    """
    names = members.keys() - {"key", "request"} if "request" in members else {"id"}
    fields = {name: members[name] for name in members if name in names and name != "metadata"}
    metadata = members.get("metadata")
    if metadata is not None and json_kind(metadata) == "an object":
        for name, value in read_object(metadata).items():
            if name != "key" or bytes(value) not in (encode(key), key.encode()):
                fields[f"metadata.{name}" if name in fields or name == "key" else name] = value
    elif metadata is not None:
        fields["metadata"] = metadata
    return {name: value for name, value in fields.items() if json_kind(value) != "null"}


def _has_value(members: Members, name: str) -> bool:
    return name in members and bytes(members[name]) not in (b"null", b'""')


def _key_text(raw: Raw, name: str, findings: Findings) -> str:
    kind = json_kind(raw)
    if kind == "a text":
        return msgspec.json.decode(raw, type=str)
    if kind == "a number":
        findings.notes["number_key"] += 1
        return bytes(raw).decode()
    findings.add_fault(f'"{name}" must be a text; here it is {kind}.', 'Write "key": "row-1".')
    return ""


def line_request(members: Members, findings: Findings, rules: ModelRules) -> Members | None:
    """The request's members, wherever the line has them and for whichever API; None if there is no request.

    `rules` are those of the model that the row is meant for.
    """
    request = _foreign_request(members, findings, rules)
    request = _own_request(members, findings) if request is None else request
    return None if request is None or findings.faults else to_wire(request, findings)


def _foreign_request(members: Members, findings: Findings, rules: ModelRules) -> Members | None:
    """The request of a line that was written for another API; None where it was not, or cannot be converted."""
    if not _may_be_foreign(members):
        return None
    conversion = convert_line(msgspec.json.decode(encode(members)), rules)
    if conversion is None:
        return None
    findings.notes.update(conversion.notes)
    findings.faults += conversion.faults
    if conversion.embeds and rules.facts.kind != "embedding":
        findings.add_fault("The line asks for an embedding.", "Choose an embedding model.")
    return {name: Raw(encode(value)) for name, value in conversion.request.items()}


def _may_be_foreign(members: Members) -> bool:
    inner = read_object(members["request"]) if json_kind(members.get("request", _NULL)) == "an object" else {}
    return is_foreign({*members, *inner})


def _own_request(members: Members, findings: Findings) -> Members | None:
    if findings.faults:
        return None
    other_api_fault = detect_other_api(members)
    if other_api_fault:
        findings.faults.append(other_api_fault)
        return None
    if "request" in members:
        _check_extra_fields(members, findings)
        return _read_request(members["request"], findings)
    other_members = {name: value for name, value in members.items() if name not in _ENVELOPE_FIELDS}
    if "contents" in other_members:
        findings.notes["bare"] += 1
        return other_members
    if (
        len(other_members) == 1
        and (name := next(iter(other_members))) in ("prompt", "text")
        and json_kind(other_members[name]) == "a text"
    ):
        findings.notes["prompt_line"] += 1
        return {"contents": Raw(b'[{"role":"user","parts":' + encode([{"text": other_members[name]}]) + b"}]")}
    findings.faults.append(_missing_request_fault(members))
    return None


def _read_request(raw: Raw, findings: Findings) -> Members | None:
    if json_kind(raw) == "a text" and json_fault(text := msgspec.json.decode(raw, type=str).encode()) is None:
        findings.notes["request_as_text"] += 1
        raw = Raw(text)
    if json_kind(raw) == "an object":
        return parse_object(raw, findings)
    remedy = 'Write "request": {"contents": [{"role": "user", "parts": [{"text": "…"}]}]}.'
    findings.add_fault(f'"request" must be an object; here it is {json_kind(raw)}.', remedy)
    return None


def _check_extra_fields(members: Members, findings: Findings) -> None:
    """Judge what stands beside a request. Google would echo it; here it is kept, and not sent."""
    for name in members.keys() - set(_ENVELOPE_FIELDS):
        field = find_field("Request", name) or find_field("GenerationConfig", name)
        if field:
            place = "request" if field.name in MESSAGES["Request"] else "request.generationConfig"
            findings.add_fault(f'"{name}" stands beside "request".', f'Move it into "{place}".')
        elif name.lower() in ("key", "keys", "metadata", "request", "requests"):
            findings.add_fault(f'There is no "{name}" in a line.', 'A line is {"key": "…", "request": {…}}.')
        else:
            findings.notes["beside"] += 1


def _missing_request_fault(members: Members) -> Fault:
    close = [name for name in members if name.lower() in ("requests", "req", "reqest", "request", "body")]
    if close:
        return Fault('The line has no "request".', f'Did you mean "request" by "{close[0]}"?')
    return Fault('The line has no "request".' if members else "The line is an empty object.", _LINE_EXAMPLE)
