"""Every run of this account, live: the place where runs are found, and the line that it is while another is open."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from batch.formatting import plural
from lifecycle.core.models import Account, RunView
from lifecycle.runner import Runner
from ui.layout import fold
from ui.monitor import import_job
from ui.shared import notices, selection
from ui.shared.format import COLOURS, age, progress, truncate
from ui.shared.notices import escape_markdown
from ui.shared.selection import Place

REFRESH_SECONDS = 1.0
RUNS_PER_PAGE = 8
MAX_RUNS = 1000
EMPTY = "No runs yet. Each run will be a line here: state, rows, cost, date."


def recent_runs(runner: Runner, account: Account | None) -> list[RunView]:
    """The runs of this account, newest first."""
    return runner.runs.list_recent(account, MAX_RUNS) if account else []


def draw(runner: Runner, account: Account | None, runs: Sequence[RunView]) -> None:
    """Draw the place."""
    with st.container(key="monitor"):
        st.header("Monitor", anchor="monitor")
        if account is None:
            st.caption("Runs appear here once you have connected a key or started a rehearsal.")
            return
        notices.draw("monitor")
        if not runs:
            st.caption(EMPTY)
            import_job.draw(runner, account)
            return
        if len(runs) > RUNS_PER_PAGE:
            st.text_input(
                "Find a run",
                key="find_run",
                type="search",
                placeholder="By name, model or id",
                persist_state="session",
            )
        _draw_live(runner, account, runs)
        import_job.draw(runner, account)


def draw_folded(runner: Runner, account: Account | None, runs: Sequence[RunView]) -> None:
    """Draw the line, live as well: whichever place is open, the end of a run is seen here."""
    if account is None or not runs:
        fold.draw(Place.RUNS, EMPTY, "Show runs" if account else "")
        return

    @st.fragment(run_every=_interval(runs), key="live")
    def draw_line() -> None:
        fold.draw(Place.RUNS, describe(_follow(runner, account)), "Show runs")

    draw_line()


def describe(runs: Sequence[RunView]) -> str:
    """All runs in one line: "40 runs, 1 under way: tickets, 492 of 1,200 rows"."""
    under_way = [run for run in runs if not run.state.ended]
    text = f"{plural(len(runs), 'run')}, {len(under_way) or 'none'} under way"
    if len(under_way) == 1:
        return f"{text}: {truncate(under_way[0].name or under_way[0].id, 40)}, {progress(under_way[0])}"
    return f"{text}."


def _interval(runs: Sequence[RunView]) -> float | None:
    return REFRESH_SECONDS if any(not run.state.ended for run in runs) else None


def _follow(runner: Runner, account: Account) -> list[RunView]:
    """The runs as they are now; the page is drawn again when one has ended, or a button changed something outside."""
    runs = recent_runs(runner, account)
    under_way = {run.id for run in runs if not run.state.ended}
    ended = st.session_state.get("under_way", set()) - under_way
    st.session_state["under_way"] = under_way
    if selection.page_changed() or ended:
        st.rerun()
    return runs


def _draw_live(runner: Runner, account: Account, runs: Sequence[RunView]) -> None:
    """Draw the runs in a fragment that ticks while anything is under way."""

    @st.fragment(run_every=_interval(runs), key="live")
    def draw_live() -> None:
        _draw_list(_follow(runner, account), selection.last_run())

    draw_live()


def _draw_list(runs: Sequence[RunView], selected_id: str) -> None:
    """All runs, newest first, a page at a time."""
    query = str(st.session_state.get("find_run", "")).casefold()
    matches = [run for run in runs if query in f"{run.name} {run.model} {run.id}".casefold()]
    st.caption(escape_markdown(describe(runs)))
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
        st.badge(escape_markdown(run.status_text), color=COLOURS[run.state])
        st.caption(escape_markdown(f"{progress(run)} · {run.model} · {age(run)}"), width="content")
