"""What came back: totals, outcomes that filter, a table in pages, one row in full, exports. Text only, never active."""

from __future__ import annotations

import hashlib

import streamlit as st

from batch.errors import NotFound
from batch.formatting import plural
from batch.responses.spreadsheet_text import headline
from lifecycle.core.models import Account, RunView
from lifecycle.results.read.table import ResultTable
from lifecycle.results.store.reconciliation import Reconciliation
from lifecycle.runner import Runner
from ui.media import gallery, media_exports, vectors
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
from ui.shared.notices import escape_markdown

ROWS_PER_PAGE = 50
GALLERY, TABLE = "Gallery", "Table"
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


def draw(runner: Runner, account: Account, run: RunView) -> None:
    """Draw the results of the run that is open."""
    with st.container(key="results"):
        table = _load_table(runner, account, run)
        if table is None:
            return
        _draw_totals(run, table)
        run_cost.draw(runner, account, run)
        retry.draw_related_runs(runner, account, run)
        if table.kind.vectors:
            vectors.draw_facts(run, table)
        _draw_rows(runner, account, run, table)
        unmatched_lines.draw(run.id, table)
        distributions.draw(run, table)
        compare_runs.draw(runner, account, run, table)
        media_exports.draw(run, table)
        exports.draw(run, table)
        notices.draw("results")


def _load_table(runner: Runner, account: Account, run: RunView) -> ResultTable | None:
    try:
        with st.spinner("Putting the results together…"):  # seconds after a retry of a million rows, else unseen
            return runner.runs.results(account, run.id)
    except NotFound:
        message = "This run ended without results; why stands above."
        st.caption(message if run.state.ended else "Results appear here by themselves when the run ends.")
        return None


def _draw_totals(run: RunView, table: ResultTable) -> None:
    reconciliation = table.totals()
    st.subheader(headline(ENDINGS.get(run.state, "SO FAR"), reconciliation.counts), anchor=False)
    counts = {name: getattr(reconciliation, name) for name in COUNT_MEANINGS}
    shown = {name: number for name, number in counts.items() if number or name not in HIDDEN_IF_ZERO}
    meanings = "  \n".join(f"**{name}**: {COUNT_MEANINGS[name]}" for name in shown)
    with st.container(gap="xsmall"):
        st.caption(" · ".join(f"{number:,} {name}" for name, number in shown.items()), help=meanings)
        st.caption(_describe_tokens(reconciliation))
        for note in (*_describe_structured(table), *reconciliation.notes):
            st.caption(escape_markdown(note))


def _describe_structured(table: ResultTable) -> list[str]:
    """How many structured answers are in the form asked for, and how many only after repair."""
    parsed = table.parsed() if table.reconciliation.fields else {}
    meanings = {"strict": "in the form asked for", "lenient": "only after repair", "failed": "not at all"}
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
        where = filters.draw(run.id, table)
        if table.kind.pictures and _draw_switch(run.id) == GALLERY:
            gallery.draw(run, table, where, hashlib.sha256(repr(where).encode()).hexdigest()[:8])
            retry.draw(runner, account, run, table, where)
            return
        with st.container(horizontal=True, gap="small"):
            view = results_table.draw_view(run.id, table)
            filters.draw_shortcuts(run.id, table)
        digest = hashlib.sha256(repr((where, view, results_table.clear_count(run.id))).encode()).hexdigest()[:8]
        page_key = f"page-{run.id}-{digest}"
        first = (int(st.session_state.get(page_key) or 1) - 1) * ROWS_PER_PAGE
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
        last = min(first + ROWS_PER_PAGE, total)
        # Above the grid, whose tools would else lie over the buttons.
        st.caption(
            escape_markdown(f"{first + 1:,} to {last:,} of {plural(total, 'row')}{results_table.describe_order(view)}")
        )
        selected_key = results_table.draw(run.id, table, rows, view, f"{digest}-{first}")
        if total > ROWS_PER_PAGE:
            st.pagination(-(-total // ROWS_PER_PAGE), key=page_key)
        _draw_selection(run.id)
        if selected_key is not None:
            detail = table.detail(selected_key)
            row_detail.draw(detail, run, table.folder_of(detail.run))
            if table.kind.vectors:
                vectors.draw_nearest(table, selected_key)
        retry.draw(runner, account, run, table, where)

    draw_rows()


def _draw_switch(run_id: str) -> str:
    """Pictures, or the table of rows."""
    key = f"view-as-{run_id}"
    st.session_state.setdefault(key, GALLERY)
    st.segmented_control(
        "Show as", [GALLERY, TABLE], key=key, required=True, label_visibility="collapsed", persist_state="session"
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
