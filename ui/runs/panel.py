"""The place of runs: cards that tick above, and below them the table, which nothing moves but the visitor."""

from __future__ import annotations

import streamlit as st

from batch.responses.outcome_groups import RunGroup
from lifecycle.core.models import Account, RunPage, RunView
from lifecycle.runner import Runner
from ui.runs import comparison, filters, run_table, running, selection_bar, ticked
from ui.shared import notices, selection
from ui.shared.notices import escape_markdown


def draw(runner: Runner, account: Account, under_way: list[RunView]) -> None:
    """Draw the cards of the runs under way, to be called in a fragment that ticks; the table is beside it."""
    running.draw(runner, account, under_way)


def draw_table(runner: Runner, account: Account) -> None:
    """Draw filters, what can be done with the ticked runs, and a page of the table, in a fragment of their own."""

    @st.fragment(key="run-table")
    def draw_fragment() -> None:
        if selection.page_changed():
            st.rerun()
        _draw(runner, account)

    draw_fragment()


def _draw(runner: Runner, account: Account) -> None:
    query = filters.current()
    page = runner.run_table.page(account, query)
    filters.draw(page.counts)
    filters.keep()
    lines = runner.run_table.lines(account, ticked.ids())
    ticked.keep([line.id for line in lines])
    selection_bar.draw(runner, account, lines)
    comparison.draw(runner, account)
    notices.draw("runs")
    if not page.lines:
        _draw_nothing(page)
        return
    run_table.draw(page, query)


def _draw_nothing(page: RunPage) -> None:
    """Why no run is here."""
    under_way = page.counts[RunGroup.RUNNING]
    if under_way and not filters.is_set():
        st.caption("Runs that have ended will be lines here: state, rows, cost, date.")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(escape_markdown("No run fits."), width="content")
        st.button("Clear filters", key="runs-clear", on_click=filters.clear)
