"""The check of a large input as it goes on: how far it is, and a button that ends it."""

from __future__ import annotations

import hashlib
import time

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui.files.given_input import GivenInput, Progress
from ui.shared.format import truncate
from ui.shared.notices import escape_markdown

SHOWN_AFTER_SECONDS = 0.4  # what takes less is not worth a flash
_STOPPED = "check_stopped"


class CheckProgress:
    """A bar with a button, drawn once a check takes long enough to be seen.

    A click on the button is a new run of the page, which ends this one at the bar's next step.
    """

    def __init__(self) -> None:
        self._place = st.empty()
        self._bar: DeltaGenerator | None = None
        self._began = time.monotonic()

    def of(self, given: GivenInput) -> Progress:
        """What the check is to tell the part done, 0 to 1."""

        def show(done: float) -> None:
            if self._bar is None and time.monotonic() - self._began > SHOWN_AFTER_SECONDS and done < 1:
                self._bar = self._draw(given)
            if self._bar is not None:
                name = escape_markdown(truncate(given.name or "the prompts", 60))
                self._bar.progress(min(1.0, done), text=f"Checking {name}, {min(1.0, done):.0%}".replace("%", " %"))

        return show

    def _draw(self, given: GivenInput) -> DeltaGenerator:
        with self._place.container(), st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            with st.container(width="stretch"):
                bar = st.empty()
            st.button("Stop", key="stop-check", on_click=_stop, args=(_digest(given),))
        return bar

    def clear(self) -> None:
        """Take it away."""
        self._place.empty()


def is_stopped(given: GivenInput) -> bool:
    """Whether the check of just this input was ended by hand."""
    return bool(st.session_state.get(_STOPPED) == _digest(given))


def draw_stopped(given: GivenInput) -> None:
    """Say so, and offer to begin again."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        name = escape_markdown(truncate(given.name or "the prompts", 60))
        st.caption(f"The check of {name} was stopped.", width="content")
        st.button("Check again", key="check-again", on_click=_stop, args=("",))


def _stop(digest: str) -> None:
    st.session_state[_STOPPED] = digest


def _digest(given: GivenInput) -> str:
    return hashlib.sha256(repr(given).encode("utf-8", "surrogatepass")).hexdigest()
