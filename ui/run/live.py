"""How a run that is under way is getting on: its progress, its jobs in time, what it waits for, and what ended it."""

from __future__ import annotations

import streamlit as st

from batch.model import RunState
from lifecycle.core.models import Account, RunView
from lifecycle.runner import Runner
from ui.monitor import actions as run_actions
from ui.monitor import slow_job
from ui.shared.format import job_states, progress, time_facts
from ui.shared.notices import escape_markdown


def draw_actions(run: RunView, *, can_cancel: bool) -> None:
    """What can be done while it goes on: nothing stands out."""
    if can_cancel:
        label = "Cancelling…" if run.cancel_requested else "Cancel"
        st.button(label, key="cancel", on_click=run_actions.cancel, args=(run.id,), disabled=run.cancel_requested)
    if run.state is RunState.WAITING_FOR_CAPACITY:
        st.button("Resume now", key="resume", on_click=run_actions.resume, args=(run.id,))


def draw_progress(runner: Runner, account: Account, run: RunView) -> None:
    """Its progress, and what takes its time."""
    st.progress(run.progress.share, text=escape_markdown(progress(run)))
    for line in (time_facts(run, runner.runs.typical_duration(account, run.model)), job_states(run.jobs)):
        if line:
            st.caption(escape_markdown(line))
    if run.uploads is not None:
        st.progress(run.uploads.share, text=escape_markdown(run.uploads.describe()))
    if slow_job.needs_answer(runner, account, run):
        slow_job.draw(runner, account, run)


def draw_notes(run: RunView, *, is_told: bool = False) -> None:
    """What ended it, the last thing worth saying unless it `is_told` already, and for a job made elsewhere, where it
    came from.
    """
    note = "" if is_told or (run.uploads is not None and run.note == run.uploads.describe()) else run.note
    for text, box in ((run.error, st.error), (run.stray_note, st.warning), (note, st.info)):
        if text:
            box(escape_markdown(text))
    if run.imported_job:
        known = "" if run.inputs_known else " What it was asked is not known here: Google does not give requests back."
        st.caption(escape_markdown(f"Made elsewhere and recovered from {run.imported_job}.{known}"))
