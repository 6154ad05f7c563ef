"""What is to be sent: the composer's input, checked into a draft whenever something in it changed."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import streamlit as st

from batch.errors import InputError
from batch.model import Generation
from batch.requests.input_formats import BLOCKS, JSONL, LINES, TABLE_KINDS, kind_of
from lifecycle.core.run_files import REQUESTS
from lifecycle.inputs.draft_files import first_rows
from lifecycle.inputs.drafts import Draft, table_preview
from lifecycle.runner import Runner
from ui.files import uploader
from ui.shared import notices
from ui.shared.app_state import get_state
from ui.submit import shared_context

MAX_CHARACTERS = 1_000_000
"""The browser sends the content of every text box with every click."""
SPLITS = {LINES: "One prompt per line", BLOCKS: "Blank line between prompts"}
Progress = Callable[[float], None]


@dataclass(frozen=True)
class ComposerInput:
    """An input as the user gave it. `content` is the text itself, or the file that holds it."""

    kind: str
    content: str | Path
    name: str = ""

    @property
    def is_table(self) -> bool:
        return self.kind in TABLE_KINDS

    @property
    def template(self) -> str:
        """The prompt template, where there is something to fill in."""
        return str(st.session_state.get("template") or "") if self.is_table else ""


def current_input(mode: str) -> ComposerInput | None:
    """What the composer holds now, None while it is empty. Knows what was typed before it is drawn again.

    Raises InputError for a file whose name does not say what it is.
    """
    if mode == "Inline":
        text = str(st.session_state.get("prompts") or "")
        return ComposerInput(str(st.session_state.get("split") or LINES), text) if text.strip() else None
    upload = uploader.current()
    if upload is None:
        return None
    if upload.is_pile:
        raise InputError("Documents and pictures cannot be sent from here yet.", "Give a table or requests.")
    return ComposerInput(kind_of(upload.name), upload.path, upload.name)


def is_empty() -> bool:
    """Whether nothing was typed and nothing given."""
    return not str(st.session_state.get("prompts") or "").strip() and uploader.current() is None


def build_draft(
    runner: Runner, composer_input: ComposerInput, generation: Generation, model: str, progress: Progress | None = None
) -> Draft:
    """The input checked and written as requests; the same draft as long as nothing changes.

    Raises InputError when nothing of the input can be read.
    """
    fingerprint = repr(
        (
            composer_input.kind,
            str(composer_input.content),
            composer_input.template,
            shared_context.fingerprint(),
            generation,
            model,
        )
    )
    digest = hashlib.sha256(fingerprint.encode("utf-8", "surrogatepass")).hexdigest()
    stored: tuple[str, Draft] | None = st.session_state.get("draft")
    if stored is not None and stored[0] == digest:
        return stored[1]
    discard_draft()
    notices.clear("submit")
    new_draft = runner.forecasts.prepare_draft(
        composer_input.content,
        kind=composer_input.kind,
        template=composer_input.template,
        generation=generation,
        shared_text=shared_context.shared_text(),
        source_name=composer_input.name,
        model=model,
        use_cache=shared_context.chosen_cache(),
        progress=progress,
    )
    st.session_state["draft"] = (digest, new_draft)
    return new_draft


@lru_cache(64)
def columns_of(path: Path, kind: str) -> tuple[str, ...]:
    """A table's columns, () for anything else. A path is never used for a second file."""
    return table_preview(path, kind).names if kind in TABLE_KINDS else ()


def discard_draft() -> None:
    """Delete the draft; a run that was made of it has its own copy."""
    stored: tuple[str, Draft] | None = st.session_state.pop("draft", None)
    if stored is not None and stored[1].folder.is_relative_to(get_state().drafts):
        shutil.rmtree(stored[1].folder, ignore_errors=True)


def clear() -> None:
    """Empty the composer after its content was submitted."""
    uploader.discard_all()
    discard_draft()
    shared_context.clear()
    for name in ("prompts", "template", "file_instruction", "run_name"):
        st.session_state[name] = ""


def restore(draft: Draft) -> None:
    """Put a run's requests back: prompts into the text box if all of them came from there, else as a file."""
    clear()
    text = _prompts_as_typed(draft)
    st.session_state["mode"] = "Inline" if text else "File (JSONL)"
    if text:
        st.session_state["prompts"], st.session_state["split"] = text, draft.kind
    else:
        uploader.set_file(draft.folder / REQUESTS, f"{Path(draft.source_name).stem}.{JSONL}")


def _prompts_as_typed(draft: Draft) -> str:
    """The prompts as they were typed; "" where that would lose something, such as a shared text."""
    if draft.kind not in SPLITS or draft.rows > MAX_CHARACTERS // 2:
        return ""
    with (draft.folder / REQUESTS).open("rb") as lines:
        request = json.loads(lines.readline())["request"]
    text = ("\n\n" if draft.kind == BLOCKS else "\n").join(prompt for _, prompt in first_rows(draft.folder, draft.rows))
    is_single_part = len(request["contents"]) == 1 and len(request["contents"][0]["parts"]) == 1
    is_single_part &= "cachedContent" not in request
    return text if is_single_part and len(text) <= MAX_CHARACTERS else ""
