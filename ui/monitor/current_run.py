"""The head of the run that is open: its state in our words and Google's, its progress, what can be done about it."""

from __future__ import annotations

import secrets

import streamlit as st

from batch.errors import NotFound
from batch.model import RunState
from lifecycle.core.models import Account, RunView
from lifecycle.runner import Runner
from ui.monitor import actions, run_details, slow_job
from ui.shared import selection
from ui.shared.format import COLOURS, job_states, progress, run_facts, time_facts, truncate
from ui.shared.notices import escape_markdown

REFRESH_SECONDS = 1.0
NAME_CHARACTERS = 80


def find(runner: Runner, account: Account | None, run_id: str) -> RunView | None:
    """The run of that id, None if this account has none."""
    try:
        return runner.runs.get(account, run_id) if account and run_id else None
    except NotFound:
        return None


def draw(runner: Runner, account: Account, run: RunView) -> None:
    """Draw it in a fragment that ticks while the run is under way."""

    @st.fragment(run_every=None if run.state.ended else REFRESH_SECONDS, key="run-head")
    def draw_head() -> None:
        if selection.page_changed():
            st.rerun()
        now = find(runner, account, run.id)
        if now is not None:
            _draw_run(runner, account, now)

    draw_head()


def _draw_run(runner: Runner, account: Account, run: RunView) -> None:
    with st.container(key="current-run", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{escape_markdown(truncate(run.name or run.id, NAME_CHARACTERS))}**", width="content")
            st.badge(escape_markdown(run.status_text), color=COLOURS[run.state])
            if job_states(run.jobs):
                st.caption(escape_markdown(job_states(run.jobs)), width="content")
        st.progress(run.progress.share, text=escape_markdown(progress(run)))
        st.caption(escape_markdown(run_facts(run)))
        for line in (time_facts(run, runner.runs.typical_duration(account, run.model)), _origin(run)):
            if line:
                st.caption(escape_markdown(line))
        if run.uploads is not None and not run.state.ended:
            st.progress(run.uploads.share, text=escape_markdown(run.uploads.describe()))
        note = "" if run.uploads is not None and run.note == run.uploads.describe() else run.note
        for text, box in ((run.error, st.error), (run.stray_note, st.warning), (note, st.info)):
            if text:
                box(escape_markdown(text))
        awaits_answer = slow_job.needs_answer(runner, account, run)
        if awaits_answer:
            slow_job.draw(runner, account, run)
        _draw_actions(run, can_cancel=not awaits_answer)
        run_details.draw(runner.runs.events(account, run.id), run)


def _origin(run: RunView) -> str:
    """For a job made elsewhere: where it came from, and what is not known of it."""
    if not run.imported_job:
        return ""
    known = "" if run.inputs_known else " What it was asked is not known here: Google does not give requests back."
    return f"Made elsewhere and recovered from {run.imported_job}.{known}"


def _draw_actions(run: RunView, *, can_cancel: bool) -> None:
    idempotency_key = st.session_state.setdefault("rerun_idempotency_key", secrets.token_urlsafe(12))
    with st.container(horizontal=True, gap="small"):
        if not run.state.ended and can_cancel:
            label = "Cancelling…" if run.cancel_requested else "Cancel"
            st.button(label, key="cancel", on_click=actions.cancel, args=(run.id,), disabled=run.cancel_requested)
        if run.state is RunState.WAITING_FOR_CAPACITY:
            st.button("Resume now", key="resume", on_click=actions.resume, args=(run.id,))
        if run.state.ended and run.inputs_known:
            st.button(
                "Run again", key=f"rerun-{idempotency_key}", on_click=actions.run_again, args=(run.id, idempotency_key)
            )
        if run.inputs_known:
            st.button("Edit and run again", key="edit", on_click=actions.edit, args=(run.id,))
        if run.state.ended:
            st.button("Delete", key="delete", on_click=actions.confirm_delete, args=(run.id,))
    if st.session_state.get("to_delete") == run.id:
        _confirm_delete(run)


def _confirm_delete(run: RunView) -> None:
    st.warning(f"Delete {escape_markdown(run.name or run.id)} with its results? This cannot be undone.")
    with st.container(horizontal=True, gap="small"):
        st.button("Delete for good", type="primary", key="really-delete", on_click=actions.delete, args=(run.id,))
        st.button("Keep", key="keep", on_click=actions.confirm_delete, args=("",))
