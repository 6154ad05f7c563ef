"""Lines that fit no row."""

from __future__ import annotations

from pathlib import Path

from tests.ui.conftest import CookieJar
from tests.ui.fakes import FakeRunner, finished_run, make_run
from tests.ui.page_driver import KEY, OWNER, Open, page_text
from tests.ui.small_results import small_results
from ui.shared.app_state import AppState


def test_lines_that_fit_no_row_can_be_read(
    page: Open, runner: FakeRunner, state: AppState, cookies: CookieJar, tmp_path: Path
) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    runner.runs_of[OWNER] = [finished_run(make_run("r1"))]
    stray = {"key": "somebody else's", "response": {"candidates": []}}
    runner.tables["r1"] = small_results(tmp_path / "r1", {"a": "A"}, extra_lines=[stray])
    at = page(run="r1")
    assert "1 unmatched" in page_text(at) and not any("somebody" in code.value for code in at.code)
    at.session_state["unmatched-r1"] = True
    at.run()
    assert any("somebody else's" in code.value for code in at.code)
