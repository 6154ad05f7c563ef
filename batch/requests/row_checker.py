"""Check one line or one prompt at a time, and make of it the request that will be sent.

A line in the wire's own form, with nothing to add, is passed on unchanged; what it costs is one typed decode
(`batch/requests/fast_path.py`). Everything else is read level by level (`batch/requests/canonicalize.py`), put right
where its meaning is plain, and refused with words where it is not. Nothing is ever sent changed in meaning.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from msgspec import UNSET, Raw, Struct
from msgspec.json import decode

from batch.formatting import Problem
from batch.requests import fast_path
from batch.requests.canonicalize import Findings, Members, encode, fields, first, members_of, read_list, read_object
from batch.requests.generation_settings import Settings, check_generation
from batch.requests.line_envelope import json_fault, key_of, request_of
from batch.requests.use_cache_marker import PLACEHOLDER, cache_name, empty, marker, take_marker, wire_name

__all__ = ["LINE_LIMIT_BYTES", "Checker", "Problem", "Row", "check_generation"]

# No limit of a row is documented. A create call takes less than 20 MB, so no larger row could go inline, and text
# that fills the largest input window (1,048,576 tokens) stays far below it.
LINE_LIMIT_BYTES = 20_000_000
MEMO_ENTRIES = 512
MEMO_BYTES = 65_536
MODELS_COUNTED = 100
BOM = b"\xef\xbb\xbf"


class Row(Struct, gc=False):
    """A good row. `key` is "" where one has to be made; `line` is the whole line, b"" where `request` still has to be
    put under its key. `number` is the line in the source; `made` tells that the key was generated.
    """

    key: str
    prompt: str
    request: bytes
    line: bytes = b""
    media: bool = False
    image_output: bool = False
    cache: str = ""
    number: int = 0
    made: bool = False


class _Known(NamedTuple):
    """A field of a request as it was read: its wire name ("" if it is to be left out), its value, what was found."""

    name: str
    value: Raw
    found: Findings
    canonical: bool


class Checker:
    """Checks the rows of one input. `notes` counts what was accepted in a form that deserves a word.

    `model`, if given, is the model of the run: a row that asks for another one is a problem. `models` counts the
    models that rows ask for.
    """

    def __init__(self, settings: Settings, *, model: str = "") -> None:
        self._settings = settings
        self._model = model.strip().removeprefix("models/")
        self._memo: dict[tuple[str, bytes], _Known] = {}
        self._leads: dict[str, bytes] = {}
        self.notes: Counter[str] = Counter()
        self.models: Counter[str] = Counter()

    # -- a line of JSON ------------------------------------------------------------------------------------------------

    def line(self, raw: bytes, number: int) -> Row | list[Problem]:
        """Check one line of JSONL, without its line end."""
        try:
            row = self._plain(fast_path.read_line(raw), raw)
        except fast_path.UNREADABLE:
            row = None
        return row if row is not None else self._long_way(raw, number)

    def _plain(self, line: fast_path.Line, raw: bytes) -> Row | None:
        """The row of a line in canonical form; None sends it the long way."""
        turns = fast_path.judge(line.request.contents)
        if turns is None or marker(turns.prompt) or not fast_path.says_all_once(line, raw):
            return None
        images = False
        others = line.request.others()
        if others != fast_path.NO_OTHERS:
            for name, value in zip(fast_path.OTHERS, others, strict=True):
                if value is not UNSET:
                    known = self._known(name, value)
                    if not known.canonical:
                        return None
                    if known.found.notes:
                        self.notes.update(known.found.notes)
                    images = images or known.found.image_output
        if not self._settings.any:
            return Row(line.key, turns.prompt, b"", raw, turns.media, images)
        members = read_object(fast_path.read_halves(raw).request)
        self._settings.apply(members)
        return Row(line.key, turns.prompt, encode(members), b"", turns.media, images)

    def _known(self, name: str, value: Raw) -> _Known:
        """Read one field beside the contents; what was read is remembered, since rows repeat it."""
        memo = (name, bytes(value))
        known = self._memo.get(memo)
        if known is None:
            known = _read_field(name, value)
            if len(memo[1]) <= MEMO_BYTES:
                if len(self._memo) >= MEMO_ENTRIES:
                    self._memo.clear()
                self._memo[memo] = known
        return known

    # -- the long way --------------------------------------------------------------------------------------------------

    def _long_way(self, raw: bytes, number: int) -> Row | list[Problem]:
        if raw.startswith(BOM):
            return self.line(raw.removeprefix(BOM), number)
        fault = json_fault(raw)
        if fault:
            return [Problem(number, "", *fault)]
        try:
            return self._read(raw, number)
        except RecursionError:
            return [Problem(number, "", "The line is nested too deeply to be read.", "Flatten it.")]

    def _read(self, raw: bytes, number: int) -> Row | list[Problem]:
        found = Findings()
        members = members_of(raw, found)
        key = key_of(members, found)
        request = request_of(members, found)
        row = self._row(key, request, found) if request is not None and not found.faults else None
        if row is None or found.faults:
            return [Problem(number, key, *fault) for fault in found.faults]
        if found.notes:
            self.notes.update(found.notes)
        return row

    def _row(self, key: str, given: Members, found: Findings) -> Row | None:
        request, turns = self._fields(given, found)
        if turns is None:
            _check_contents(request, found)
        if found.faults:
            return None
        prompt, cache = take_marker(request, found) if turns is None or marker(turns.prompt) else (turns.prompt, "")
        _check_cache(request, found)
        self._take_model(request, found)
        if found.faults:
            return None
        if "cachedContent" in request and not cache:
            cache = decode(request["cachedContent"], type=str).removeprefix(PLACEHOLDER)
        if not self._settings.apply(request):
            found.notes["system_left_out"] += 1
        return Row(key, prompt, encode(request), b"", found.media, found.image_output, cache)

    def _fields(self, given: Members, found: Findings) -> tuple[Members, fast_path.Turns | None]:
        """The request's fields in canonical form; contents that are plain already are also judged."""
        request: Members = {}
        turns = None
        for name, value in given.items():
            if name == "contents":
                turns = _judged(value)
                if turns:
                    request[name] = value
                    continue
                known = _read_field(name, value)
            else:
                known = self._known(name, value)
            found.add(known.found)
            if known.name in request:
                found.wrong(f'The field "{known.name}" is given in two spellings.', "Keep one.")
            if known.name:
                request[known.name] = known.value
        if turns and turns.media:
            found.media = True
        return request, turns

    def _take_model(self, request: Members, found: Findings) -> None:
        """A batch job has one model, so a row cannot choose its own."""
        if "model" not in request:
            return
        model = decode(request.pop("model"), type=str).removeprefix("models/")
        if self._model and model != self._model:
            fault = f'The row asks for the model "{model[:60]}", but the run uses "{self._model}".'
            found.wrong(fault, "Send it in a run of its own.")
        elif len(self.models) < MODELS_COUNTED or model in self.models:
            self.models[model] += 1

    # -- a prompt ------------------------------------------------------------------------------------------------------

    def prompt(self, text: str, key: str, number: int, lead: int = 0) -> Row | list[Problem]:
        """Make a request of a prompt. Its first `lead` characters become a part of their own."""
        cache = ""
        if match := marker(text):
            found = Findings()
            cache = cache_name(match, found)
            if found.faults:
                return [Problem(number, key, *fault) for fault in found.faults]
            text, lead = text[match.end() :], max(0, lead - match.end())
        if not text or text.isspace():
            return [Problem(number, key, *empty(bool(cache)))]
        try:
            request = self._built(text, cache, lead)
        except UnicodeEncodeError:
            return [Problem(number, key, "The prompt holds half a character (a lone surrogate).", "Type it again.")]
        if text.startswith("{") and '"contents"' in text:
            self.notes["json_prompt"] += 1
        return Row(key, text, request, cache=cache)

    def _built(self, text: str, cache: str, lead: int) -> bytes:
        settings = self._settings
        parts = [] if settings.shared is None else [bytes(settings.shared)]
        if lead:
            parts.append(self._lead(text[:lead]))
        parts.append(b'{"text":' + encode(text[lead:]) + b"}")
        out = [b'{"contents":[{"role":"user","parts":[', b",".join(parts), b"]}]"]
        if cache:
            out.append(b',"cachedContent":' + encode(wire_name(cache)))
            self.notes["system_left_out"] += settings.system is not None
        elif settings.system is not None:
            out.append(b',"systemInstruction":' + bytes(settings.system))
        out += [settings.config_tail, b"}"]
        return b"".join(out)

    def _lead(self, text: str) -> bytes:
        if text not in self._leads:
            self._leads = {text: b'{"text":' + encode(text) + b"}"}
        return self._leads[text]


