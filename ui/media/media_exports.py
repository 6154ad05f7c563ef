"""Pictures as one archive, vectors as Parquet or NumPy: written once on the server, fetched by the browser."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import streamlit as st

from batch.formatting import plural
from batch.model import RunState
from batch.responses.spreadsheet_text import export_name
from lifecycle.core.models import RunView
from lifecycle.results.export.export import ExportOptions
from lifecycle.results.export.file_name import file_stem
from lifecycle.results.export.pictures import export_pictures
from lifecycle.results.export.vectors import VectorOptions, export_vectors, keys_path
from lifecycle.results.read.table import ResultTable
from ui.shared import browser_actions, notices, session
from ui.shared.app_state import Download, get_state
from ui.shared.format import safe_file_name

ZIP_TYPE, PARQUET_TYPE = "application/zip", "application/vnd.apache.parquet"


def draw(run: RunView, table: ResultTable) -> None:
    """Draw the exports that only vectors have; nothing for others."""
    if table.kind.vectors:
        _draw_vectors(run, table)


def draw_pictures_button(run: RunView, table: ResultTable, *, filled: bool) -> bool:
    """Offer all pictures as one archive, if there are any; whether it is offered."""
    number = table.picture_count()
    if number and st.button(
        "Get the picture" if number == 1 else f"Get all {number:,} pictures",
        key="export-pictures",
        type="primary" if filled else "secondary",
        help="A ZIP: each picture under the name of its row, and a table of all rows.",
    ):
        _write_pictures(run, table)
    return bool(number)


def _draw_vectors(run: RunView, table: ResultTable) -> None:
    with st.container(key="vector-export", gap="xsmall"):
        with st.container(horizontal=True, gap="medium"):
            st.checkbox("Make each vector of length one", key=f"unit-length-{run.id}")
            st.checkbox("Keep rows without a vector, filled with NaN", key=f"keep-failed-{run.id}")
        with st.container(horizontal=True, gap="small"):
            for ending, label in (("parquet", "Vectors as Parquet"), ("npy", "Vectors as NumPy")):
                if st.button(
                    label, key=f"export-vectors-{ending}", type="primary" if ending == "parquet" else "secondary"
                ):
                    _write_vectors(run, table, ending)


def _write_pictures(run: RunView, table: ResultTable) -> None:
    with notices.errors_to_notice("results"), st.spinner("Packing the pictures…"):
        path = get_state().new_export(session.owner_id(), ".zip")
        result = export_pictures(table, path, ExportOptions(complete=run.state is RunState.FINISHED))
        _offer(run, table, path, "zip", ZIP_TYPE)
        notices.show("results", "note", " ".join(result.notes))


def _write_vectors(run: RunView, table: ResultTable, ending: str) -> None:
    with notices.errors_to_notice("results"), st.spinner("Writing the vectors…"):
        state = st.session_state
        options = VectorOptions(
            failed_rows="nan" if state.get(f"keep-failed-{run.id}") else "drop",
            normalize=bool(state.get(f"unit-length-{run.id}")),
            complete=run.state is RunState.FINISHED,
        )
        path = get_state().new_export(session.owner_id(), f".{ending}")
        rows = export_vectors(table, path, options).rows
        if ending == "npy":
            _offer(run, table, _with_keys(path, _stem(run, table)), "zip", ZIP_TYPE)
        else:
            _offer(run, table, path, ending, PARQUET_TYPE)
        notices.show("results", "note", f"{plural(rows, 'row')} written.")


def _with_keys(matrix: Path, stem: str) -> Path:
    """A matrix and the keys of its rows in one archive, in the place of both."""
    archive = matrix.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as out:
        for path, name in ((matrix, f"{stem}.npy"), (keys_path(matrix), f"{stem}.keys.jsonl")):
            with path.open("rb") as source, out.open(zipfile.ZipInfo(name), "w", force_zip64=True) as target:
                shutil.copyfileobj(source, target)
            path.unlink()
    return archive


def _offer(run: RunView, table: ResultTable, path: Path, ending: str, media_type: str) -> None:
    """Let the browser fetch a file under the run's name."""
    is_complete = run.state is RunState.FINISHED and table.totals().complete
    saved_as = export_name(_stem(run, table), ending, complete=is_complete)
    get_state().runner.accounts.note(session.require_account(), f"export {ending}", run.id)
    token = get_state().download_tokens.issue(Download(path, saved_as, media_type, session.owner_id()))
    browser_actions.request("download", f"/api/download/{token}")


def _stem(run: RunView, table: ResultTable) -> str:
    return safe_file_name(file_stem(table.folder, run.name, run.id))
