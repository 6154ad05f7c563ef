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

from batch.formatting import Fault, listed
from batch.requests import response_schema
from batch.requests.field_table import ENUMS, MESSAGES, RANGES, Field, known, unknown

Members = dict[str, Raw]

read_object = msgspec.json.Decoder(dict[str, Raw]).decode
read_list = msgspec.json.Decoder(list[Raw]).decode
encode = msgspec.json.encode

FAULTS_KEPT = 20  # per line; a line with more is broken as a whole

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
DATA = (
    "text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult",
    "toolCall", "toolResponse", "audioTranscription",
)  # fmt: skip
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_="


class Findings:
    """What reading one value brought to light."""

    __slots__ = ("faults", "image_output", "media", "notes")

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.notes: Counter[str] = Counter()
        self.media = False
        self.image_output = False

    def wrong(self, fault: str, remedy: str = "") -> None:
        if len(self.faults) < FAULTS_KEPT:
            self.faults.append(Fault(fault, remedy))

    def add(self, other: Findings) -> None:
        """Take over what another reading found."""
        if other.faults:
            self.faults += other.faults[: FAULTS_KEPT - len(self.faults)]
        if other.notes:
            self.notes.update(other.notes)
        self.media = self.media or other.media
        self.image_output = self.image_output or other.image_output


def message(name: str, raw: Raw, path: str, found: Findings) -> Raw:
    """Read one message. Returns `raw` itself if it is canonical already."""
    if first(raw) != "an object":
        _mistyped(name, raw, path, found)
        return raw
    out, changed = fields(name, members_of(raw, found), path, found)
    check = _CHECKS.get(name)
    if check:
        check(out, path, found)
    return Raw(encode(out)) if changed else raw


def fields(name: str, members: Members, path: str, found: Findings) -> tuple[Members, bool]:
    """Read the members of a message; also tells whether anything had to be respelled or left out."""
    out: Members = {}
    changed = False
    for given, value in members.items():
        field = known(name, given)
        if field is None:
            found.faults.append(unknown(name, given, path)) if len(found.faults) < FAULTS_KEPT else None
            continue
        if first(value) == "null":
            changed = True
            continue
        if field.name in out:
            found.wrong(f'The field "{field.name}" is given in two spellings.', "Keep one.")
            continue
        new = _value(field, value, f"{path}.{field.name}" if path else field.name, found)
        changed = changed or new is not value or field.name != given
        out[field.name] = new
    return out, changed


def members_of(raw: Raw | bytes, found: Findings) -> Members:
    """Read an object whose every name must stand there once: of a repeated one, only the last could be sent."""
    members = read_object(raw)
    for name in repeated(raw, members):
        found.wrong(f'"{name}" is given twice.', "Keep one.")
    return members


def repeated(raw: Raw | bytes, members: Members) -> list[str]:
    """The names that an object has more than once. `members` is what was read of it.

    Where JSON is written evenly, its length tells that there are none; only else the names are counted.
    """
    text = memoryview(raw)
    count = len(members)
    blanks = _blanks(text, members)
    if blanks is not None:
        spare = text.nbytes - sum(map(len, members)) - sum(memoryview(value).nbytes for value in members.values())
        if spare == 4 * count + 1 + blanks:  # two braces; of every member two quotation marks, a colon and a comma
            return []
    names: list[str] = json.loads(bytes(raw), object_pairs_hook=lambda pairs: [name for name, _ in pairs])
    return sorted(name for name, times in Counter(names).items() if times > 1)


def _blanks(text: memoryview, members: Members) -> int | None:
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


def first(raw: Raw) -> str:
    """What kind of JSON value it is, in words, told from its first byte."""
    return _KINDS.get(memoryview(raw)[0], "")


def _value(field: Field, raw: Raw, path: str, found: Findings) -> Raw:
    if not field.repeated:
        return _single(field, raw, path, found)
    if first(raw) == "an object" and field.kind == "Part":
        # Google's own curl examples give a single part so.
        found.notes["one_part"] += 1
        return Raw(b"[" + bytes(_single(field, raw, path, found)) + b"]")
    if first(raw) != "a list":
        example = _EXAMPLES.get(field.kind, "…")
        found.wrong(f"{path} must be a list; here it is {first(raw)}.", f"Write [{example}].")
        return raw
    items = read_list(raw)
    read = [_single(field, item, f"{path}[{n}]", found) for n, item in enumerate(items)]
    return Raw(encode(read)) if any(a is not b for a, b in zip(read, items, strict=True)) else raw


