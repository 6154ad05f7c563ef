"""Which run is being looked at, and whether a fragment changed the page around it."""

from __future__ import annotations

import streamlit as st

from ui.shared import browser_actions, notices, preferences

_CHANGED = "page_changed"


def page_changed() -> bool:
    """Whether a button inside a fragment changed something outside it; asking takes the answer back."""
    return bool(st.session_state.pop(_CHANGED, False))


def change_page() -> None:
    """Let a fragment draw the whole page again when it is next drawn."""
    st.session_state[_CHANGED] = True


def select(run_id: str) -> None:
    """Make a run the one being looked at; the address keeps it, so that a reload finds it again."""
    notices.clear("monitor")
    notices.clear("results")
    st.query_params["run"] = run_id
    preferences.remember(run=run_id)
    browser_actions.request("scroll", "monitor")
    change_page()
