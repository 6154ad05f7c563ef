"""Every run of this account, live: the place where runs are found, and the line that it is while another is open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import streamlit as st

from batch.formatting import plural
from batch.responses.outcome_groups import RunGroup
from lifecycle.core.models import Account, RunView
from lifecycle.runner import Runner
from ui.answers import example
from ui.layout import fold
from ui.monitor import import_job
from ui.runs import panel as runs_panel
from ui.shared import notices, selection
from ui.shared.format import progress, truncate
from ui.shared.notices import escape_markdown
from ui.shared.selection import Place

REFRESH_SECONDS = 2.0  # of the cards
FOLLOW_SECONDS = 1.0  # how late the end of a run may be noticed in another place
EMPTY = "No runs yet. Each run will be a line here: state, rows, cost, date."


class Overview(NamedTuple):
    """How many runs there are in each group, and those under way in full, newest first."""

    counts: Mapping[RunGroup, int]
    under_way: list[RunView]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def overview(runner: Runner, account: Account | None) -> Overview:
    """The runs of this account as they are now."""
    if account is None:
        return Overview({}, [])
    return Overview(runner.run_table.counts(account), runner.run_table.under_way(account))


def draw(runner: Runner, account: Account | None, runs: Overview) -> None:
    """Draw the place."""
    with st.container(key="monitor"):
        st.header("Monitor", anchor="monitor")
        if account is None:
            _draw_empty("Runs appear here once you have connected a key or started a rehearsal.")
            return
        notices.draw("monitor")
        if not runs.total:
            _draw_empty(EMPTY)
        else:
            _draw_live(runner, account, runs)
            runs_panel.draw_table(runner, account)
        import_job.draw(runner, account)


def draw_folded(runner: Runner, account: Account | None, runs: Overview) -> None:
    """Draw the line, live as well: whichever place is open, the end of a run is seen here."""
    if account is None or not runs.total:
        fold.draw(Place.RUNS, EMPTY, "Show runs" if account else "")
        return

    @st.fragment(run_every=FOLLOW_SECONDS if runs.under_way else None, key="live")
    def draw_line() -> None:
        fold.draw(Place.RUNS, describe(_follow(runner, account)), "Show runs")

    draw_line()


def _draw_empty(words: str) -> None:
    """What the place is for, with a picture of what a run brings, and the way to the first one."""
    st.caption(words)
    with st.container(width=560):
        example.draw()
        st.button("New run", key="first-run", on_click=selection.open_place, args=(Place.NEW,))


def describe(runs: Overview) -> str:
    """All runs in one line: "40 runs, 1 under way: tickets, 492 of 1,200 rows"."""
    if len(runs.under_way) == 1:
        run = runs.under_way[0]
        return f"{_numbers(runs)}: {truncate(run.name or run.id, 40)}, {progress(run)}"
    return tell(runs)


def tell(runs: Overview) -> str:
    """How many there are, and how many wait for somebody: "40 runs, 1 under way. 3 to decide, 5 to try again."."""
    waiting = [
        f"{runs.counts[group]:,} {group}" for group in (RunGroup.DECIDE, RunGroup.TRY_AGAIN) if runs.counts.get(group)
    ]
    return f"{_numbers(runs)}. {', '.join(waiting)}." if waiting else f"{_numbers(runs)}."


def _numbers(runs: Overview) -> str:
    return f"{plural(runs.total, 'run')}, {len(runs.under_way) or 'none'} under way"


def _follow(runner: Runner, account: Account) -> Overview:
    """The runs as they are now; the page is drawn again when one has ended, or a button changed something outside."""
    runs = overview(runner, account)
    under_way = {run.id for run in runs.under_way}
    ended = st.session_state.get("under_way", set()) - under_way
    st.session_state["under_way"] = under_way
    if selection.page_changed() or ended:
        st.rerun()
    return runs


def _draw_live(runner: Runner, account: Account, runs: Overview) -> None:
    """Draw what is under way in a fragment that ticks meanwhile."""

    @st.fragment(run_every=REFRESH_SECONDS if runs.under_way else None, key="live")
    def draw_live() -> None:
        now = _follow(runner, account)
        st.caption(escape_markdown(tell(now)))
        runs_panel.draw(runner, account, now.under_way)

    draw_live()
