"""A place that is not open: its heading, a sentence on how things stand there, and the button that opens it."""

from __future__ import annotations

import streamlit as st

from ui.shared import selection
from ui.shared.notices import escape_markdown
from ui.shared.selection import Place

HEADINGS = {Place.NEW: "Submit", Place.RUNS: "Monitor", Place.RUN: "Results"}


def draw(place: Place, sentence: str, button: str = "") -> None:
    """Draw the line; without a `button` there is nothing to open yet."""
    with st.container(
        key=f"fold-{place}", horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.header(HEADINGS[place], anchor=HEADINGS[place].lower(), width="content")
            st.caption(escape_markdown(sentence), width="content")
        if button:
            st.button(button, key=f"open-{place}", on_click=selection.open_place, args=(place,))
