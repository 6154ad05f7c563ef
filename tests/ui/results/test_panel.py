"""Results are counted in words, narrowed, turned, opened, and shown as text whatever they contain."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

from batch.model import RunState
from tests.ui.conftest import CookieJar
from tests.ui.fakes import FakeRunner, finished_run, make_run
from tests.ui.page_driver import KEY, OWNER, Open, page_text, press
from tests.ui.results.conftest import rows
from tests.ui.small_results import small_results
from ui.shared.app_state import AppState


def test_what_became_of_the_rows_is_told_and_accounted_for(results: AppTest) -> None:
    assert any("SUCCEEDED: 61 answered, 3 need attention" in str(one.value) for one in results.get("html"))
    text = page_text(results)
    for counted in ("64 sent", "63 returned", "63 matched", "1 missing", "0 duplicate", "0 unmatched"):
        assert counted in text


def test_the_first_page_is_in_input_order(results: AppTest) -> None:
    assert rows(results) == [f"row-{n}" for n in range(50)]
    assert "1 to 50 of 64 rows" in page_text(results)


def test_the_next_page_goes_on(results: AppTest) -> None:
    results.get("pagination")[0].set_value(2).run()
    assert rows(results) == [*(f"row-{n}" for n in range(50, 60)), "evil", "blocked", "failed", "lost"]


def test_before_a_run_has_ended_the_page_says_that_results_will_come(
    page: Open, runner: FakeRunner, state: AppState, cookies: CookieJar
) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    runner.runs_of[OWNER] = [make_run("r1")]
    assert "by themselves as each job ends" in page_text(page(run="r1"))
    runner.runs_of[OWNER] = [finished_run(make_run("r1", state=RunState.FAILED))]
    assert "without results" in page_text(page(run="r1"))


def test_anothers_results_are_not_reachable_by_the_address(
    page: Open, runner: FakeRunner, state: AppState, cookies: CookieJar, tmp_path: Path
) -> None:
    runner.runs_of[OWNER] = [finished_run(make_run("r1"))]
    runner.tables["r1"] = small_results(tmp_path / "r1", {"a": "secret plans"})
    cookies["gbr_key"] = state.cookie_cipher.encrypt("another-key-zz99")
    for at in (page(run="r1"), press(page(run="r1"), "Rehearse without a key")):
        assert not at.dataframe and "secret" not in page_text(at)
