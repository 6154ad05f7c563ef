"""What the buttons do: callbacks that ask the runner, once, and tell how it went."""

from __future__ import annotations

import secrets

import streamlit as st

from ui import compose, configuration, errands, notices, preferences, session
from ui.app_state import get_state

_CHANGED = "page_changed"


def page_changed() -> bool:
    """Whether a button inside a fragment changed something outside it; asking takes the answer back."""
    return bool(st.session_state.pop(_CHANGED, False))


def change_page() -> None:
    """Let a fragment draw the whole page again when it is next drawn."""
    st.session_state[_CHANGED] = True


def select(run_id: str) -> None:
    """Make a run the one being looked at; the address keeps it, so that a reload finds it again."""
    notices.hush("monitor")
    notices.hush("results")
    st.query_params["run"] = run_id
    preferences.remember(run=run_id)
    errands.post("scroll", "monitor")
    st.session_state[_CHANGED] = True


def cancel(run_id: str) -> None:
    """Ask for a cancel; the run says itself when Google has done it."""
    with notices.telling("monitor"):
        runner, account = get_state().runner, session.required()
        runner.cancel(account, run_id)


def run_again(run_id: str, ticket: str) -> None:
    """Submit the same requests as a new run, once per ticket."""
    with notices.telling("monitor"):
        runner, account = get_state().runner, session.required()
        select(runner.rerun(account, run_id, ticket))
        st.session_state["rerun_ticket"] = secrets.token_urlsafe(12)


def edit(run_id: str) -> None:
    """Put a run's requests back into the composer, and its settings into the sidebar."""
    with notices.telling("monitor"):
        runner, account = get_state().runner, session.required()
        compose.take(runner.draft_of(account, run_id))
        configuration.take(runner.run(account, run_id).spec)
        errands.post("scroll", "submit")
        st.session_state[_CHANGED] = True


def ask_to_delete(run_id: str) -> None:
    """Ask before deleting; "" takes the question back."""
    st.session_state["to_delete"] = run_id


def delete(run_id: str) -> None:
    """Delete a run with its results."""
    with notices.telling("monitor"):
        runner, account = get_state().runner, session.required()
        runner.delete(account, run_id)
        st.query_params.pop("run", None)
    st.session_state["to_delete"] = ""
    st.session_state[_CHANGED] = True