def _single(field: Field, raw: Raw, path: str, found: Findings) -> Raw:
    if field.kind in MESSAGES:
        return message(field.kind, raw, path, found)
    if field.kind in ENUMS:
        return _enum(field, raw, path, found)
    return _SCALARS[field.kind](field, raw, path, found)


def _text(field: Field, raw: Raw, path: str, found: Findings) -> Raw:
    if first(raw) != "a text":
        _mistyped("str", raw, path, found)
    return raw


def _flag(field: Field, raw: Raw, path: str, found: Findings) -> Raw:
    if first(raw) != "true or false":
        _mistyped("bool", raw, path, found)
    return raw


def _anything(field: Field, raw: Raw, path: str, found: Findings) -> Raw:
    return raw


def _object(field: Field, raw: Raw, path: str, found: Findings) -> Raw:
    if first(raw) != "an object":
        _mistyped("obj", raw, path, found)
    return raw


def _number(field: Field, raw: Raw, path: str, found: Findings) -> Raw:
    if first(raw) != "a number":
        _mistyped("num", raw, path, found)
        return raw
    value = _numeric(raw, path, found)
    if value is not None:
        _in_range(field.name, value, path, found)
    return raw


def _numeric(raw: Raw, path: str, found: Findings) -> int | float | None:
    digits = bytes(raw)
    if len(digits) > 300:
        found.wrong(f"{path} is a number of {len(digits)} digits.", "Shorten it.")
        return None
    value: int | float = json.loads(digits)
    return value


def _integer(field: Field, raw: Raw, path: str, found: Findings) -> Raw:
    """1024.0 is a whole number too; it is written as one, since not every reader takes it."""
    if first(raw) != "a number":
        _mistyped("int", raw, path, found)
        return raw
    value = _numeric(raw, path, found)
    if value is None:
        return raw
    if isinstance(value, float) and not value.is_integer():
        found.wrong(f"{path} must be a whole number; here it is {value}.", f"Write {round(value)}.")
        return raw
    _in_range(field.name, value, path, found)
    return raw if isinstance(value, int) else Raw(str(int(value)).encode())


def _in_range(name: str, value: float, path: str, found: Findings) -> None:
    low, high = RANGES.get(name, (None, None))
    if low is not None and value < low:
        found.wrong(f"{path} is {value}.", f"The lowest value is {low}.")
    if high is not None and value > high:
        found.wrong(f"{path} is {value}.", f"The highest value is {high}.")


def _enum(field: Field, raw: Raw, path: str, found: Findings) -> Raw:
    """Upper or lower case, or the number that protocol buffers have for it."""
    kind = first(raw)
    if kind == "a number":
        return raw
    if kind != "a text":
        _mistyped("str", raw, path, found)
        return raw
    word = json.loads(bytes(raw))
    if field.kind == "Modality" and word.upper() == "IMAGE":
        found.image_output = True
    if word.upper() not in ENUMS[field.kind]:
        values = sorted(value for value in ENUMS[field.kind] if "UNSPECIFIED" not in value)
        found.wrong(f'{path} has no value "{word[:60]}".', f"The values are {listed(values)}.")
    return raw


def _schema(field: Field, raw: Raw, path: str, found: Findings) -> Raw:
    if first(raw) != "an object":
        _mistyped("Schema", raw, path, found)
        return raw
    converted = response_schema.read(bytes(raw).decode())
    for fault in converted.faults:
        found.wrong(f"In {path}: {fault.fault}", fault.remedy)
    if converted.changes:
        found.notes["schema"] += 1
    if converted.depth > response_schema.DEPTH_NOTED:
        found.notes["deep_schema"] += 1
    return raw if converted.same else Raw(encode(converted.schema))


