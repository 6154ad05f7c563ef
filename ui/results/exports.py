"""Exports: written once on the server, fetched by the browser; what is not whole asks before it is taken for whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import streamlit as st

from batch.formatting import plural
from batch.model import RunState
from batch.responses.spreadsheet_text import export_name
from lifecycle.core.models import RunView
from lifecycle.results.export.documents import export_documents, has_pages
from lifecycle.results.export.export import ExportOptions, export
from lifecycle.results.export.file_name import file_stem
from lifecycle.results.export.openai import was_openai
from lifecycle.results.fill.fill import AUTO, PLAIN, export_table, fillable
from lifecycle.results.read.table import ALL_ROWS, Filter, ResultTable
from ui.results import filters
from ui.results import table as results_table
from ui.shared import browser_actions, notices, session
from ui.shared.app_state import Download, get_state
from ui.shared.format import safe_file_name
from ui.shared.notices import escape_markdown

XLSX_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# What a button is called, what the file ends in, its form, its media type.
FORMATS = {
    "json": ("Export JSON", "json", "flat", "application/json"),
    "jsonl": ("Export JSONL", "jsonl", "flat", "application/jsonl"),
    "csv": ("Export CSV", "csv", "flat", "text/csv"),
    "tsv": ("Export TSV", "tsv", "flat", "text/tab-separated-values"),
    "parquet": ("Export Parquet", "parquet", "flat", "application/vnd.apache.parquet"),
    "xlsx": ("Export XLSX", "xlsx", "flat", XLSX_MEDIA_TYPE),
    "txt": ("Export TXT", "txt", "flat", "text/plain"),
    "gemini": ("Lines as received (JSONL)", "jsonl", "gemini", "application/jsonl"),
    "openai": ("OpenAI result lines (JSONL)", "jsonl", "openai", "application/jsonl"),
}
# The pages of each file joined again: all in one, or one a file.
DOCUMENT_FORMATS = {
    "documents": ("Documents as Markdown", "md", "documents", "text/markdown"),
    "documents-zip": ("One Markdown file each (ZIP)", "zip", "documents", "application/zip"),
}

FILLED = ("xlsx", "csv", "tsv", "parquet", "json", "jsonl")  # formats in which a table can come back as it was given
WAYS = (AUTO, PLAIN)


def draw(run: RunView, table: ResultTable) -> None:
    """Draw the choices and the buttons."""
    with st.container(key="export-choices"):
        _draw_choices(run, table)
        _confirm(run, table)
        notices.draw("export")


def _draw_choices(run: RunView, table: ResultTable) -> None:
    st.caption("Export in input order, inputs beside answers.")
    with st.container(horizontal=True, gap="medium"):
        st.checkbox("Only the rows that fit the filter", key=f"only-filtered-{run.id}")
        if results_table.selected_keys(run.id):
            st.checkbox("Only the selected rows", key=f"only-selected-{run.id}")
        if table.reconciliation.fields:
            st.checkbox("Answers as typed columns", key=f"fields-{run.id}", help="One for each property asked for.")
        st.checkbox(
            "CSV for Excel", key=f"bom-{run.id}", help="Begins with a byte order mark. Excel needs it for umlauts."
        )
        st.checkbox(
            "Raw cells in CSV",
            key=f"raw-cells-{run.id}",
            help="No apostrophe before texts that a spreadsheet would run as formulas. Your own cells never get one.",
        )
        if table.marks():
            st.checkbox("Marks and notes", key=f"marks-{run.id}", help="Two columns at the end.")
    own = next((name for name in FILLED if fillable(table, name)), "")
    if own:
        _choose_way(run, own)
    with st.container(horizontal=True, gap="small"):
        offered = {**FORMATS, **(DOCUMENT_FORMATS if has_pages(table) else {})}
        wanted = {"openai": was_openai(table), "tsv": own == "tsv"}
        for name, (label, *_) in sorted(offered.items(), key=lambda one: one[0] != own):
            kind: Literal["primary", "secondary"] = "primary" if name == own else "secondary"
            if wanted.get(name, True) and st.button(label, key=f"export-{name}", type=kind):
                _on_export_clicked(run, table, name)


def _choose_way(run: RunView, format: str) -> None:
    """Let the visitor choose whether his table comes back as he gave it, in this format."""
    label = FORMATS[format][0].removeprefix("Export ")
    names = {AUTO: f"My {'workbook' if format == 'xlsx' else 'table'}, filled in", PLAIN: "Plain table"}
    st.radio(
        f"{label} comes as",
        WAYS,
        format_func=names.__getitem__,
        key=f"way-{run.id}",
        horizontal=True,
        help="Filled in: all that you gave, as it was, with the answers right beside your own columns.",
    )


def _on_export_clicked(run: RunView, table: ResultTable, name: str) -> None:
    """Write what was asked for, or ask first."""
    if _is_complete(run, table) or _row_filter(run.id, table):
        st.session_state.pop(_question_key(run.id), None)
        _write_export(run, table, name)
    else:
        st.session_state[_question_key(run.id)] = name


def _confirm(run: RunView, table: ResultTable) -> None:
    """Say what a result lacks that is about to be exported as if it were whole."""
    accepted = st.session_state.pop(f"export-agreed-{run.id}", None)
    if accepted is not None:
        _write_export(run, table, accepted)
    name = st.session_state.get(_question_key(run.id))
    if name is None:
        return
    with st.container(border=True, key="export-question"):
        location = "its name" if name in ("gemini", "openai", "documents-zip") else "its name and its first lines"
        st.warning(
            escape_markdown(
                f"This result is not complete: {_describe_missing(run, table)}. The file will say so in {location}."
            )
        )
        with st.container(horizontal=True, gap="small"):
            args = (run.id,)
            st.button("Export anyway", key="export-anyway", type="primary", on_click=_accept, args=args)
            st.button("Do not export", key="export-not", on_click=_decline, args=args)


def _accept(run_id: str) -> None:
    st.session_state[f"export-agreed-{run_id}"] = st.session_state.pop(_question_key(run_id), None)


def _decline(run_id: str) -> None:
    st.session_state.pop(_question_key(run_id), None)


def _is_complete(run: RunView, table: ResultTable) -> bool:
    return run.state is RunState.FINISHED and table.totals().complete


def _describe_missing(run: RunView, table: ResultTable) -> str:
    missing = table.totals().missing
    reasons = [] if run.state is RunState.FINISHED else [f"the run is {run.status_text}"]
    if missing:
        reasons.append(f"nothing came back for {missing:,} of {plural(table.totals().sent, 'row')}")
    return " and ".join(reasons)


def _row_filter(run_id: str, table: ResultTable) -> Filter:
    """The rows to export."""
    where = filters.current(run_id, table) if st.session_state.get(f"only-filtered-{run_id}") else ALL_ROWS
    if st.session_state.get(f"only-selected-{run_id}") and results_table.selected_keys(run_id):
        where = replace(where, keys=tuple(results_table.selected_keys(run_id)))
    return where


def _write_export(run: RunView, table: ResultTable, name: str) -> None:
    label, ending, layout, media_type = _format(name)
    with notices.errors_to_notice("export"), st.spinner(f"Writing {label.removeprefix('Export ')}…"):
        state, where = get_state(), _row_filter(run.id, table)
        path = state.new_export(session.owner_id(), f".{ending}")
        options = _options(run, where)
        if layout == "documents":
            result = export_documents(table, path, options=options)
        elif layout == "flat":
            way = str(st.session_state.get(f"way-{run.id}", AUTO))
            result = export_table(table, path, ending, options, way=way)
        else:
            result = export(table, path, ending, options, layout=layout)
        stem = safe_file_name(file_stem(table.folder, run.name, run.id)) + ("-selection" if where else "")
        saved_as = export_name(stem, ending, complete=_is_complete(run, table))
        state.runner.accounts.note(session.require_account(), f"export {ending}", run.id)
        download = Download(path, saved_as, media_type, session.owner_id())
        browser_actions.request("download", f"/api/download/{state.download_tokens.issue(download)}")
        notices.clear("export")
        if result.notes:
            notices.show("export", "note", " ".join(result.notes))


def _format(name: str) -> tuple[str, str, str, str]:
    return FORMATS[name] if name in FORMATS else DOCUMENT_FORMATS[name]


def _options(run: RunView, where: Filter) -> ExportOptions:
    def ticked(name: str) -> bool:
        return bool(st.session_state.get(f"{name}-{run.id}"))

    return ExportOptions(
        where=where,
        complete=run.state is RunState.FINISHED,
        bom=ticked("bom"),
        fields=ticked("fields"),
        include_repaired=ticked("lenient"),
        raw_cells=ticked("raw-cells"),
        marks=ticked("marks"),
    )


def _question_key(run_id: str) -> str:
    return f"export-question-{run_id}"
