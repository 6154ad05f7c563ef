"""Something to send, one click away: a card for each kind of work, and a few more."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

import streamlit as st

from batch.requests.input_formats import LINES
from batch.samples import sample_scans, sample_table
from batch.samples.kind_samples import EMBEDDINGS, PICTURES
from batch.samples.sample_inputs import INLINE_PROMPTS, SAMPLES, Sample, write_sample
from lifecycle.core.models import ModelChoice
from ui.answers import fields_editor
from ui.files import uploader
from ui.shared import model_list, notices, session, temp_files
from ui.shared.app_state import get_state
from ui.submit import composer, sidebar


class Card(NamedTuple):
    """One card. `kind` is that of the model that fits."""

    name: str
    icon: str
    title: str
    description: str
    kind: str
    lay_down: Callable[[], None]


def draw() -> None:
    """Offer the samples while there is nothing else to send."""
    with st.container(key="samples"):
        if composer.is_empty():
            _draw_cards()
            _draw_more()


def _draw_cards() -> None:
    hint = "" if session.account() else "No key needed. Answers are simulated; nothing costs money."
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("**Or try a sample**", width="content")
        st.caption(hint, width="content")
    with st.grid(4, min_column_width=150, gap="small"):
        for number, card in enumerate(CARDS):
            with st.container(border=True, key=f"sample-{card.name}", gap="xsmall"):
                st.markdown(f":material/{card.icon}: **{card.title}**")
                st.caption(card.description)
                st.button(
                    "Try this",
                    key=f"try-{card.name}",
                    type="primary" if number == 0 and session.account() is None else "secondary",
                    on_click=_try,
                    args=(card.lay_down, card.kind),
                )


def _draw_more() -> None:
    """The samples of requests that need a word more."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("Or take:", width="content")
        st.button(
            "A few prompts",
            type="tertiary",
            on_click=_try,
            args=(_type_prompts,),
            help=f"{len(INLINE_PROMPTS)} prompts to see how it works.",
        )
        for sample in SAMPLES.values():
            st.button(sample.title, type="tertiary", on_click=_try, args=(_file_of(sample),), help=sample.description)


def _try(lay_down: Callable[[], None], kind: str = "text") -> None:
    """Put a sample into the composer, with a model that fits. Without an account this starts a rehearsal."""
    notices.clear("submit")
    if session.account() is None:
        sidebar.rehearse()
    composer.clear()
    lay_down()
    _choose_model(kind)


def _choose_model(kind: str) -> None:
    """Take a model of a kind, unless the chosen one is of it already: the first for text, else the cheapest."""
    choices = model_list.available_models(session.account())
    chosen = sidebar.values().model
    if not any(choice.id == chosen and choice.kind == kind for choice in choices):
        offered = {choice.id for choice in choices}
        known = model_list.available_models(None)
        fitting = [choice for choice in known if choice.kind == kind and choice.id in offered]
        if fitting:
            chosen_one = fitting[0] if kind == "text" else min(fitting, key=_output_price)
            st.session_state["model"] = chosen_one.id


def _output_price(choice: ModelChoice) -> float:
    return math.inf if choice.batch_output_usd is None else choice.batch_output_usd


def _type_prompts() -> None:
    st.session_state.update(mode="Inline", prompts="\n".join(INLINE_PROMPTS), split=LINES)


def _file_of(sample: Sample) -> Callable[[], None]:
    def lay_down() -> None:
        path = temp_files.new_path(get_state().uploads, sample.file_name, session.owner_id())
        with path.open("wb") as stream:
            write_sample(sample, stream)
        uploader.add_file(path, sample.file_name)
        path.unlink()
        st.session_state["mode"] = "File (JSONL)"

    return lay_down


def _lay_down_files(files: Iterable[tuple[str, bytes]]) -> None:
    for name, data in files:
        path = temp_files.new_path(get_state().uploads, name, session.owner_id())
        path.write_bytes(data)
        uploader.add_file(path, name)
        path.unlink()
    st.session_state["mode"] = "File (JSONL)"


def _lay_down_table() -> None:
    _lay_down_files([(sample_table.FILE_NAME, sample_table.reviews())])
    st.session_state["template"] = sample_table.INSTRUCTION
    fields_editor.take(sample_table.FIELDS)


def _lay_down_scans() -> None:
    _lay_down_files(sample_scans.scan_files())
    st.session_state.update(file_instruction=sample_scans.INSTRUCTION, run_name="scans")


CARDS = (
    Card("table", "table", sample_table.TITLE, sample_table.DESCRIPTION, "text", _lay_down_table),
    Card("scans", "description", sample_scans.TITLE, sample_scans.DESCRIPTION, "text", _lay_down_scans),
    Card("pictures", "image", PICTURES.title, PICTURES.description, PICTURES.kind, _file_of(PICTURES)),
    Card("embeddings", "scatter_plot", EMBEDDINGS.title, EMBEDDINGS.description, EMBEDDINGS.kind, _file_of(EMBEDDINGS)),
)
