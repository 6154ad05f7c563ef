"""Check one line or one prompt at a time, and make of it the request that will be sent.

A line in the wire's own form, with nothing to add, is passed on unchanged; what it costs is one typed decode
(`batch/requests/fast_path.py`). Everything else is read level by level (`batch/requests/canonicalize.py`), put right
where its meaning is plain, and refused with words where it is not. Nothing is ever sent changed in meaning.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.json import decode

from batch.dialects.conversion import REFUSED
from batch.dialects.line_templates import ConvertedLine, LineTemplates, may_fit
from batch.errors import Problem
from batch.model import model_id
from batch.requests import fast_path
from batch.requests.canonicalize import (
    Findings,
    Members,
    canonicalize_fields,
    encode,
    json_kind,
    parse_object,
    read_list,
    read_object,
)
from batch.requests.generation_settings import EncodedSettings, check_generation
from batch.requests.line_envelope import json_fault, line_key, line_request, own_fields
from batch.requests.use_cache_marker import (
    PLACEHOLDER,
    cache_name,
    cached_content_value,
    empty_prompt_fault,
    extract_marker,
    match_marker,
)
from batch.rules.model_rules import Demands, ModelRules, demands_of
from batch.rules.tool_history import HistoryTurn, history_turns

__all__ = ["LINE_LIMIT_BYTES", "CheckedRow", "Problem", "RowChecker", "check_generation"]

# No limit of a row is documented. A create call takes less than 20 MB, so no larger row could go inline, and text
# that fills the largest input window (1,048,576 tokens) stays far below it.
LINE_LIMIT_BYTES = 20_000_000
MEMO_ENTRIES = 512
MEMO_BYTES = 65_536
MODELS_COUNTED = 100
BOM = b"\xef\xbb\xbf"


class PromptFiles(NamedTuple):
    """The files of a prompt, each a part as JSON, before its text or after it."""

    parts: Sequence[bytes] = ()
    after_text: bool = False

    def around(self, texts: Sequence[bytes]) -> list[bytes]:
        """All parts of the prompt, in order."""
        return [*texts, *self.parts] if self.after_text else [*self.parts, *texts]

    @property
    def has_media(self) -> bool:
        """Whether any of them is more than text."""
        return any(not part.startswith(b'{"text":') for part in self.parts)


NO_FILES = PromptFiles()


class PromptFrame(NamedTuple):
    """What stands in a request before the text of its prompt, and after it, as JSON."""

    before: str
    after: str


class CheckedRow(Struct, gc=False):
    """A good row. `key` is "" where one has to be made; `line` is the whole line, b"" where `request` still has to be
    put under its key. `number` is the line in the source; `key_generated` tells that the key was made here;
    `own_fields` are what the line has beside its request.
    """

    key: str
    prompt: str
    request: bytes
    line: bytes = b""
    media: bool = False
    image_output: bool = False
    cache: str = ""
    number: int = 0
    key_generated: bool = False
    own_fields: dict[str, Raw] | None = None


class _ParsedField(NamedTuple):
    """A field of a request as it was read: its wire name ("" if it is to be left out), its value, what was found.

    `canonical` if it can be sent as it was written.
    """

    name: str
    value: Raw
    findings: Findings
    canonical: bool

    @property
    def silent(self) -> bool:
        """Whether nothing more needs to be said or asked, unless there are tools: so it is with nearly every field."""
        findings = self.findings
        demanding = findings.demands and self.name != "generationConfig"
        return self.canonical and not (findings.faults or findings.notes or demanding or findings.image_output)


class RowChecker:
    """Checks the rows of one input. `notes` counts what was accepted in a form that deserves a word.

    `model`, if given, is the model of the run: a row that asks for another one is a problem. `models` counts the
    models that rows ask for. `rules` are those of the model that the rows are meant for. `alike` says that no row has
    anything but contents, so that all get the same from the run, and the rules of no model bear on them.
    """

    def __init__(self, settings: EncodedSettings, *, model: str = "", rules: ModelRules | None = None) -> None:
        self._settings = settings
        self.rules = rules or ModelRules()
        self._model = model_id(model)
        self.alike = True
        self._memo: dict[tuple[str, bytes], tuple[bool, _ParsedField]] = {}
        self._prefix_parts: dict[str, bytes] = {}
        self._notes: Counter[str] = Counter()
        self._models: Counter[str] = Counter()
        self._templates = LineTemplates(self._convert)

    # -- a line of JSON ------------------------------------------------------------------------------------------------

    def check_line(self, raw: bytes, number: int) -> CheckedRow | list[Problem]:
        """Check one line of JSONL, without its line end."""
        if may_fit(raw):
            return self._check_filled(raw, number) or self._check_slow(raw, number)
        try:
            row = self._check_fast(fast_path.decode_line(raw), raw)
        except fast_path.DECODE_ERRORS:
            row = None
        return row if row is not None else self._check_slow(raw, number)

    def _check_fast(self, line: fast_path.SimpleLine, raw: bytes) -> CheckedRow | None:
        """The row of a line in canonical form; None sends it the long way."""
        turns = fast_path.parse_simple(line.request.contents)
        if turns is None or match_marker(turns.prompt) or not fast_path.has_no_duplicate_keys(line, raw):
            return None
        images = False
        others = line.request.other_fields()
        if others != fast_path.NO_OTHER_FIELDS or turns.history is not None:
            self.alike = False
            telling, has_tools = [], line.request.tools is not UNSET
            for name, value in zip(fast_path.OTHER_FIELDS, others, strict=True):
                if value is not UNSET:
                    silent, parsed = self._parse_field_once(name, value)
                    if not silent or has_tools:
                        telling.append(parsed)
            if telling or turns.history is not None:
                findings = self._judge_fields(telling, turns.history, line.request.generation_config)
                if findings is None:
                    return None
                self.notes.update(findings.notes)
                images = findings.image_output
        if not self._settings.written.has_values:
            return CheckedRow(line.key, turns.prompt, b"", raw, turns.media, images)
        members = read_object(fast_path.decode_key_and_request(raw).request)
        self._settings.apply(members)
        return CheckedRow(line.key, turns.prompt, encode(members), b"", turns.media, images)

    def _judge_fields(
        self, fields: Sequence[_ParsedField], history: Sequence[HistoryTurn] | None, config: Raw | UnsetType
    ) -> Findings | None:
        """What fields of a plain request say beside each other; None if the row has to go the long way."""
        findings = Findings()
        for parsed in fields:
            if not parsed.canonical:
                return None
            findings.merge(parsed.findings)
        self._judge_together(history, findings, None if config is UNSET else config)
        return None if findings.faults else findings

    def _parse_field_once(self, name: str, value: Raw) -> tuple[bool, _ParsedField]:
        """Read one field beside the contents; what was read is remembered, since rows repeat it. Also: is it silent?"""
        memo_key = (name, bytes(value))
        remembered = self._memo.get(memo_key)
        if remembered is None:
            parsed = _parse_field(name, value)
            _judge_field(parsed, self.rules)
            remembered = parsed.silent, parsed
            if len(memo_key[1]) <= MEMO_BYTES:
                if len(self._memo) >= MEMO_ENTRIES:
                    self._memo.clear()
                self._memo[memo_key] = remembered
        return remembered

    def _judge_together(
        self, history: Sequence[HistoryTurn] | None, findings: Findings, config: Raw | None, has_cache: bool = False
    ) -> None:
        """Judge what the parts of a request say of each other, by the rules of the model."""
        if history is not None:
            findings.add_verdict(self.rules.check_history(history))
        if findings.demands:
            demands = (*findings.demands, Demands(json_output=self._settings.asks_for_json(config)))
            findings.add_verdict(self.rules.check_together(demands, has_cache))
        if findings.part_resolution:
            findings.add_verdict(self.rules.check_part_resolution(findings.part_resolution))

    def _check_filled(self, raw: bytes, number: int) -> CheckedRow | None:
        """The row of a line for another API that differs from an earlier one in its texts alone."""
        filled = self._templates.fill(raw)
        if filled is None:
            return None
        filled.like.lines += 1
        return CheckedRow(filled.key, filled.prompt, filled.request)

    @property
    def notes(self) -> Counter[str]:
        self._count_filled()
        return self._notes

    @property
    def models(self) -> Counter[str]:
        self._count_filled()
        return self._models

    def _count_filled(self) -> None:
        """Count what was found in lines that were filled in: as often as there were such lines since the last time."""
        for like in self._templates.learned:
            for counter, counts in ((self._notes, like.notes), (self._models, like.models)):
                for name, count in counts.items() if like.lines else ():
                    counter[name] += count * like.lines
            like.lines = 0

    def _convert(self, raw: bytes) -> ConvertedLine | None:
        """What becomes of a line, counted by itself; None if it is refused, or is more than texts."""
        checker = RowChecker(self._settings, model=self._model, rules=self.rules)
        row = checker._check_slow(raw, 1)
        self.alike = self.alike and checker.alike
        if isinstance(row, list) or row.line or row.media or row.image_output or row.cache or row.own_fields:
            return None
        return ConvertedLine(row.request, row.prompt, checker.notes, checker.models)

    # -- the long way --------------------------------------------------------------------------------------------------

    def _check_slow(self, raw: bytes, number: int) -> CheckedRow | list[Problem]:
        if raw.startswith(BOM):
            return self.check_line(raw.removeprefix(BOM), number)
        fault = json_fault(raw)
        if fault:
            return [Problem(number, "", *fault)]
        try:
            return self._check_members(raw, number)
        except RecursionError:
            return [Problem(number, "", "The line is nested too deeply to be read.", "Flatten it.")]

    def _check_members(self, raw: bytes, number: int) -> CheckedRow | list[Problem]:
        findings = Findings()
        members = parse_object(raw, findings)
        key = line_key(members, findings)
        request = line_request(members, findings, self.rules)
        row = self._build_row(key, request, findings) if request is not None and not findings.faults else None
        if row is None or findings.faults:
            self.alike = False  # what is refused now may be right under other rules
            self.notes.update({code: n for code, n in findings.notes.items() if code.startswith(REFUSED)})
            return [Problem(number, key, *fault) for fault in findings.faults]
        if findings.notes:
            self.notes.update(findings.notes)
        row.own_fields = own_fields(members, key) or None
        return row

    def _build_row(self, key: str, members: Members, findings: Findings) -> CheckedRow | None:
        request, turns = self._canonical_fields(members, findings)
        if turns is None:
            _check_contents(request, findings)
        if findings.faults:
            return None
        prompt, cache = (
            extract_marker(request, findings) if turns is None or match_marker(turns.prompt) else (turns.prompt, "")
        )
        _check_cache(request, findings)
        if not findings.faults:
            history = turns.history if turns else _read_history(request["contents"])
            config = request.get("generationConfig")
            self._judge_together(history, findings, config, "cachedContent" in request)
        self._strip_model(request, findings)
        if findings.faults:
            return None
        if request.keys() != {"contents"} or history is not None or findings.part_resolution:
            self.alike = False
        if "cachedContent" in request and not cache:
            cache = decode(request["cachedContent"], type=str).removeprefix(PLACEHOLDER)
        if not self._settings.apply(request):
            findings.notes["system_left_out"] += 1
        return CheckedRow(key, prompt, encode(request), b"", findings.media, findings.image_output, cache)

    def _canonical_fields(
        self, members: Members, findings: Findings
    ) -> tuple[Members, fast_path.ParsedContents | None]:
        """The request's fields in canonical form; contents that are plain already are also judged."""
        request: Members = {}
        turns = None
        for name, value in members.items():
            if name == "contents":
                turns = _parse_contents(value)
                if turns:
                    request[name] = value
                    continue
                parsed = _parse_field(name, value)
            else:
                _, parsed = self._parse_field_once(name, value)
            findings.merge(parsed.findings)
            if parsed.name in request:
                findings.add_fault(f'The field "{parsed.name}" is given in two spellings.', "Keep one.")
            if parsed.name:
                request[parsed.name] = parsed.value
        if turns and turns.media:
            findings.media = True
        return request, turns

    def _strip_model(self, request: Members, findings: Findings) -> None:
        """A batch job has one model, so a row cannot choose its own."""
        if "model" not in request:
            return
        model = model_id(decode(request.pop("model"), type=str))
        if self._model and model != self._model:
            fault = f'The row asks for the model "{model[:60]}", but the run uses "{self._model}".'
            findings.add_fault(fault, "Send it in a run of its own.")
        elif len(self.models) < MODELS_COUNTED or model in self.models:
            self.models[model] += 1

    # -- a prompt ------------------------------------------------------------------------------------------------------

    def check_prompt(
        self, text: str, key: str, number: int, prefix_chars: int = 0, files: PromptFiles = NO_FILES
    ) -> CheckedRow | list[Problem]:
        """Make a request of a prompt and its files. Its first `prefix_chars` characters become a part of their own."""
        cache = ""
        if match := match_marker(text):
            findings = Findings()
            cache, self.alike = cache_name(match, findings), False
            if findings.faults:
                return [Problem(number, key, *fault) for fault in findings.faults]
            text, prefix_chars = text[match.end() :], max(0, prefix_chars - match.end())
        blank = not text or text.isspace()
        if blank and not files.parts:
            return [Problem(number, key, *empty_prompt_fault(bool(cache)))]
        try:
            request = self._build_request("" if blank else text, cache, prefix_chars, files)
        except UnicodeEncodeError:
            return [Problem(number, key, "The prompt holds half a character (a lone surrogate).", "Type it again.")]
        if text.startswith("{") and '"contents"' in text:
            self.notes["json_prompt"] += 1
        return CheckedRow(key, text, request, media=files.has_media, cache=cache)

    def prompt_frame(self, prefix: str) -> PromptFrame:
        """What stands around a prompt that begins with a part of its own, has no files and names no cache."""
        written = self._settings.written
        parts = [] if written.part is None else [bytes(written.part)]
        parts += [self._prefix_part(prefix)] if prefix else []
        before = [b'{"contents":[{"role":"user","parts":[', *(part + b"," for part in parts), b'{"text":']
        after = [b"}]}]", written.config_tail, b"}"]
        if written.system is not None:
            after.insert(1, b',"systemInstruction":' + bytes(written.system))
        return PromptFrame(b"".join(before).decode(), b"".join(after).decode())

    def _build_request(self, text: str, cache: str, prefix_chars: int, files: PromptFiles) -> bytes:
        written = self._settings.written
        parts = [] if written.part is None else [bytes(written.part)]
        texts = [self._prefix_part(text[:prefix_chars])] if prefix_chars else []
        if text:
            texts.append(b'{"text":' + encode(text[prefix_chars:]) + b"}")
        parts += files.around(texts)
        pieces = [b'{"contents":[{"role":"user","parts":[', b",".join(parts), b"]}]"]
        if cache:
            pieces.append(b',"cachedContent":' + encode(cached_content_value(cache)))
            self.notes["system_left_out"] += self._settings.has_system
        elif written.system is not None:
            pieces.append(b',"systemInstruction":' + bytes(written.system))
        pieces += [written.config_tail, b"}"]
        return b"".join(pieces)

    def _prefix_part(self, text: str) -> bytes:
        if text not in self._prefix_parts:
            self._prefix_parts = {text: b'{"text":' + encode(text) + b"}"}
        return self._prefix_parts[text]


