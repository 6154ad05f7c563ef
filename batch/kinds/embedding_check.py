"""Check rows to embed, a line or a prompt at a time: one content each, which gives one vector."""

from __future__ import annotations

from collections import Counter
from typing import Any

from msgspec import Raw
from msgspec.json import decode

from batch.errors import Fault, Problem
from batch.kinds import embedding_tasks
from batch.model import model_id
from batch.requests.canonicalize import (
    Findings,
    Members,
    canonicalize_fields,
    encode,
    json_kind,
    parse_object,
    read_object,
)
from batch.requests.field_table import MESSAGES, camel_case
from batch.requests.generation_settings import EncodedSettings
from batch.requests.line_envelope import json_fault, line_key, line_request, own_fields
from batch.requests.row_checker import BOM, MODELS_COUNTED, NO_FILES, CheckedRow, PromptFiles
from batch.requests.use_cache_marker import empty_prompt_fault, match_marker
from batch.rules.model_rules import ModelRules
from batch.tokens import text_tokens

_TEXT_SETTINGS = ("temperature", "max_output_tokens", "thinking", "system_instruction", "response_schema")
_HALF = ("The prompt holds half a character (a lone surrogate).", "Type it again.")
_CACHE = ("Embeddings use no caches.", "Leave the line @use_cache out.")


class EmbeddingCheck:
    """Makes requests of embedContent. All rows of a run get vectors of one length.

    `notes` counts texts that may be too long for the model (`embedding_too_long`), and tasks that were put in front of
    texts because the model has no field for them (`task_in_words`).
    """

    def __init__(self, settings: EncodedSettings, *, model: str = "", rules: ModelRules | None = None) -> None:
        self.rules = rules or ModelRules()
        self.alike = False
        self.notes: Counter[str] = Counter()
        self.models: Counter[str] = Counter()
        self._model = model_id(model)
        self._shared = settings.written.part
        generation = settings.generation
        self._dimensions, self._task = generation.dimensions, generation.task_type.strip().upper()
        self._first_dimensions: int | None = None
        if any(getattr(generation, name) for name in _TEXT_SETTINGS):
            self.notes["settings_left_out"] += 1

    def check_line(self, raw: bytes, number: int) -> CheckedRow | list[Problem]:
        """Check one line of JSONL: a content, or contents of one turn, or only a text."""
        raw = raw.removeprefix(BOM)
        fault = json_fault(raw)
        if fault:
            return [Problem(number, "", *fault)]
        findings, key = Findings(), ""
        try:
            members = parse_object(raw, findings)
            key = line_key(members, findings)
            request = self._request(members, findings)
            fields = self._fields(request, findings) if request is not None and not findings.faults else None
            row = self._row(key, fields, findings) if fields is not None and not findings.faults else None
        except RecursionError:
            return [Problem(number, key, "The line is nested too deeply to be read.", "Flatten it.")]
        if row is None or findings.faults:
            return [Problem(number, key, *one) for one in findings.faults]
        self.notes.update(findings.notes)
        row.own_fields = own_fields(members, key) or None
        return row

    def check_prompt(
        self, text: str, key: str, number: int, prefix_chars: int = 0, files: PromptFiles = NO_FILES
    ) -> CheckedRow | list[Problem]:
        """Make a request of a text. What a template says before it, and files, are parts of the same content."""
        if match_marker(text):
            return [Problem(number, key, *_CACHE)]
        blank = not text or text.isspace()
        if blank and not files.parts:
            return [Problem(number, key, *empty_prompt_fault(False))]
        findings = Findings()
        try:
            parts = files.around(() if blank else (encode({"text": text}),))
            row = self._row(key, {"content": {"parts": list(map(decode, parts))}}, findings)
        except UnicodeEncodeError:
            return [Problem(number, key, *_HALF)]
        if row is None:
            return [Problem(number, key, *one) for one in findings.faults]
        self.notes.update(findings.notes)
        return row

    def prompt_frame(self, prefix: str) -> None:
        """Texts to embed are looked at one by one."""

    def _request(self, members: Members, findings: Findings) -> Members | None:
        """The request of a line: as of any other kind, or a bare content."""
        if "request" not in members and "content" in members:
            findings.notes["bare"] += 1
            return {name: value for name, value in members.items() if name in MESSAGES["EmbedRequest"]}
        texts = _loose_texts(members)
        if texts > 1:
            findings.faults.append(_several(texts))
            return None
        return line_request(members, findings, self.rules)

    # -- fields --------------------------------------------------------------------------------------------------------

    def _fields(self, members: Members, findings: Findings) -> dict[str, Any]:
        """The fields of a request as Python values, in the wire's spelling."""
        members = _one_content(members, findings)
        for name in list(members):
            wire = camel_case(name)
            if wire in MESSAGES["Request"] and wire not in MESSAGES["EmbedRequest"]:
                findings.add_fault(f'An embedding takes no "{name}".', "Leave it out, or choose a text model.")
                del members[name]
        canonical, _ = canonicalize_fields("EmbedRequest", members, "", findings)
        if findings.faults:
            return {}
        fields: dict[str, Any] = decode(encode(canonical))
        self._strip_model(fields, findings)
        return fields

    def _strip_model(self, fields: dict[str, Any], findings: Findings) -> None:
        model = model_id(fields.pop("model", ""))
        if model and self._model and model != self._model:
            fault = f'The row asks for the model "{model[:60]}", but the run uses "{self._model}".'
            findings.add_fault(fault, "Send it in a run of its own.")
        elif model and (len(self.models) < MODELS_COUNTED or model in self.models):
            self.models[model] += 1

    def _row(self, key: str, fields: dict[str, Any], findings: Findings) -> CheckedRow | None:
        """The request of one row, with what the run adds. None if something is wrong with it."""
        parts = (fields.get("content") or {}).get("parts") or []
        texts = [part["text"] for part in parts if part.get("text")]
        media = any("text" not in part for part in parts)
        if not parts or (not media and not any(text.strip() for text in texts)):
            findings.add_fault(*empty_prompt_fault(False))
        if media and self.rules.facts.embeds_media is False:
            findings.add_fault(f"{self.rules.name} embeds texts alone.", "Choose a model that embeds files.")
        request: dict[str, Any] = {"content": {"parts": list(parts)}}
        self._add_task(request, fields, findings)
        self._add_dimensions(request, fields, findings)
        if findings.faults:
            return None
        if fields.get("autoTruncate") is not None:
            request["autoTruncate"] = fields["autoTruncate"]
        if self._shared is not None:
            request["content"]["parts"].insert(0, self._shared)
        self._note_length(texts)
        return CheckedRow(key, "\n".join(texts), encode(request), media=media)

    def _add_task(self, request: dict[str, Any], fields: dict[str, Any], findings: Findings) -> None:
        task = str(fields.get("taskType") or self._task).upper()
        title = str(fields.get("title") or "")
        fault = embedding_tasks.task_fault(task, title)
        if fault:
            findings.faults.append(fault)
        elif embedding_tasks.uses_field(self.rules):
            request |= {"taskType": task} if task else {}
            request |= {"title": title} if title else {}
        elif task and task != embedding_tasks.UNSPECIFIED:
            parts = request["content"]["parts"]
            first = next((n for n, part in enumerate(parts) if part.get("text")), None)
            if first is not None:
                parts[first] = {**parts[first], "text": embedding_tasks.with_task(parts[first]["text"], task, title)}
                findings.notes["task_in_words"] += 1

    def _add_dimensions(self, request: dict[str, Any], fields: dict[str, Any], findings: Findings) -> None:
        """The row's own length, else the run's. Vectors of several lengths cannot stand in one table."""
        dimensions = fields.get("outputDimensionality", self._dimensions)
        least, most = self.rules.facts.dimensions or (1, None)
        if dimensions is not None and (dimensions < least or (most is not None and dimensions > most)):
            findings.add_fault(
                f"outputDimensionality is {dimensions}.", f"Write a number from {least} to {most or least}."
            )
            return
        asked_for = dimensions or most or 0
        if self._first_dimensions is None:
            self._first_dimensions = asked_for
        if asked_for != self._first_dimensions:
            findings.add_fault(
                f"The row asks for {asked_for:,} numbers, and rows before it for {self._first_dimensions:,}.",
                "Send rows of another length in a run of their own.",
            )
        elif dimensions is not None:
            request["outputDimensionality"] = dimensions

    def _note_length(self, texts: list[str]) -> None:
        """Count a text that may be longer than the model reads. Few are: a token has a byte at least."""
        limit = self.rules.facts.context_window
        size = sum(len(text.encode()) for text in texts)
        if limit is not None and size > limit:
            tokens = sum(text_tokens.estimate_utf8(text.encode()) for text in texts)
            self.notes["embedding_too_long"] += tokens > limit


