"""The bar that stays in sight: the product's name, the switch of places, and where calls go if not to Google."""

from __future__ import annotations

import streamlit as st

from lifecycle.core.models import RunView
from ui.shared import selection, session
from ui.shared.format import truncate
from ui.shared.notices import escape_markdown
from ui.shared.selection import Place

_SWITCH = "place-switch"
NAME_CHARACTERS = 28


def draw(place: Place, runs: int, run: RunView | None) -> None:
    """Draw the bar; `runs` is how many there are, `run` the one that is open or was open last."""
    labels = {Place.NEW: ":material/add: New", Place.RUNS: f"Runs {runs:,}" if runs else "Runs"}
    if place is Place.RUN or run is not None:
        labels[Place.RUN] = escape_markdown(truncate(run.name or run.id, NAME_CHARACTERS)) if run else "Run"
    with (
        st.container(key="top-bar", gap="xsmall"),
        st.container(horizontal=True, vertical_alignment="center", gap="small"),
    ):
        st.title("Gemini Batch Runner Pro", anchor=False, width="content")
        st.session_state[_SWITCH] = place  # the address decides, whatever was clicked before it changed
        st.segmented_control(
            "Place",
            list(labels),
            key=_SWITCH,
            required=True,
            persist_state="session",
            format_func=labels.__getitem__,
            on_change=_switch,
            label_visibility="collapsed",
        )
        _draw_destination()


def _switch() -> None:
    clicked = Place(st.session_state[_SWITCH])
    if not (selection.is_behind() and clicked is selection.current()):  # else it is what the browser still shows
        selection.open_place(clicked)


def _draw_destination() -> None:
    """Say where calls go whenever they do not go to Google."""
    account = session.account()
    with st.container(key="destination", width="content"):
        if account and account.rehearsal:
            st.markdown("**Rehearsal.** Answers are simulated; nothing reaches Google, and nothing costs money.")
        elif account and account.destination:
            st.markdown(f"Calls go to **{escape_markdown(account.destination)}**, not to Google.")
