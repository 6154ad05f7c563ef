"""Hold a request to the table of fields and bring it into the wire's canonical form, byte for byte where it can.

Every level is read as `name → undecoded bytes`, so numbers, escapes, key order and everything inside free-form values
are sent on exactly as they came; only names of known fields are respelled and empty (null) fields left out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable

import msgspec
from msgspec import Raw

from batch.errors import Fault
from batch.formatting import quoted_list
from batch.media.blob_uri import blob_sha256
from batch.requests import response_schema
from batch.requests.field_table import ENUMS, MESSAGES, RANGES, FieldSpec, find_field, unknown_field_fault
from batch.rules import media_types
from batch.rules.media_types import MediaVerdict
from batch.rules.model_rules import NOTHING_FOUND, Demands, Verdict

Members = dict[str, Raw]

read_object = msgspec.json.Decoder(dict[str, Raw]).decode
read_list = msgspec.json.Decoder(list[Raw]).decode
encode = msgspec.json.encode

MAX_FAULTS = 20  # per line; a line with more is broken as a whole

_KINDS = {ord("{"): "an object", ord("["): "a list", ord('"'): "a text", ord("n"): "null"}
_KINDS |= dict.fromkeys(b"tf", "true or false") | dict.fromkeys(b"-0123456789", "a number")
_EXAMPLES = {
    "Content": '{"parts": [{"text": "…"}]}',
    "Part": '{"text": "…"}',
    "Blob": '{"mimeType": "image/png", "data": "…base64…"}',
    "FileData": '{"mimeType": "image/png", "fileUri": "…"}',
    "Tool": '{"googleSearch": {}}',
    "ThinkingConfig": '{"thinkingLevel": "LOW"}',
    "SafetySetting": '{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}',
    "Schema": '{"type": "OBJECT", "properties": {…}}',
    "str": '"…"',
    "bool": "true",
    "int": "1024",
    "num": "0.5",
    "obj": "{…}",
}
# The data of a part: exactly one of these.
DATA_FIELDS = (
    "text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult",
    "toolCall", "toolResponse", "audioTranscription",
)  # fmt: skip
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_="


class Findings:
    """What reading one value brought to light."""

    __slots__ = ("demands", "faults", "image_output", "media", "notes", "part_resolution")

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.notes: Counter[str] = Counter()
        self.media = False
        self.image_output = False
        self.demands: tuple[Demands, ...] = ()
        self.part_resolution = ""  # where the first part stands that sets its own

    def add_fault(self, fault: str, remedy: str = "") -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(Fault(fault, remedy))

    def add_verdict(self, verdict: Verdict) -> None:
        """Take over what a table of rules says."""
        if verdict is NOTHING_FOUND:
            return
        self.faults += verdict.faults[: MAX_FAULTS - len(self.faults)]
        self.notes.update(verdict.warnings)

    def add_media_verdict(self, verdict: MediaVerdict) -> None:
        """Take over what was said of one piece of media."""
        if verdict.fault:
            self.add_verdict(Verdict((verdict.fault,)))
        elif verdict.warning:
            self.notes[verdict.warning] = 1  # of a row, however many pieces it has

    def merge(self, other: Findings) -> None:
        """Take over what another reading found."""
        if other.faults:
            self.faults += other.faults[: MAX_FAULTS - len(self.faults)]
        if other.notes:
            self.notes.update(other.notes)
        self.media = self.media or other.media
        self.image_output = self.image_output or other.image_output
        self.demands += other.demands
        self.part_resolution = self.part_resolution or other.part_resolution


def canonicalize_message(name: str, raw: Raw, path: str, findings: Findings) -> Raw:
    """Read one message. Returns `raw` itself if it is canonical already."""
    if json_kind(raw) != "an object":
        _add_type_fault(name, raw, path, findings)
        return raw
    out, changed = canonicalize_fields(name, parse_object(raw, findings), path, findings)
    check = _CHECKS.get(name)
    if check:
        check(out, path, findings)
    return Raw(encode(out)) if changed else raw


def canonicalize_fields(name: str, members: Members, path: str, findings: Findings) -> tuple[Members, bool]:
    """Read the members of a message; also tells whether anything had to be respelled or left out."""
    out: Members = {}
    changed = False
    for given_name, value in members.items():
        field = find_field(name, given_name)
        if field is None:
            findings.faults.append(unknown_field_fault(name, given_name, path)) if len(
                findings.faults
            ) < MAX_FAULTS else None
            continue
        if json_kind(value) == "null":
            changed = True
            continue
        if field.name in out:
            findings.add_fault(f'The field "{field.name}" is given in two spellings.', "Keep one.")
            continue
        new = _canonicalize_value(field, value, f"{path}.{field.name}" if path else field.name, findings)
        changed = changed or new is not value or field.name != given_name
        out[field.name] = new
    return out, changed


def parse_object(raw: Raw | bytes, findings: Findings) -> Members:
    """Read an object whose every name must stand there once: of a repeated one, only the last could be sent."""
    members = read_object(raw)
    for name in duplicate_names(raw, members):
        findings.add_fault(f'"{name}" is given twice.', "Keep one.")
    return members


def duplicate_names(raw: Raw | bytes, members: Members) -> list[str]:
    """The names that an object has more than once. `members` is what was read of it.

    Where JSON is written evenly, its length tells that there are none; only else the names are counted.
    """
    text = memoryview(raw)
    count = len(members)
    spaces = _count_spaces(text, members)
    if spaces is not None:
        spare = text.nbytes - sum(map(len, members)) - sum(memoryview(value).nbytes for value in members.values())
        if spare == 4 * count + 1 + spaces:  # two braces; of every member two quotation marks, a colon and a comma
            return []
    names: list[str] = json.loads(bytes(raw), object_pairs_hook=lambda pairs: [name for name, _ in pairs])
    return sorted(name for name, times in Counter(names).items() if times > 1)


def _count_spaces(text: memoryview, members: Members) -> int | None:
    """How many blanks there are if all members are spaced like the first; None if that cannot be told."""
    name, value = next(iter(members.items()), ("", None))
    start = b'{"' + name.encode() + b'":'
    if value is None or text[: len(start)] != start:
        return None
    colon = text[len(start)] == 32
    end = len(start) + colon + memoryview(value).nbytes
    if text[end] not in b",}":
        return None
    comma = bytes(text[end + 1 : end + 2]) == b" "
    return len(members) * colon + (len(members) - 1) * comma


def json_kind(raw: Raw) -> str:
    """What kind of JSON value it is, in words, told from its first byte."""
    return _KINDS.get(memoryview(raw)[0], "")


def _canonicalize_value(field: FieldSpec, raw: Raw, path: str, findings: Findings) -> Raw:
    if not field.repeated:
        return _canonicalize_item(field, raw, path, findings)
    if json_kind(raw) == "an object" and field.kind == "Part":
        # Google's own curl examples give a single part so.
        findings.notes["one_part"] += 1
        return Raw(b"[" + bytes(_canonicalize_item(field, raw, path, findings)) + b"]")
    if json_kind(raw) != "a list":
        example = _EXAMPLES.get(field.kind, "…")
        findings.add_fault(f"{path} must be a list; here it is {json_kind(raw)}.", f"Write [{example}].")
        return raw
    items = read_list(raw)
    canonical_items = [_canonicalize_item(field, item, f"{path}[{n}]", findings) for n, item in enumerate(items)]
    return Raw(encode(canonical_items)) if any(a is not b for a, b in zip(canonical_items, items, strict=True)) else raw


def _canonicalize_item(field: FieldSpec, raw: Raw, path: str, findings: Findings) -> Raw:
    if field.kind in MESSAGES:
        return canonicalize_message(field.kind, raw, path, findings)
    if field.kind in ENUMS:
        return _check_enum(field, raw, path, findings)
    return _SCALARS[field.kind](field, raw, path, findings)


def _check_text(field: FieldSpec, raw: Raw, path: str, findings: Findings) -> Raw:
    if json_kind(raw) != "a text":
        _add_type_fault("str", raw, path, findings)
    return raw


def _check_boolean(field: FieldSpec, raw: Raw, path: str, findings: Findings) -> Raw:
    if json_kind(raw) != "true or false":
        _add_type_fault("bool", raw, path, findings)
    return raw


def _accept_anything(field: FieldSpec, raw: Raw, path: str, findings: Findings) -> Raw:
    return raw


def _check_object(field: FieldSpec, raw: Raw, path: str, findings: Findings) -> Raw:
    if json_kind(raw) != "an object":
        _add_type_fault("obj", raw, path, findings)
    return raw


def _check_number(field: FieldSpec, raw: Raw, path: str, findings: Findings) -> Raw:
    if json_kind(raw) != "a number":
        _add_type_fault("num", raw, path, findings)
        return raw
    value = _parse_number(raw, path, findings)
    if value is not None:
        _check_range(field.name, value, path, findings)
    return raw


def _parse_number(raw: Raw, path: str, findings: Findings) -> int | float | None:
    digits = bytes(raw)
    if len(digits) > 300:
        findings.add_fault(f"{path} is a number of {len(digits)} digits.", "Shorten it.")
        return None
    value: int | float = json.loads(digits)
    return value


def _canonicalize_integer(field: FieldSpec, raw: Raw, path: str, findings: Findings) -> Raw:
    """1024.0 is a whole number too; it is written as one, since not every reader takes it."""
    if json_kind(raw) != "a number":
        _add_type_fault("int", raw, path, findings)
        return raw
    value = _parse_number(raw, path, findings)
    if value is None:
        return raw
    if isinstance(value, float) and not value.is_integer():
        findings.add_fault(f"{path} must be a whole number; here it is {value}.", f"Write {round(value)}.")
        return raw
    _check_range(field.name, value, path, findings)
    return raw if isinstance(value, int) else Raw(str(int(value)).encode())


def _check_range(name: str, value: float, path: str, findings: Findings) -> None:
    low, high = RANGES.get(name, (None, None))
    if low is not None and value < low:
        findings.add_fault(f"{path} is {value}.", f"The lowest value is {low}.")
    if high is not None and value > high:
        findings.add_fault(f"{path} is {value}.", f"The highest value is {high}.")


def _check_enum(field: FieldSpec, raw: Raw, path: str, findings: Findings) -> Raw:
    """Upper or lower case, or the number that protocol buffers have for it."""
    kind = json_kind(raw)
    if kind == "a number":
        return raw
    if kind != "a text":
        _add_type_fault("str", raw, path, findings)
        return raw
    word = json.loads(bytes(raw))
    if field.kind == "Modality" and word.upper() == "IMAGE":
        findings.image_output = True
    if word.upper() not in ENUMS[field.kind]:
        values = sorted(value for value in ENUMS[field.kind] if "UNSPECIFIED" not in value)
        findings.add_fault(f'{path} has no value "{word[:60]}".', f"The values are {quoted_list(values)}.")
    return raw


def _canonicalize_schema(field: FieldSpec, raw: Raw, path: str, findings: Findings) -> Raw:
    if json_kind(raw) != "an object":
        _add_type_fault("Schema", raw, path, findings)
        return raw
    converted = response_schema.convert_json(bytes(raw).decode())
    for fault in converted.faults:
        findings.add_verdict(Verdict((fault._replace(fault=f"In {path}: {fault.fault}"),)))
    if converted.changes:
        findings.notes["schema"] += 1
    if converted.depth > response_schema.WARN_DEPTH:
        findings.notes["deep_schema"] += 1
    if converted.is_large:
        findings.notes["schema_large"] += 1
    return raw if converted.unchanged else Raw(encode(converted.schema))


_SCALARS: dict[str, Callable[[FieldSpec, Raw, str, Findings], Raw]] = {
    "str": _check_text,
    "bool": _check_boolean,
    "int": _canonicalize_integer,
    "num": _check_number,
    "any": _accept_anything,
    "obj": _check_object,
    "Schema": _canonicalize_schema,
}
_EXPECTED_KINDS = {
    "str": "a text",
    "bool": "true or false",
    "int": "a whole number",
    "num": "a number",
}


def _add_type_fault(kind: str, raw: Raw, path: str, findings: Findings) -> None:
    actual = json_kind(raw)
    remedy = f"Write {_EXAMPLES.get(kind, '{…}')}."
    if kind in ("int", "num") and actual == "a text":
        remedy = "Write the number without quotation marks."
    if kind == "bool" and actual == "a text":
        remedy = "Write true or false without quotation marks."
    findings.add_fault(f"{path} must be {_EXPECTED_KINDS.get(kind, 'an object')}; here it is {actual}.", remedy)


# -- what fields say of each other -------------------------------------------------------------------------------------


def _check_content(members: Members, path: str, findings: Findings) -> None:
    if "parts" not in members:
        findings.add_fault(f"{path} has no parts.", 'Add "parts": [{"text": "…"}].')
    elif json_kind(members["parts"]) == "a list" and not read_list(members["parts"]):
        findings.add_fault(f"{path} has an empty list of parts.", 'Write "parts": [{"text": "…"}].')


def _check_part(members: Members, path: str, findings: Findings) -> None:
    data = [name for name in DATA_FIELDS if name in members]
    if len(data) > 1:
        findings.add_fault(f"{path} has {quoted_list(data)} together.", "Make each of them a part of its own.")
    if not data and "thoughtSignature" not in members:
        findings.add_fault(f"{path} holds nothing.", 'Write {"text": "…"}, or leave the part out.')
    if "inlineData" in members or "fileData" in members:
        findings.media = True
    if "mediaResolution" in members and not findings.part_resolution:
        findings.part_resolution = f"{path}.mediaResolution"


def _check_blob(members: Members, path: str, findings: Findings) -> None:
    for name in ("mimeType", "data"):
        if name not in members:
            findings.add_fault(f'{path} has no "{name}".', f"Write {_EXAMPLES['Blob']}.")
    if "data" in members and json_kind(members["data"]) == "a text":
        fault = base64_fault(msgspec.json.decode(members["data"], type=str))
        if fault:
            findings.add_fault(f"{path}.data {fault}", "Give the file's bytes in base64 and nothing else.")
    if not findings.faults and "mimeType" in members and "data" in members:
        declared, data = (msgspec.json.decode(members[name], type=str) for name in ("mimeType", "data"))
        findings.add_media_verdict(media_types.judge_blob(declared, data, path))


def base64_fault(data: str) -> str:
    """What keeps a text from being base64; "" if nothing does."""
    if data.startswith("data:"):
        return "is a data URL, not base64."
    if not data:
        return "is empty."
    if not data.isascii() or data.encode().translate(None, _BASE64):
        return "is not base64."
    return ""


def is_address(uri: str) -> bool:
    """Whether a text can be where a file is: a URL, or the name of bytes that are kept beside the requests."""
    return "://" in uri or bool(blob_sha256(uri))


def _check_file_data(members: Members, path: str, findings: Findings) -> None:
    if "fileUri" not in members:
        findings.add_fault(f'{path} has no "fileUri".', f"Write {_EXAMPLES['FileData']}.")
    elif json_kind(members["fileUri"]) == "a text" and not is_address(
        msgspec.json.decode(members["fileUri"], type=str)
    ):
        findings.add_fault(
            f"{path}.fileUri is not an address.", "Give the uri of an uploaded file, which begins with https://."
        )
    if findings.faults:
        return
    findings.add_media_verdict(media_types.judge_address(msgspec.json.decode(members["fileUri"], type=str), path))
    if "mimeType" in members:
        findings.add_media_verdict(media_types.judge_type(msgspec.json.decode(members["mimeType"], type=str), path))


def _check_name(members: Members, path: str, findings: Findings) -> None:
    if "name" not in members:
        findings.add_fault(f'{path} has no "name".', "Name the function.")


def _check_thinking(members: Members, path: str, findings: Findings) -> None:
    if "thinkingLevel" in members and "thinkingBudget" in members:
        findings.add_fault(f"{path} has thinkingLevel and thinkingBudget together.", "Keep one of them.")


def _check_generation_config(members: Members, path: str, findings: Findings) -> None:
    if "responseSchema" in members and "responseJsonSchema" in members:
        findings.add_fault(f"{path} has responseSchema and responseJsonSchema together.", "Keep responseSchema.")
    if "responseJsonSchema" in members:
        findings.notes["json_schema"] += 1
    if "responseSchema" in members and "responseMimeType" not in members:
        findings.add_fault(
            f"{path} has a responseSchema without a responseMimeType.", 'Add "responseMimeType": "application/json".'
        )


_CHECKS: dict[str, Callable[[Members, str, Findings], None]] = {
    "Content": _check_content,
    "Part": _check_part,
    "Blob": _check_blob,
    "FileData": _check_file_data,
    "FunctionCall": _check_name,
    "FunctionResponse": _check_name,
    "FunctionDeclaration": _check_name,
    "ThinkingConfig": _check_thinking,
    "GenerationConfig": _check_generation_config,
}
