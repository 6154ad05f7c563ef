"""Every run of this account, live, without disturbing what is being typed elsewhere on the page."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import streamlit as st

from batch.errors import NotFound
from batch.formatting import plural
from batch.model import RunState
from lifecycle.core.models import Account, RunView
from lifecycle.runner import Runner
from ui.monitor import actions, import_job, run_details, slow_job
from ui.shared import notices, preferences, selection
from ui.shared.format import COLOURS, age, job_states, progress, run_facts, time_facts, truncate
from ui.shared.notices import escape_markdown

REFRESH_SECONDS = 1.0
RUNS_PER_PAGE = 8
MAX_RUNS = 1000


def draw(runner: Runner, account: Account | None) -> RunView | None:
    """Draw the runs and return the one being looked at."""
    with st.container(key="monitor"):
        st.header("Monitor", anchor="monitor")
        if account is None:
            st.caption("Runs appear here once you have connected a key or started a rehearsal.")
            return None
        runs = runner.runs.list_recent(account, MAX_RUNS)
        selected = _selected_run(runner, account, runs)
        notices.draw("monitor")
        if not runs:
            st.caption("No runs yet. Submit a batch above and watch it here.")
            import_job.draw(runner, account)
            return None
        if len(runs) > RUNS_PER_PAGE:
            st.text_input("Find a run", key="find_run", type="search", placeholder="By name, model or id")
        _draw_live(
            runner, account, selected.id if selected else "", auto_refresh=any(not run.state.ended for run in runs)
        )
        import_job.draw(runner, account)
        return selected


def _selected_run(runner: Runner, account: Account, runs: Sequence[RunView]) -> RunView | None:
    """The run that the address names, else the last one seen in this browser, else the newest."""
    requested_id = st.query_params.get("run", "")
    for run_id in filter(None, (requested_id, preferences.recall("run"))):
        try:
            return runner.runs.get(account, run_id)
        except NotFound as error:
            if run_id == requested_id:
                notices.show("monitor", "bad", error.describe())
                st.query_params.pop("run", None)
    return runs[0] if runs else None


def _draw_live(runner: Runner, account: Account, selected_id: str, *, auto_refresh: bool) -> None:
    """Draw the runs in a fragment that ticks while anything is under way.

    The whole page is drawn again only when a run has ended, or when a button in here changed something outside.
    """

    @st.fragment(run_every=REFRESH_SECONDS if auto_refresh else None, key="live")
    def draw_live() -> None:
        runs = runner.runs.list_recent(account, MAX_RUNS)
        under_way = {run.id for run in runs if not run.state.ended}
        ended = st.session_state.get("under_way", set()) - under_way
        st.session_state["under_way"] = under_way
        if selection.page_changed() or ended:
            st.rerun()
        for run in runs:
            if run.id == selected_id:
                _draw_run(runner, account, run)
        if len(runs) > 1:
            _draw_list(runs, selected_id)

    draw_live()


def _draw_run(runner: Runner, account: Account, run: RunView) -> None:
    """The run being looked at: its state in our words and Google's, its progress, what can be done about it."""
    with st.container(border=True, key="current-run"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{escape_markdown(truncate(run.name or run.id, 80))}**", width="content")
            _draw_badge(run)
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


def _draw_badge(run: RunView) -> None:
    st.badge(escape_markdown(run.status_text), color=COLOURS[run.state])


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


def _draw_list(runs: Sequence[RunView], selected_id: str) -> None:
    """All runs, newest first, a page at a time."""
    query = str(st.session_state.get("find_run", "")).casefold()
    matches = [run for run in runs if query in f"{run.name} {run.model} {run.id}".casefold()]
    under_way = sum(not run.state.ended for run in runs)
    st.subheader("All runs")
    st.caption(f"{plural(len(runs), 'run')}, {under_way or 'none'} under way.")
    pages = max(1, -(-len(matches) // RUNS_PER_PAGE))
    page = min(int(st.session_state.get("runs_page") or 1), pages)
    with st.container(gap=None):
        for run in matches[(page - 1) * RUNS_PER_PAGE : page * RUNS_PER_PAGE]:
            _draw_line(run, run.id == selected_id)
    if pages > 1:
        st.pagination(pages, key="runs_page")


def _draw_line(run: RunView, selected: bool) -> None:
    name = truncate(run.name or run.id, 40)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"run-{run.id}"):
        st.button(
            f"**{escape_markdown(name)}**" if selected else escape_markdown(name),
            key=f"open-{run.id}",
            type="tertiary",
            on_click=selection.select,
            args=(run.id,),
        )
        _draw_badge(run)
        st.caption(escape_markdown(f"{progress(run)} · {run.model} · {age(run)}"), width="content")
