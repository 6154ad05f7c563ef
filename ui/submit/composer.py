"""What is to be sent: the composer's input, checked into a draft whenever something in it changed."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from batch.errors import InputError
from batch.formatting import plural
from batch.model import Generation
from batch.requests.input_formats import BLOCKS, JSONL
from lifecycle.core.run_files import BLOBS, REQUESTS
from lifecycle.inputs.draft_files import first_rows
from lifecycle.inputs.drafts import Draft
from lifecycle.inputs.file_drafts import KIND as FILES_KIND
from lifecycle.inputs.files.file_entry import read_entries
from lifecycle.requests.request_file import open_requests, whole_copy
from lifecycle.runner import Runner
from ui.answers import fields_editor, tries
from ui.answers.tries import Wording
from ui.files import uploader
from ui.files.given_input import GivenInput, Progress, RequestSettings
from ui.shared import notices, session
from ui.shared.app_state import get_state
from ui.submit import forms, shared_context
from ui.submit.prompts_form import MAX_CHARACTERS, SPLITS


class BuiltDraft(NamedTuple):
    """The draft that is here: a digest of all that it was made of, and one of its rows alone."""

    digest: str
    draft: Draft
    rows: str


def current_input(mode: str) -> GivenInput | None:
    """What the composer holds now, None while it is empty. Knows what was typed before it is drawn again.

    Raises Missing for what is not complete yet, and InputError for what cannot be used.
    """
    return forms.current(mode).read(uploader.current())


def is_empty() -> bool:
    """Whether nothing was typed and nothing given."""
    return not str(st.session_state.get("prompts") or "").strip() and uploader.current() is None


def build_draft(
    runner: Runner, given: GivenInput, generation: Generation, model: str, progress: Progress | None = None
) -> Draft:
    """The input checked and written as requests; the same draft as long as nothing changes.

    Raises InputError when nothing of the input can be read.
    """
    owner_id = session.owner_id() or session.NOBODY
    settings = RequestSettings(model, generation, shared_context.shared_text(), shared_context.chosen_cache(), owner_id)
    digest = _digest(given, shared_context.fingerprint(), generation, model)
    stored: BuiltDraft | None = st.session_state.get("draft")
    if stored is not None and stored.digest == digest:
        return stored.draft
    rows = _digest(given, settings.use_cache, owner_id)
    notices.clear("submit")
    same_rows = stored is not None and stored.rows == rows and not settings.use_cache
    new_draft = _with_settings(runner, stored.draft, settings) if stored is not None and same_rows else None
    discard_draft()
    if new_draft is None:
        get_state().owner_room.require(owner_id)
        new_draft = given.prepare(runner, settings, progress)
    st.session_state["draft"] = BuiltDraft(digest, new_draft, rows)
    asked = _digest(given, shared_context.fingerprint(), replace(generation, max_output_tokens=None), model)
    instruction = str(getattr(given, "template", "") or getattr(given, "instruction", ""))
    tries.register(new_draft, Wording(current_source(), asked, generation.max_output_tokens, instruction))
    return new_draft


def _with_settings(runner: Runner, draft: Draft, settings: RequestSettings) -> Draft | None:
    """The same rows under other settings, at once; None where they have to be checked again."""
    return runner.forecasts.with_settings(
        draft,
        generation=settings.generation,
        shared_text=settings.shared_text,
        model=settings.model,
        owner_id=settings.owner_id,
    )


def _digest(*values: object) -> str:
    return hashlib.sha256(repr(values).encode("utf-8", "surrogatepass")).hexdigest()


def current_source() -> str:
    """A name for the input that is here, whatever is asked of it: tries of it are shown together."""
    upload = uploader.current()
    return str(upload.folder) if upload and st.session_state.get("mode") != "Inline" else "prompts"


def discard_draft() -> None:
    """Delete the draft; a run that was made of it has its own copy."""
    stored: BuiltDraft | None = st.session_state.pop("draft", None)
    if stored is None or tries.is_pending(str(stored.draft.folder)):  # what is being tried is read; it goes by its age
        return
    if stored.draft.folder.is_relative_to(get_state().drafts):
        shutil.rmtree(stored.draft.folder, ignore_errors=True)


def clear() -> None:
    """Empty the composer after its content was submitted."""
    uploader.discard_all()
    discard_draft()
    shared_context.clear()
    fields_editor.clear()
    tries.clear()
    for name in ("prompts", "template", "file_instruction", "run_name"):
        st.session_state[name] = ""
    st.session_state["dedupe"] = False


def restore(draft: Draft) -> None:
    """Put a run's requests back: prompts into the text box if all of them came from there, else as files.

    Raises InputError for rows that have files of their own.
    """
    if draft.kind == FILES_KIND:
        _restore_files(draft)
        return
    if (draft.folder / BLOBS).is_dir():
        raise InputError(
            "The rows of this run have files, which cannot be put back into a table.",
            "Run it again as it is, or drop the table and its files again.",
        )
    clear()
    text = _prompts_as_typed(draft)
    st.session_state["mode"] = "Inline" if text else "File (JSONL)"
    if text:
        st.session_state["prompts"], st.session_state["split"] = text, draft.kind
    else:
        with whole_copy(draft.folder / REQUESTS) as requests:
            uploader.set_file(requests, f"{Path(draft.source_name).stem}.{JSONL}")


def _restore_files(draft: Draft) -> None:
    """Lay the files down again, as they were sent: pages of a document are files of their own."""
    clear()
    texts = 0
    for entry in read_entries(draft.folder):
        texts += entry.kind == "text"
        for number, sha256 in enumerate(entry.blobs, 1):
            stem, dot, ending = entry.name.rpartition(".")
            paged = f"{stem or ending} page {number:04d}{dot}{ending if dot else ''}"
            uploader.add_file(draft.folder / BLOBS / sha256, paged if len(entry.blobs) > 1 else entry.name)
    st.session_state["mode"] = "File (JSONL)"
    st.session_state["file_instruction"] = draft.preview[0][1] if draft.preview else ""
    if texts:
        words = f"{plural(texts, 'text file is', 'text files are')} not put back: add what you need of them again."
        notices.show("monitor", "note", words)


def _prompts_as_typed(draft: Draft) -> str:
    """The prompts as they were typed; "" where that would lose something, such as a shared text."""
    if draft.kind not in SPLITS or draft.rows > MAX_CHARACTERS // 2:
        return ""
    with open_requests(draft.folder / REQUESTS) as lines:
        request = json.loads(lines.readline())["request"]
    text = ("\n\n" if draft.kind == BLOCKS else "\n").join(prompt for _, prompt in first_rows(draft.folder, draft.rows))
    is_single_part = len(request["contents"]) == 1 and len(request["contents"][0]["parts"]) == 1
    is_single_part &= "cachedContent" not in request
    return text if is_single_part and len(text) <= MAX_CHARACTERS else ""
