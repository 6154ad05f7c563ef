"""Documents, pictures and recordings with one instruction: one request a file, or a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from batch.errors import InputError
from batch.formatting import plural
from batch.kinds.registry import kind_of
from lifecycle.inputs.drafts import Draft
from lifecycle.inputs.file_drafts import FileInput
from lifecycle.inputs.files.examine import Pages
from lifecycle.inputs.files.file_entry import FileEntry
from lifecycle.inputs.files.pile import ExaminedPile
from lifecycle.runner import Runner
from ui.answers import fields_editor
from ui.files import given_bar, uploader
from ui.files.given_files import Upload
from ui.files.given_input import FormContext, Missing, Progress, RequestSettings, ShowChecked, show_nothing
from ui.pile import examined, problems, tiles
from ui.shared.format import size, truncate
from ui.shared.notices import escape_markdown

INSTRUCTION = "file_instruction"
MAX_CHARACTERS = 200_000
CUTS: dict[Pages, str] = {"each": "each page", "whole": "each file"}
NO_INSTRUCTION = Missing("Write an instruction first:", "say what is to be done with each of them.")


@dataclass(frozen=True)
class PileInput:
    """Files as they were given, and what is asked of each."""

    sources: tuple[Path, ...]
    instruction: str
    left_out: tuple[str, ...]
    pile: ExaminedPile
    name: str

    def prepare(self, runner: Runner, settings: RequestSettings, progress: Progress | None) -> Draft:
        """Write a request for each good file, or page. The files are not read again."""
        kind = kind_of(runner.forecasts.model_rules(settings.model).facts)
        said = (self.instruction, settings.shared_text, settings.generation.system_instruction, settings.use_cache)
        if not any(text.strip() for text in said) and not kind.vectors:
            raise NO_INSTRUCTION
        files = FileInput(
            self.sources,
            self.instruction,
            self.pile.pages,
            own=True,
            name=self.name,
            left_out=frozenset(self.left_out),
            known=self.pile,
        )
        return runner.forecasts.prepare_files(
            files,
            generation=settings.generation,
            shared_text=settings.shared_text,
            model=settings.model,
            use_cache=settings.use_cache,
            progress=progress,
            owner_id=settings.owner_id,
        )


def read(upload: Upload | None) -> PileInput | None:
    """The files and the instruction, None without files."""
    if upload is None:
        return None
    fields_editor.require_complete()
    return PileInput(
        sources=upload.pile,
        instruction=str(st.session_state.get(INSTRUCTION) or ""),
        left_out=examined.left_out(),
        pile=examined.examine(upload),
        name=upload.name,
    )


def draw(context: FormContext) -> ShowChecked:
    """Draw the pile, what is wrong with it, and the instruction."""
    if context.upload is None:
        return show_nothing
    try:
        pile = _examine(context.upload)
    except InputError:  # told where the check's findings are
        given_bar.draw(context.upload)
        return show_nothing
    entries = examined.kept(pile)
    _draw_head(context.upload, pile, entries)
    tiles.draw(entries, pile.folder)
    with st.container(key="pile-problems"):
        problems.draw(entries)
    left, right = st.columns([6, 7], gap="medium")
    with left:
        st.markdown(f"**Instruction** :small[the same for {_cut_of(pile)}, and stands before it]")
        st.text_area(
            "Instruction",
            key=INSTRUCTION,
            height=120,
            max_chars=MAX_CHARACTERS,
            placeholder="Transcribe this page exactly. Keep line breaks; write [?] where a word cannot be read.",
            label_visibility="collapsed",
            persist_state="session",
        )
    with right:
        fields_editor.draw(context.runner, context.model)
    return show_nothing


def _examine(upload: Upload) -> ExaminedPile:
    bar = st.empty()
    words = f"Looking at {plural(len(upload.files), 'file')}"

    def show(done: float) -> None:
        bar.progress(min(1.0, done), text=words)

    try:
        return examined.examine(upload, show)
    finally:
        bar.empty()


def _draw_head(upload: Upload, pile: ExaminedPile, entries: Sequence[FileEntry]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="given"):
        st.markdown(f":material/folder_open: **{plural(len(entries), 'file')}**", width="content")
        st.caption(escape_markdown(describe(upload, entries)), width="content")
        st.button("Remove all", on_click=uploader.discard_all, key="remove-file")
        with st.container(width="content", key="add-files"):
            uploader.draw_add()
    if pile.totals.several_pages:
        st.session_state.setdefault(examined.PAGES, "each")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown("One request for", width="content")
            st.segmented_control(
                "One request for",
                list(CUTS),
                key=examined.PAGES,
                required=True,
                format_func=CUTS.__getitem__,
                label_visibility="collapsed",
                persist_state="session",
            )


def _cut_of(pile: ExaminedPile) -> str:
    return CUTS[pile.pages if pile.totals.several_pages else "whole"].replace("each", "every")


def describe(upload: Upload, entries: Sequence[FileEntry]) -> str:
    """How many pages, how large, and where they come from: "309 pages · 186 MB · from scans.zip and 3 more"."""
    pages = sum(entry.pages or 0 for entry in entries)
    roots = list(dict.fromkeys(file.name.split("/")[0] for file in upload.files))
    more = f" and {len(roots) - 1:,} more" if len(roots) > 1 else ""
    is_packed = len(roots) < len(entries)
    facts = [
        plural(pages, "page in documents", "pages in documents") if pages else "",
        size(sum(entry.size_bytes for entry in entries)),
        f"from {truncate(roots[0], 60)}{more}" if is_packed else "",
    ]
    return " · ".join(filter(None, facts))
