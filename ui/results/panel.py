"""What came back: outcomes that filter, a table in pages, one row beside it. Text only, never active."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import streamlit as st

from batch.errors import NotFound
from batch.formatting import plural
from lifecycle.core.models import Account, RunView
from lifecycle.results.read.table import Filter, ResultTable
from lifecycle.results.store.reconciliation import Reconciliation
from lifecycle.results.store.row_marks import RowMark
from lifecycle.runner import Runner
from ui.media import gallery, media_exports, vectors
from ui.results import (
    compare_runs,
    distributions,
    filters,
    outcome_bar,
    retry,
    run_cost,
    unmatched_lines,
)
from ui.results import (
    table as results_table,
)
from ui.rows import row_detail
from ui.shared import notices, selection
from ui.shared.notices import escape_markdown

ROWS_PER_PAGE = 50
PAGES_WIDTH = 280  # pixels; with less given, pages are left out
COUNT_MEANINGS = {  # each count of the reconciliation, with what it means
    "sent": "rows of the input",
    "returned": "lines that came back",
    "matched": "rows that got a line with their key",
    "missing": "rows for which nothing came back",
    "duplicate": "further lines for a row of the same attempt; the first one counts",
    "unmatched": "lines whose key was not sent, or that have none",
    "earlier": "lines of a row's other attempts",
    "reused": "rows that an earlier run had answered; they were not sent, and cost nothing again",
    "shared": "rows that took an identical row's answer without being sent",
}
HIDDEN_IF_ZERO = ("earlier", "reused", "shared")


def draw(runner: Runner, account: Account, run: RunView, table: ResultTable) -> None:
    """Draw the results of the run that is open."""
    with st.container(key="results", gap="small"):
        notices.draw("results")
        if table.kind.vectors:
            vectors.draw_facts(run, table)
        _draw_rows(runner, account, run, table)
        if table.kind.vectors:
            media_exports.draw(run, table)
        retry.draw_related_runs(runner, account, run)
        unmatched_lines.draw(run.id, table)
        run_cost.draw(runner, account, run)
        _draw_account(table)
        distributions.draw(run, table)
        compare_runs.draw(runner, account, run, table)


def load_table(runner: Runner, account: Account, run: RunView) -> ResultTable | None:
    """The results of a run, None while there are none."""
    try:
        with st.spinner("Putting the results together…"):  # seconds after a retry of a million rows, else unseen
            return runner.runs.results(account, run.id)
    except NotFound:
        return None


def _draw_account(table: ResultTable) -> None:
    """Every row sent and every line returned, counted once."""
    reconciliation = table.totals()
    counts = {name: getattr(reconciliation, name) for name in COUNT_MEANINGS}
    shown = {name: number for name, number in counts.items() if number or name not in HIDDEN_IF_ZERO}
    meanings = "  \n".join(f"**{name}**: {COUNT_MEANINGS[name]}" for name in shown)
    with st.container(gap="xsmall", key="account"):
        st.caption(" · ".join(f"{number:,} {name}" for name, number in shown.items()), help=meanings)
        st.caption(_describe_tokens(reconciliation))
        for note in (*_describe_structured(table), *reconciliation.notes):
            st.caption(escape_markdown(note))


def _describe_structured(table: ResultTable) -> list[str]:
    """How many structured answers are in the form asked for, and how many only after repair."""
    parsed = table.parsed() if table.reconciliation.fields else {}
    meanings = {"strict": "in the form asked for", "lenient": "only after mending", "failed": "in another form"}
    text = ", ".join(f"{parsed[name]:,} {meaning}" for name, meaning in meanings.items() if parsed.get(name))
    return [f"Structured answers: {text}."] if text else []


def _describe_tokens(reconciliation: Reconciliation) -> str:
    return f"{plural(reconciliation.usage.prompt, 'token')} in, {reconciliation.usage.output:,} out"


def _draw_rows(runner: Runner, account: Account, run: RunView, table: ResultTable) -> None:
    """Filter, page and open rows without drawing the rest of the page again."""

    @st.fragment(key="browse")
    def draw_rows() -> None:
        if selection.page_changed():
            st.rerun()
        filters.restore(run.id, table)
        st.html(outcome_bar.bar(table.counts()))
        as_pictures = False
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
                if table.kind.pictures:
                    as_pictures = _draw_switch(run.id) == filters.GALLERY
                outcome_bar.draw_groups(run.id, table.counts())
            with st.container(
                horizontal=True, vertical_alignment="center", gap="small", width="content", key="rows-tools"
            ):
                filters.draw_clear(run.id, table)
                filters.draw_search(run.id)
                filters.draw_more(run.id, table)
                view = None if as_pictures else results_table.draw_view(run.id, table)
        where = filters.current(run.id, table)
        page_key, page = _page(run.id, table, where, view)
        filters.keep(run.id, table, page)
        if view is None:
            gallery.draw(run, table, where, page_key, page)
        else:
            _draw_page(runner, account, run, table, where, view, page_key, page)
        retry.draw(runner, account, run, table, where)

    draw_rows()


def _page(run_id: str, table: ResultTable, where: Filter, view: results_table.View | None) -> tuple[str, int]:
    """The key of the page's number, another one for each filter and order, and which page is to be shown."""
    asked = where if view is None else (where, view, results_table.clear_count(run_id))
    page_key, size = f"page-{run_id}-{_digest(asked)}", gallery.PICTURES_PER_PAGE if view is None else ROWS_PER_PAGE
    return page_key, filters.page_of(run_id, page_key, lambda: -(-table.page(where, limit=1)[1] // size))


def _draw_page(
    runner: Runner,
    account: Account,
    run: RunView,
    table: ResultTable,
    where: Filter,
    view: results_table.View,
    page_key: str,
    page: int,
) -> None:
    """A page of the table, and beside it the row that is open."""
    first = (page - 1) * ROWS_PER_PAGE
    rows, total = table.page(
        where,
        order=view.order,
        descending=view.descending,
        offset=first,
        limit=ROWS_PER_PAGE,
        clip=results_table.CELL_CHARACTERS,
        fields=view.typed,
        include_repaired=view.lenient,
    )
    if not total:
        st.caption("No row fits.")
        return
    if results_table.MARK in view.columns:
        marks = table.marks()
        rows[results_table.MARK] = [marks.get(key, RowMark()).words for key in rows["key"]]
    keys = tuple(str(name) for name in rows["key"])
    grid = results_table.Grid(run.id, f"rows-{page_key}-{first}", keys, view.columns)
    results_table.open_at_edge(grid)
    with st.container(horizontal=True, gap="small", key="rows-beside"):
        with st.container(key="rows-table", gap="xsmall"):
            opened = results_table.draw(table, rows, view, grid)
            with st.container(
                horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"
            ):
                last = min(first + ROWS_PER_PAGE, total)
                order = results_table.describe_order(view)
                st.caption(
                    escape_markdown(f"{first + 1:,} to {last:,} of {plural(total, 'row')}{order}"), width="content"
                )
                if total > ROWS_PER_PAGE:
                    st.pagination(
                        -(-total // ROWS_PER_PAGE),
                        key=page_key,
                        max_visible_pages=5,
                        width=PAGES_WIDTH,
                        persist_state="session",
                    )
            _draw_selection(run.id)
        if opened:
            with st.container(key="row-beside"):
                row_detail.draw(runner, account, run, table, opened, _neighbours(grid, opened, page_key, page, total))
                if table.kind.vectors:
                    vectors.draw_nearest(table, opened)


def _neighbours(grid: results_table.Grid, opened: str, page_key: str, page: int, total: int) -> row_detail.Neighbours:
    """The rows before and behind the one that is open; at the end of a page, on the next one."""
    position = grid.keys.index(opened)
    pages = -(-total // ROWS_PER_PAGE)

    def step(by: int) -> Callable[[], None] | None:
        if 0 <= position + by < len(grid.keys):
            return lambda: grid.open(position + by)
        if 1 <= page + by <= pages:
            return lambda: results_table.turn_page(grid.run_id, page_key, page + by, last=by < 0)
        return None

    return row_detail.Neighbours(step(-1), step(1), None if total == 1 else grid.close)


def _digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:8]


def _draw_switch(run_id: str) -> str:
    """Pictures, or the table of rows."""
    key = f"view-as-{run_id}"
    st.session_state.setdefault(key, filters.GALLERY)
    st.segmented_control(
        "Show as",
        [filters.GALLERY, filters.TABLE],
        key=key,
        required=True,
        label_visibility="collapsed",
        persist_state="session",
    )
    return str(st.session_state[key])


def _draw_selection(run_id: str) -> None:
    number = len(results_table.selected_keys(run_id))
    if number:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(f"{plural(number, 'row')} selected: to send again, or to export.", width="content")
            st.button(
                "Clear selection",
                key=f"clear-selection-{run_id}",
                type="tertiary",
                on_click=results_table.clear_selection,
                args=(run_id,),
            )