_SCALARS: dict[str, Callable[[Field, Raw, str, Findings], Raw]] = {
    "str": _text,
    "bool": _flag,
    "int": _integer,
    "num": _number,
    "any": _anything,
    "obj": _object,
    "Schema": _schema,
}
_WANTED = {
    "str": "a text",
    "bool": "true or false",
    "int": "a whole number",
    "num": "a number",
}


def _mistyped(kind: str, raw: Raw, path: str, found: Findings) -> None:
    got = first(raw)
    remedy = f"Write {_EXAMPLES.get(kind, '{…}')}."
    if kind in ("int", "num") and got == "a text":
        remedy = "Write the number without quotation marks."
    if kind == "bool" and got == "a text":
        remedy = "Write true or false without quotation marks."
    found.wrong(f"{path} must be {_WANTED.get(kind, 'an object')}; here it is {got}.", remedy)


# -- what fields say of each other -------------------------------------------------------------------------------------


def _content(members: Members, path: str, found: Findings) -> None:
    if "parts" not in members:
        found.wrong(f"{path} has no parts.", 'Add "parts": [{"text": "…"}].')
    elif first(members["parts"]) == "a list" and not read_list(members["parts"]):
        found.wrong(f"{path} has an empty list of parts.", 'Write "parts": [{"text": "…"}].')


def _part(members: Members, path: str, found: Findings) -> None:
    data = [name for name in DATA if name in members]
    if len(data) > 1:
        found.wrong(f"{path} has {listed(data)} together.", "Make each of them a part of its own.")
    if not data and "thoughtSignature" not in members:
        found.wrong(f"{path} holds nothing.", 'Write {"text": "…"}, or leave the part out.')
    if "inlineData" in members or "fileData" in members:
        found.media = True


def _blob(members: Members, path: str, found: Findings) -> None:
    for name in ("mimeType", "data"):
        if name not in members:
            found.wrong(f'{path} has no "{name}".', f"Write {_EXAMPLES['Blob']}.")
    if "data" in members and first(members["data"]) == "a text":
        fault = base64_fault(msgspec.json.decode(members["data"], type=str))
        if fault:
            found.wrong(f"{path}.data {fault}", "Give the file's bytes in base64 and nothing else.")


def base64_fault(data: str) -> str:
    """What keeps a text from being base64; "" if nothing does."""
    if data.startswith("data:"):
        return "is a data URL, not base64."
    if not data:
        return "is empty."
    if not data.isascii() or data.encode().translate(None, _BASE64):
        return "is not base64."
    return ""


def _file_data(members: Members, path: str, found: Findings) -> None:
    if "fileUri" not in members:
        found.wrong(f'{path} has no "fileUri".', f"Write {_EXAMPLES['FileData']}.")
    elif first(members["fileUri"]) == "a text" and "://" not in msgspec.json.decode(members["fileUri"], type=str):
        found.wrong(
            f"{path}.fileUri is not an address.", "Give the uri of an uploaded file, which begins with https://."
        )


def _named(members: Members, path: str, found: Findings) -> None:
    if "name" not in members:
        found.wrong(f'{path} has no "name".', "Name the function.")


def _thinking(members: Members, path: str, found: Findings) -> None:
    if "thinkingLevel" in members and "thinkingBudget" in members:
        found.wrong(f"{path} has thinkingLevel and thinkingBudget together.", "Keep one of them.")


def _config(members: Members, path: str, found: Findings) -> None:
    if "responseSchema" in members and "responseJsonSchema" in members:
        found.wrong(f"{path} has responseSchema and responseJsonSchema together.", "Keep responseSchema.")
    if "responseJsonSchema" in members:
        found.notes["json_schema"] += 1
    if "responseSchema" in members and "responseMimeType" not in members:
        found.wrong(
            f"{path} has a responseSchema without a responseMimeType.", 'Add "responseMimeType": "application/json".'
        )


_CHECKS: dict[str, Callable[[Members, str, Findings], None]] = {
    "Content": _content,
    "Part": _part,
    "Blob": _blob,
    "FileData": _file_data,
    "FunctionCall": _named,
    "FunctionResponse": _named,
    "FunctionDeclaration": _named,
    "ThinkingConfig": _thinking,
    "GenerationConfig": _config,
}
