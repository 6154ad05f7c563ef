"""What came back: totals, outcomes that filter, a table in pages, one row in full, exports. Text only, never active."""

from __future__ import annotations

import hashlib

import pandas as pd
import streamlit as st

from batch.errors import NotFound
from batch.model import Outcome, RunState
from batch.outcomes import WORDS
from batch.problems import count
from batch.reports import export_name, headline, usd
from lifecycle.results import Filter, Reconciliation, ResultTable
from lifecycle.results.table import EVERYTHING
from lifecycle.runner import Runner
from lifecycle.views import Account, RunView
from ui import cost, deeds, errands, files, notices, retry, row
from ui.app_state import Download, get_state
from ui.notices import plain
from ui.words import ENDINGS, file_name, outcome

ROWS_A_PAGE = 50
CLIP_CHARACTERS = 400
FORMATS = {
    "json": ("JSON", "application/json"),
    "jsonl": ("JSONL", "application/jsonl"),
    "csv": ("CSV", "text/csv"),
    "parquet": ("Parquet", "application/vnd.apache.parquet"),
    "xlsx": ("XLSX", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "txt": ("TXT", "text/plain"),
}
COLUMNS = {
    "key": st.column_config.TextColumn("Key", width=110),
    "prompt": st.column_config.TextColumn("Prompt", width=220),
    "text": st.column_config.TextColumn("Answer", width=380),
    "outcome": st.column_config.TextColumn("Outcome", width=130),
    "error_message": st.column_config.TextColumn("Error", width=220),
}


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
        _totals(run, table.totals())
        cost.draw_actual(run)
        retry.draw_family(runner, account, run)
        _browse(runner, account, run, table)
        _exports(run, table)
        notices.draw("results")


def _table(runner: Runner, account: Account, run: RunView) -> ResultTable | None:
    try:
        return runner.results(account, run.id)
    except NotFound:
        ended = "This run ended without results. Monitor says why."
        st.caption(ended if run.state.ended else "Results appear here by themselves when the run ends.")
        return None


def _totals(run: RunView, account: Reconciliation) -> None:
    st.subheader(headline(ENDINGS.get(run.state, "SO FAR"), account.counts), anchor=False)
    counted = {
        "sent": account.sent,
        "returned": account.returned,
        "matched": account.matched,
        "missing": account.missing,
        "duplicate": account.duplicate,
        "unmatched": account.unmatched,
    }
    st.caption(" · ".join(f"{number:,} {name}" for name, number in counted.items()) + _cost(account, run.rehearsal))
    for note in account.notes:
        st.caption(plain(note))


def _cost(account: Reconciliation, rehearsal: bool) -> str:
    tokens = f" · {account.usage.prompt:,} tokens in, {account.usage.output:,} out"
    verb = "would have cost" if rehearsal else "cost"
    at_least = "at least " if account.unpriced and account.usd is not None else ""
    return plain(f"{tokens} · {verb} {at_least}{usd(account.usd)}")


def _browse(runner: Runner, account: Account, run: RunView, table: ResultTable) -> None:
    """Filter, page and open rows without drawing the rest of the page again."""

    @st.fragment(key="browse")
    def browse() -> None:
        if deeds.page_changed():
            st.rerun()
        where = _filter(run.id, table)
        digest = hashlib.sha256(repr(where).encode()).hexdigest()[:8]
        turned = f"page-{run.id}-{digest}"
        first = (int(st.session_state.get(turned) or 1) - 1) * ROWS_A_PAGE
        rows, total = table.page(where, offset=first, limit=ROWS_A_PAGE, clip=CLIP_CHARACTERS)
        if not total:
            st.caption("No row fits.")
            return
        chosen = _grid(rows, f"rows-{run.id}-{digest}-{first}")
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            last = min(first + ROWS_A_PAGE, total)
            st.caption(f"{first + 1:,} to {last:,} of {count(total, 'row')}", width="content")
            if total > ROWS_A_PAGE:
                st.pagination(-(-total // ROWS_A_PAGE), key=turned, max_visible_pages=5)
        if chosen is not None:
            row.draw(table.detail(chosen), run)
        retry.draw(runner, account, run, table, where)

    browse()


def _filter(run_id: str, table: ResultTable) -> Filter:
    """The controls that narrow the table."""
    counts = table.counts()
    names = [name for name in Outcome if counts.get(name)]
    st.pills(
        "Outcomes",
        names,
        selection_mode="multi",
        format_func=lambda name: f"{outcome(name)} {counts[name]:,}",
        key=f"outcomes-{run_id}",
        help="  \n".join(f"**{outcome(name)}**: {WORDS[name]}" for name in names),
    )
    st.text_input(
        "Search", key=f"search-{run_id}", placeholder="In prompts, answers and keys", type="search", max_chars=500
    )
    return _where(run_id)


def _where(run_id: str) -> Filter:
    """What the controls say now."""
    outcomes = st.session_state.get(f"outcomes-{run_id}") or ()
    search = str(st.session_state.get(f"search-{run_id}") or "").strip()
    return Filter(search=search, outcomes=tuple(Outcome(name).value for name in outcomes))


def _grid(rows: pd.DataFrame, key: str) -> str | None:
    """The rows as a table; returns the key of the row that was clicked."""
    shown = [name for name in COLUMNS if name != "error_message" or rows[name].fillna("").any()]
    picked = st.dataframe(
        rows[shown].assign(outcome=[outcome(Outcome(name)) for name in rows["outcome"]]),
        key=key,
        column_config=COLUMNS,
        hide_index=True,
        on_select="rerun",
        selection_mode=["single-row", "single-cell"],
        placeholder="",
        alt="Rows with key, prompt, answer and outcome",
    )
    chosen = picked["selection"]
    places = [*chosen["rows"], *(row for row, _ in chosen["cells"])]
    if not places and len(rows) != 1:
        return None
    return str(rows["key"].iloc[places[0] if places else 0])


def _exports(run: RunView, table: ResultTable) -> None:
    """Buttons that write an export once and let the browser fetch it."""
    st.caption("Export in input order, inputs beside answers.")
    narrowed = st.checkbox("Only the rows that fit the filter", key=f"narrowed-{run.id}")
    with st.container(horizontal=True, gap="small"):
        for ending, (label, media_type) in FORMATS.items():
            if st.button(f"Export {label}", key=f"export-{ending}"):
                where = _where(run.id) if narrowed else EVERYTHING
                with notices.telling("results"), st.spinner(f"Writing {label}…"):
                    _export(run, table, where, ending, media_type)


def _export(run: RunView, table: ResultTable, where: Filter, ending: str, media_type: str) -> None:
    state, complete = get_state(), run.state is RunState.FINISHED
    path = files.fresh(state.exports, f".{ending}")
    written = table.export(path, ending, where=where, complete=complete)
    name = export_name(file_name(run.name) or run.id, ending, complete=complete and table.totals().complete)
    errands.post("download", f"/api/download/{state.download_tickets.issue(Download(path, name, media_type))}")
    notices.hush("results")
    if written.notes:
        notices.tell("results", "note", " ".join(written.notes))
