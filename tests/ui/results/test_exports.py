"""Exports are written once, and what is not whole asks first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from batch.model import Outcome
from lifecycle.inputs.tables.reading import ReadAs
from tests.lifecycle.results.fill.given_run import given_run
from tests.ui.conftest import CookieJar
from tests.ui.fakes import FakeRunner, finished_run, make_run
from tests.ui.page_driver import KEY, OWNER, Open, page_text, press
from tests.ui.results.conftest import ANSWERS, BLOCKED, export_download, narrow
from tests.ui.small_results import small_results
from ui.shared.app_state import AppState


@pytest.mark.parametrize("ending", ["json", "jsonl", "csv", "parquet", "xlsx", "txt"])
def test_an_export_is_written_once_and_waits_behind_a_token(results: AppTest, state: AppState, ending: str) -> None:
    results.button(key=f"export-{ending}").click().run()
    press(results, "Export anyway")
    download = export_download(results, state)
    assert download.filename == f"May - June-incomplete.{ending}"
    assert download.path.stat().st_size > 0 and download.path.parent == state.exports
    assert [path.name for path in state.exports.iterdir()] == [download.path.name]
    assert not [button for button in results.button if button.key == "export-documents"]


def test_what_is_not_whole_asks_before_it_is_exported(results: AppTest, state: AppState) -> None:
    results.button(key="export-csv").click().run()
    assert "nothing came back for 1 of 64 rows" in results.warning[0].value
    assert "browser_actions" not in results.session_state and not state.exports.exists()
    press(results, "Do not export")
    assert not results.warning and not state.exports.exists()
    results.button(key="export-csv").click().run()
    press(results, "Export anyway")
    assert not results.warning and "INCOMPLETE" in export_download(results, state).path.read_text().splitlines()[1]


def test_a_whole_result_is_exported_without_a_question(
    page: Open, runner: FakeRunner, state: AppState, cookies: CookieJar, tmp_path: Path
) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    runner.runs_of[OWNER] = [finished_run(make_run("r1"))]
    runner.tables["r1"] = small_results(tmp_path / "r1", {"a": "fine", "b": BLOCKED})
    at = page(run="r1")
    at.button(key="export-csv").click().run()
    assert export_download(at, state).filename == "run r1.csv"


def test_pages_are_exported_as_documents_where_there_are_any(
    page: Open, runner: FakeRunner, state: AppState, cookies: CookieJar, tmp_path: Path
) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    runner.runs_of[OWNER] = [finished_run(make_run("r1"))]
    pages = {f"a.pdf#p000{n}": ("a.pdf", n) for n in (1, 2)}
    runner.tables["r1"] = small_results(tmp_path / "r1", dict(zip(pages, ["One", BLOCKED], strict=True)), pages=pages)
    at = page(run="r1")
    at.button(key="export-documents").click().run()
    assert "# a.pdf\n\n1 of 2 pages; missing: 2." in export_download(at, state).path.read_text()
    at.button(key="export-documents-zip").click().run()
    assert export_download(at, state).filename == "run r1.zip"


def test_only_the_rows_that_fit_can_be_exported(results: AppTest, state: AppState) -> None:
    narrow(results, Outcome.MISSING)
    results.checkbox(key="only-filtered-r1").check().run()
    results.button(key="export-jsonl").click().run()
    assert len(export_download(results, state).path.read_text().splitlines()) == 1
    assert export_download(results, state).filename == "May - June-selection-incomplete.jsonl"


def test_lines_can_be_exported_as_they_were_received(results: AppTest, state: AppState) -> None:
    results.button(key="export-gemini").click().run()
    press(results, "Export anyway")
    lines = [json.loads(line) for line in export_download(results, state).path.read_bytes().splitlines()]
    assert len(lines) == 63 and lines[-1] == {"key": "failed", **ANSWERS["failed"]}


def test_selected_rows_are_exported_and_cleared(results: AppTest, state: AppState) -> None:
    results.session_state["selected-r1"] = dict.fromkeys(["row-0", "row-2", "blocked"])
    results.run()
    assert "3 rows selected" in page_text(results)
    results.checkbox(key="only-selected-r1").check().run()
    results.button(key="export-jsonl").click().run()
    lines = [json.loads(line) for line in export_download(results, state).path.read_bytes().splitlines()]
    assert [line["key"] for line in lines] == ["row-0", "row-2", "blocked"]
    press(results, "Clear selection")
    assert "selected" not in page_text(results)


def test_a_table_comes_back_as_it_was_given_unless_a_plain_one_is_asked_for(
    page: Open, runner: FakeRunner, state: AppState, cookies: CookieJar, tmp_path: Path
) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    runner.runs_of[OWNER] = [finished_run(make_run("r1"))]
    told = ReadAs("csv", encoding="UTF-8", separator=";", quote='"', header_row=1, header_rows=1, first_row=2)
    own: dict[str, list[Any]] = {"city": ["Rome", "Oslo"]}
    run = given_run(
        tmp_path / "r1", b"city;zip\nRome;007\nOslo;008\n", told, {**own, "zip": ["1", "2"]}, [2, 3], ["a", "=b"]
    )
    runner.tables["r1"] = run.table()
    at = page(run="r1")
    assert at.radio(key="way-r1").options == ["My table, filled in", "Plain table"]
    at.button(key="export-csv").click().run()
    assert export_download(at, state).path.read_text().startswith("city;zip;text;key;prompt;")
    assert "Oslo;008;'=b;" in export_download(at, state).path.read_text()
    assert "1 cell beside your own begins like a formula" in page_text(at)
    at.radio(key="way-r1").set_value("plain").run()
    at.checkbox(key="raw-cells-r1").check().run()
    at.button(key="export-csv").click().run()
    lines = export_download(at, state).path.read_text().splitlines()
    assert lines[0].startswith('"city","zip","key","prompt"')
    assert ',"=b",' in lines[2]