def _loose_texts(members: Members) -> int:
    """How many texts stand as contents: Google's SDK embeds each, where other requests have them as parts of one."""
    request = members.get("request", Raw(b"null"))
    contents = read_object(request).get("contents") if json_kind(request) == "an object" else members.get("contents")
    items = decode(contents) if contents is not None and json_kind(contents) == "a list" else []
    return len(items) if all(isinstance(item, str) for item in items) else 0


def _several(number: int) -> Fault:
    return Fault(f"The row has {number:,} contents, and gets one vector.", "Give each text a row of its own.")


def _one_content(members: Members, findings: Findings) -> Members:
    """The members with one `content`, whichever way it is given: a text, contents of one turn, the SDK's `config`."""
    out = dict(members)
    config = out.pop("config", None) or out.pop("embedContentConfig", None)
    if config is not None and json_kind(config) == "an object":
        out = {**parse_object(config, findings), **out}
    contents = out.pop("contents", None)
    if contents is not None and "content" not in out:
        turns = decode(contents) if json_kind(contents) == "a list" else [decode(contents)]
        if len(turns) != 1:
            findings.faults.append(_several(len(turns)))
            return out
        out["content"] = Raw(encode(turns[0]))
    if "content" in out and json_kind(out["content"]) == "a text":
        out["content"] = Raw(encode({"parts": [{"text": decode(out["content"])}]}))
    return out
