"""Several runs in one archive, a file each: written beside the page, fetched by the browser when it is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from batch.formatting import plural
from lifecycle.core.models import Account, RunLine
from lifecycle.run_list.archive import ArchiveResult, export_archive
from lifecycle.runner import Runner
from ui.shared import background, browser_actions, notices, session
from ui.shared.app_state import Download, get_state

NAME = "runs-export"
FORMATS = {"csv": "CSV", "xlsx": "XLSX", "jsonl": "JSONL", "parquet": "Parquet", "json": "JSON"}
_ASKED = "runs_export"


@dataclass(frozen=True)
class _Wish:
    """What was asked for."""

    run_ids: tuple[str, ...]
    format: str
    number: int


def draw(runner: Runner, account: Account, lines: Sequence[RunLine]) -> None:
    """Draw the choice of a format; while an archive is being written, what is being done."""
    wish: _Wish | None = st.session_state.get(_ASKED)
    if wish is not None:
        _follow(runner, account, wish)
        return
    with_results = [line.id for line in lines if line.counts]
    with st.popover("Export", disabled=not with_results, key="runs-export-choices"):
        st.caption(f"A ZIP with a file for each of {plural(len(with_results), 'run')}, answers beside the inputs.")
        with st.container(horizontal=True, gap="small"):
            for name, label in FORMATS.items():
                st.button(label, key=f"runs-export-{name}", on_click=_ask, args=(with_results, name))


def _ask(run_ids: Sequence[str], name: str) -> None:
    """Begin; while one is being written, no second is begun."""
    if _ASKED not in st.session_state:
        number = st.session_state["runs_export_number"] = st.session_state.get("runs_export_number", 0) + 1
        st.session_state[_ASKED] = _Wish(tuple(run_ids), name, number)
        notices.clear("runs")


def _follow(runner: Runner, account: Account, wish: _Wish) -> None:
    state, owner_id = get_state(), account.owner_id

    def write() -> ArchiveResult:
        path = state.new_export(owner_id, ".zip")
        return export_archive(runner.runs, account, wish.run_ids, path, wish.format)

    result: background.BackgroundResult[ArchiveResult] = background.run_once(NAME, wish, write)
    if not result.future.done():
        with st.container(width="content"):
            background.draw_pending(NAME, f"Writing {plural(len(wish.run_ids), 'run')}…")
        return
    st.session_state.pop(_ASKED, None)
    if result.error is not None:
        notices.show("runs", "bad", result.error.describe())
    elif result.value is not None:
        _hand_over(runner, result.value)
    st.rerun()  # the browser is told of the file when the whole page is drawn


def _hand_over(runner: Runner, result: ArchiveResult) -> None:
    state, account = get_state(), session.require_account()
    for run_id in result.run_ids:
        state.runner.accounts.note(account, "export zip", run_id)
    download = Download(Path(result.path), f"{len(result.run_ids)}-runs.zip", "application/zip", session.owner_id())
    browser_actions.request("download", f"/api/download/{state.download_tokens.issue(download)}")
    if result.notes:
        notices.show("runs", "note", " ".join(result.notes))
