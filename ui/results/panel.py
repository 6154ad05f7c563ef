"""What came back: totals, outcomes that filter, a table in pages, one row in full, exports. Text only, never active."""

from __future__ import annotations

import hashlib

import streamlit as st

from batch.errors import NotFound
from batch.formatting import count
from batch.responses.spreadsheet_text import headline
from lifecycle.core.models import Account, RunView
from lifecycle.results.read.table import ResultTable
from lifecycle.results.store.reconciliation import Reconciliation
from lifecycle.runner import Runner
from ui.results import (
    compare_runs,
    distributions,
    exports,
    filters,
    retry,
    row_detail,
    run_cost,
    unmatched_lines,
)
from ui.results import (
    table as results_table,
)
from ui.shared import notices, selection
from ui.shared.format import ENDINGS
from ui.shared.notices import plain

ROWS_A_PAGE = 50
COUNTED = {  # in the words of the account, with what each means
    "sent": "rows of the input",
    "returned": "lines that came back",
    "matched": "rows that got a line with their key",
    "missing": "rows for which nothing came back",
    "duplicate": "further lines for a row of the same attempt; the first one counts",
    "unmatched": "lines whose key was not sent, or that have none",
    "earlier": "lines of a row's other attempts",
    "shared": "rows that took an identical row's answer without being sent",
}
ONLY_IF_ANY = ("earlier", "shared")


def draw(runner: Runner, account: Account | None, run: RunView | None) -> None:
    """Draw the results of the run being looked at."""
    with st.container(key="results"):
        st.header("Results", anchor="results")
        if account is None or run is None:
            st.caption("Results of a run appear here.")
            return
        table = _table(runner, account, run)
        if table is None:
            return
        _totals(run, table)
        run_cost.draw(runner, account, run)
        retry.draw_family(runner, account, run)
        _browse(runner, account, run, table)
        unmatched_lines.draw(run.id, table)
        distributions.draw(run, table)
        compare_runs.draw(runner, account, run, table)
        exports.draw(run, table)
        notices.draw("results")


def _table(runner: Runner, account: Account, run: RunView) -> ResultTable | None:
    try:
        with st.spinner("Putting the results together…"):  # seconds after a retry of a million rows, else unseen
            return runner.runs.results(account, run.id)
    except NotFound:
        ended = "This run ended without results. Monitor says why."
        st.caption(ended if run.state.ended else "Results appear here by themselves when the run ends.")
        return None


def _totals(run: RunView, table: ResultTable) -> None:
    account = table.totals()
    st.subheader(headline(ENDINGS.get(run.state, "SO FAR"), account.counts), anchor=False)
    counted = {name: getattr(account, name) for name in COUNTED}
    told = {name: number for name, number in counted.items() if number or name not in ONLY_IF_ANY}
    meanings = "  \n".join(f"**{name}**: {COUNTED[name]}" for name in told)
    with st.container(gap="xsmall"):
        st.caption(" · ".join(f"{number:,} {name}" for name, number in told.items()), help=meanings)
        st.caption(_tokens(account))
        for note in (*_forms(table), *account.notes):
            st.caption(plain(note))


def _forms(table: ResultTable) -> list[str]:
    """How many structured answers are in the form asked for, and how many only after repair."""
    parsed = table.parsed() if table.account.fields else {}
    told = {"strict": "in the form asked for", "lenient": "only after repair", "failed": "not at all"}
    words = ", ".join(f"{parsed[name]:,} {meaning}" for name, meaning in told.items() if parsed.get(name))
    return [f"Structured answers: {words}."] if words else []


def _tokens(account: Reconciliation) -> str:
    return f"{count(account.usage.prompt, 'token')} in, {account.usage.output:,} out"


def _browse(runner: Runner, account: Account, run: RunView, table: ResultTable) -> None:
    """Filter, page and open rows without drawing the rest of the page again."""

    @st.fragment(key="browse")
    def browse() -> None:
        if selection.page_changed():
            st.rerun()
        where = filters.draw(run.id, table)
        with st.container(horizontal=True, gap="small"):
            view = results_table.draw_view(run.id, table)
            filters.draw_shortcuts(run.id, table)
        digest = hashlib.sha256(repr((where, view, results_table.unticked(run.id))).encode()).hexdigest()[:8]
        turned = f"page-{run.id}-{digest}"
        first = (int(st.session_state.get(turned) or 1) - 1) * ROWS_A_PAGE
        rows, total = table.page(
            where,
            order=view.order,
            descending=view.descending,
            offset=first,
            limit=ROWS_A_PAGE,
            clip=results_table.CELL_CHARACTERS,
            fields=view.typed,
            lenient=view.lenient,
        )
        if not total:
            st.caption("No row fits.")
            return
        last = min(first + ROWS_A_PAGE, total)
        # Above the grid, whose tools would else lie over the buttons.
        st.caption(plain(f"{first + 1:,} to {last:,} of {count(total, 'row')}{results_table.order_words(view)}"))
        chosen = results_table.draw(run.id, table, rows, view, f"{digest}-{first}")
        if total > ROWS_A_PAGE:
            st.pagination(-(-total // ROWS_A_PAGE), key=turned)
        _ticked(run.id)
        if chosen is not None:
            row_detail.draw(table.detail(chosen), run)
        retry.draw(runner, account, run, table, where)

    browse()


def _ticked(run_id: str) -> None:
    number = len(results_table.ticks(run_id))
    if number:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(f"{count(number, 'row')} ticked: to send again, or to export.", width="content")
            st.button("Untick", key=f"untick-{run_id}", type="tertiary", on_click=results_table.untick, args=(run_id,))
