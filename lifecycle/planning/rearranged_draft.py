"""A draft whose requests are arranged otherwise, by rules that the user agreed to: what is sent is what it holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import orjson

from batch.arrangement.rules import Rule, in_order
from batch.formatting import money, plural
from gem_cache import Plan
from lifecycle.core.draft_links import link_extras, link_file, link_shared
from lifecycle.core.run_files import DRAFT, INPUTS, REQUESTS
from lifecycle.inputs.drafts import Draft
from lifecycle.requests.request_file import line_reader
from lifecycle.requests.request_subset import key_of_line

SHOWN_END, SHOWN_FROM = 160, 400
"""Of a longer text, so many characters of both ends are shown."""


@dataclass(frozen=True)
class Example:
    """One row before and after, as people read it: its parts in their order, long texts shortened."""

    key: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class RearrangedDraft:
    """A draft under some rules; `rows` of it were changed. `usd_saved` is what the plan says, None without a price."""

    draft: Draft
    rules: tuple[Rule, ...]
    rows: int
    usd_saved: float | None
    example: Example | None

    def describe(self) -> str:
        """What was done, in a sentence."""
        if not self.rows:
            return "No request is sent otherwise: no rule that is allowed would save anything."
        rows, rules = plural(self.rows, "request"), ", ".join(self.rules)
        return f"{rows} of {self.draft.rows:,} are sent rearranged ({rules}){self._saved()}."

    def _saved(self) -> str:
        if self.usd_saved is None:
            return ""
        saves = self.usd_saved > 0
        return f"; by the plan that saves {money(self.usd_saved)}" if saves else "; by the plan that saves nothing"

    def document(self) -> dict[str, Any]:
        """The same for programs, with one row as an example."""
        example = self.example
        return {
            "rules": list(self.rules),
            "rows": self.rows,
            "usd_saved": self.usd_saved,
            "example": {"key": example.key, "before": example.before, "after": example.after} if example else None,
        }


def best_rules(plan: Plan) -> frozenset[Rule]:
    """The rules that together save the most; none where nothing would be saved."""
    return frozenset(next((hint.rules for hint in plan.hints if hint.rules), ()))


def rearrange(draft: Draft, plan: Plan, rules: frozenset[Rule], folder: Path) -> RearrangedDraft:
    """Write the draft into `folder` with its requests arranged by some rules. `plan` is one of this draft."""
    rearrangement = plan.rearrangement.with_rules(rules)
    changed = size = 0
    example = None
    source, reader = draft.folder / REQUESTS, line_reader(draft.folder / REQUESTS)
    with source.open("rb", buffering=1 << 20) as lines, (folder / REQUESTS).open("wb") as out:
        for written in lines:
            line = reader.whole(written)
            arranged = rearrangement.line(line)
            if arranged != line:
                changed += 1
                example = example or Example(key_of_line(line), tuple(parts_of(line)), tuple(parts_of(arranged)))
            out.write(written if arranged == line else reader.as_sent(arranged))
            size += len(arranged)
    link_shared(draft.folder, folder)
    link_file(draft.folder / INPUTS, folder / INPUTS)
    link_extras(draft.folder, folder)
    applied = tuple(in_order(rearrangement.moved))
    saved = plan.usd_saved_by(rules)
    done = RearrangedDraft(draft, applied, changed, None if saved != saved else saved, example)
    notes = (*draft.notes, done.describe()) if changed else draft.notes
    rearranged = replace(
        draft,
        folder=folder,
        size_bytes=size,
        largest_bytes=0,
        alike=False,
        rearranged=tuple(map(str, applied)),
        notes=notes,
    )
    (folder / DRAFT).write_bytes(msgspec.json.encode(replace(rearranged, folder=Path()), enc_hook=str))
    return replace(done, draft=rearranged)


def parts_of(line: bytes) -> Iterator[str]:
    """What a request says, part by part, as people read it."""
    request = orjson.loads(line)["request"]
    if tools := request.get("tools"):
        yield f"[tools, {len(orjson.dumps(tools)):,} bytes]"
    for part in (request.get("systemInstruction") or {}).get("parts", []):
        yield f"[system] {_shortened(part)}"
    for turn in request.get("contents", []):
        for part in turn.get("parts", []):
            yield _shortened(part) if turn.get("role", "user") == "user" else f"[{turn['role']}] {_shortened(part)}"


def _shortened(part: dict[str, Any]) -> str:
    if "text" not in part:
        file = part.get("fileData") or part.get("inlineData") or {}
        return f"[{file.get('mimeType') or next(iter(part), 'part')}]"
    text = str(part["text"]).strip()
    if len(text) < SHOWN_FROM:
        return text
    return f"{text[:SHOWN_END]} … {len(text) - 2 * SHOWN_END:,} characters … {text[-SHOWN_END:]}"
