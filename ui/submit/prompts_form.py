"""Prompts that are typed, one a line or in blocks, beside the place where anything else can be dropped."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from batch.requests.input_formats import BLOCKS, LINES
from lifecycle.inputs.drafts import Draft
from lifecycle.runner import Runner
from ui.files import uploader
from ui.files.given_files import Upload
from ui.files.given_input import FormContext, Progress, RequestSettings, ShowChecked, show_nothing
from ui.shared.format import truncate
from ui.shared.notices import escape_markdown
from ui.table import pasted

MAX_CHARACTERS = 1_000_000
"""The browser sends the content of every text box with every click."""
SPLITS = {LINES: "One prompt per line", BLOCKS: "Blank line between prompts"}


@dataclass(frozen=True)
class PromptsInput:
    """Prompts as they were typed."""

    text: str
    split: str
    name: str = ""

    def prepare(self, runner: Runner, settings: RequestSettings, progress: Progress | None) -> Draft:
        return runner.forecasts.prepare_draft(
            self.text,
            kind=self.split,
            generation=settings.generation,
            shared_text=settings.shared_text,
            model=settings.model,
            use_cache=settings.use_cache,
            progress=progress,
            owner_id=settings.owner_id,
        )


def read(upload: Upload | None) -> PromptsInput | None:
    """What is typed, None while there is nothing."""
    text = str(st.session_state.get("prompts") or "")
    return PromptsInput(text, str(st.session_state.get("split") or LINES)) if text.strip() else None


def draw(context: FormContext) -> ShowChecked:
    """Draw the box, below what takes files; files that wait there already are named instead."""
    with st.container():
        draw_zone() if context.upload is None else _draw_waiting(context.upload)
    st.text_area(
        "Or write prompts",
        key="prompts",
        height=140,
        max_chars=MAX_CHARACTERS,
        placeholder="Name three uses of a paper clip.\nTranslate into French: good morning.",
        persist_state="session",
    )
    st.session_state.setdefault("split", LINES)
    st.segmented_control(
        "Split by",
        list(SPLITS),
        key="split",
        required=True,
        format_func=SPLITS.__getitem__,
        label_visibility="collapsed",
        persist_state="session",
    )
    with st.container():
        _draw_table_offer()
    return show_nothing


def draw_zone() -> None:
    """Draw the place that takes anything."""
    uploader.draw(on_paste=pasted.open_box)
    pasted.draw()


def _draw_table_offer() -> None:
    """A table that was pasted among the prompts can be used as what it is."""
    if columns := pasted.columns_in(str(st.session_state.get("prompts") or "")):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(f"This reads as a table of {columns} columns.", width="content")
            st.button("Use it as a table", key="prompts-as-table", type="tertiary", on_click=_use_as_table)


def _use_as_table() -> None:
    pasted.use(str(st.session_state["prompts"]))
    st.session_state["prompts"] = ""


def _draw_waiting(upload: Upload) -> None:
    """Files stay while prompts are typed, and are one click away."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"{escape_markdown(truncate(upload.name, 60))} is kept meanwhile.", width="content")
        st.button("Use it instead", key="use-file", type="tertiary", on_click=_use_files)


def _use_files() -> None:
    st.session_state["mode"] = "File (JSONL)"
