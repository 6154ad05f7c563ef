"""What has come back of a run under way is seen with its number, before the run ends."""

from __future__ import annotations

from lifecycle.results.read.so_far import LineSoFar
from tests.ui.conftest import CookieJar
from tests.ui.fakes import FakeRunner, make_run
from tests.ui.page_driver import KEY, OWNER, Open, page_text
from ui.shared.app_state import AppState


def test_rows_of_ended_jobs_are_there_before_the_run_has_ended(
    page: Open, runner: FakeRunner, state: AppState, cookies: CookieJar
) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    runner.runs_of[OWNER] = [make_run("p", rows=100)]
    at = page(run="p")
    assert "as each job ends" in page_text(at) and not at.dataframe
    runner.lines_so_far["p"] = [
        LineSoFar("a", "answered", "Bern", "", "1"),
        LineSoFar("b", "error_transient", "", "Internal error.", "2"),
    ]
    at.run()
    assert "2 of 100 rows came back so far, 1 to 2 are shown." in page_text(at)
    assert list(at.dataframe[0].value["Answer"]) == ["Bern", "Internal error."]
    assert list(at.dataframe[0].value["Outcome"]) == [["answered"], ["failed for now"]]