# -- small judgements --------------------------------------------------------------------------------------------------


def _read_field(name: str, value: Raw) -> _Known:
    found = Findings()
    fault = json_fault(b'{"":' + bytes(value) + b"}")
    if fault:
        found.faults.append(fault)
        return _Known("", value, found, False)
    members, changed = fields("Request", {name: value}, "", found)
    wire, read = next(iter(members.items()), ("", value))
    return _Known(wire, read, found, bool(wire) and not changed and not found.faults)


def _judged(contents: Raw) -> fast_path.Turns | None:
    try:
        read = fast_path.read_contents(contents)
    except fast_path.UNREADABLE:
        return None
    return fast_path.judge(read) if fast_path.contents_say_all_once(read, contents) else None


def _check_contents(request: Members, found: Findings) -> None:
    if "contents" not in request:
        found.wrong("The request has no contents.", 'Add "contents": [{"role": "user", "parts": [{"text": "…"}]}].')
        return
    if first(request["contents"]) != "a list" or found.faults:
        return
    turns = [read_object(turn) for turn in read_list(request["contents"])]
    if not turns:
        found.wrong("The contents are empty.", 'Add {"role": "user", "parts": [{"text": "…"}]}.')
        return
    for n, turn in enumerate(turns):
        role = _role(turn)
        if role not in ("", "user", "model"):
            remedy = 'The roles are "user" and "model".' + _ROLES.get(role, "")
            found.wrong(f'contents[{n}].role is "{role[:60]}".', remedy)
    if _role(turns[-1]) == "model":
        found.wrong("The last turn is the model's.", "End with a turn of the user, which is what gets answered.")


def _role(turn: Members) -> str:
    return decode(turn["role"], type=str) if "role" in turn else ""


_ROLES = {
    "system": ' A system instruction goes into "systemInstruction".',
    "assistant": ' Write "model".',
    "function": ' A function response is a part of a "user" turn.',
    "tool": ' A function response is a part of a "user" turn.',
}


def _check_cache(request: Members, found: Findings) -> None:
    if "cachedContent" not in request:
        return
    name = decode(request["cachedContent"], type=str)
    if not name.startswith(("cachedContents/", PLACEHOLDER)):
        remedy = 'Give a cache\'s name, "cachedContents/…", or begin the prompt with a line "@use_cache NAME".'
        found.wrong(f'cachedContent is "{name[:60]}".', remedy)
    clash = [field for field in ("systemInstruction", "tools", "toolConfig") if field in request]
    if clash:
        fault = f"The request uses a cache and sets {' and '.join(clash)}; Gemini refuses them together."
        found.wrong(fault, "Move them into the cache, or do without the cache in this row.")