# -- small judgements --------------------------------------------------------------------------------------------------


def _parse_field(name: str, value: Raw) -> _ParsedField:
    findings = Findings()
    fault = json_fault(b'{"":' + bytes(value) + b"}")
    if fault:
        findings.faults.append(fault)
        return _ParsedField("", value, findings, False)
    members, changed = canonicalize_fields("Request", {name: value}, "", findings)
    wire, parsed = next(iter(members.items()), ("", value))
    return _ParsedField(wire, parsed, findings, bool(wire) and not changed)


_DEMANDING_FIELDS = ("generationConfig", "tools", "toolConfig")


def _judge_field(parsed: _ParsedField, rules: ModelRules) -> None:
    """Add to what was found of a field what the model's rules say of it, and what it asks for beside other fields."""
    if parsed.name not in _DEMANDING_FIELDS or parsed.findings.faults:
        return
    value = decode(parsed.value)
    if parsed.name == "generationConfig":
        parsed.findings.add_verdict(rules.check_config(value))
    elif parsed.name == "tools":
        parsed.findings.add_verdict(rules.check_tools(value))
    demands = demands_of(parsed.name, value)
    if demands != Demands():
        parsed.findings.demands = (demands,)


def _read_history(contents: Raw) -> list[HistoryTurn] | None:
    """The turns of contents that are not plain, if a model speaks or functions are called in them."""
    raw = bytes(contents)
    return history_turns(decode(contents)) if b'"model"' in raw or b'"function' in raw else None


def _parse_contents(contents: Raw) -> fast_path.ParsedContents | None:
    try:
        parsed = fast_path.decode_contents(contents)
    except fast_path.DECODE_ERRORS:
        return None
    return fast_path.parse_simple(parsed) if fast_path.contents_have_no_duplicate_keys(parsed, contents) else None


def _check_contents(request: Members, findings: Findings) -> None:
    if "contents" not in request:
        findings.add_fault(
            "The request has no contents.", 'Add "contents": [{"role": "user", "parts": [{"text": "…"}]}].'
        )
        return
    if json_kind(request["contents"]) != "a list" or findings.faults:
        return
    turns = [read_object(turn) for turn in read_list(request["contents"])]
    if not turns:
        findings.add_fault("The contents are empty.", 'Add {"role": "user", "parts": [{"text": "…"}]}.')
        return
    for n, turn in enumerate(turns):
        role = _role(turn)
        if role not in ("", "user", "model"):
            remedy = 'The roles are "user" and "model".' + _ROLES.get(role, "")
            findings.add_fault(f'contents[{n}].role is "{role[:60]}".', remedy)
    if _role(turns[-1]) == "model":
        findings.add_fault("The last turn is the model's.", "End with a turn of the user, which is what gets answered.")


def _role(turn: Members) -> str:
    return decode(turn["role"], type=str) if "role" in turn else ""


_ROLES = {
    "system": ' A system instruction goes into "systemInstruction".',
    "assistant": ' Write "model".',
    "function": ' A function response is a part of a "user" turn.',
    "tool": ' A function response is a part of a "user" turn.',
}


def _check_cache(request: Members, findings: Findings) -> None:
    if "cachedContent" not in request:
        return
    name = decode(request["cachedContent"], type=str)
    if not name.startswith(("cachedContents/", PLACEHOLDER)):
        remedy = 'Give a cache\'s name, "cachedContents/…", or begin the prompt with a line "@use_cache NAME".'
        findings.add_fault(f'cachedContent is "{name[:60]}".', remedy)
    conflicting_fields = [field for field in ("systemInstruction", "tools", "toolConfig") if field in request]
    if conflicting_fields:
        fault = f"The request uses a cache and sets {' and '.join(conflicting_fields)}; Gemini refuses them together."
        findings.add_fault(fault, "Move them into the cache, or do without the cache in this row.")
