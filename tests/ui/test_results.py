"""Results are counted in words, narrowed, turned, opened, and shown as text whatever they contain."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from batch.model import Outcome, RunState
from tests.ui.conftest import Jar
from tests.ui.fakes import FakeRunner, a_run, ended
from tests.ui.small_results import small_results
from tests.ui.test_session import KEY, press, texts
from ui.app_state import AppState

Open = Callable[..., AppTest]
OWNER = "owner-of-ab12"
EVIL = '<img src="http://evil.example/x" onerror="alert(1)"> ![x](http://evil.example/y) [click](javascript:alert(1))'
BLOCKED = {"response": {"candidates": [{"finishReason": "SAFETY"}], "usageMetadata": {"promptTokenCount": 5}}}
ANSWERS = {
    **{f"row-{n}": f"answer {n}" for n in range(60)},
    "evil": EVIL,
    "blocked": BLOCKED,
    "failed": {"error": {"code": 13, "message": "Internal <b>error</b>."}},
    "lost": None,
}


@pytest.fixture
def results(page: Open, runner: FakeRunner, state: AppState, cookies: Jar, tmp_path: Path) -> AppTest:
    cookies["gbr_key"] = state.vault.seal(KEY)
    runner.runs_of[OWNER] = [ended(a_run("r1", name="May / June"))]
    runner.tables["r1"] = small_results(tmp_path / "r1", ANSWERS)
    return page()


def rows(at: AppTest) -> list[str]:
    return list(at.dataframe[0].value["key"])


def narrow(at: AppTest, *outcomes: Outcome) -> None:
    next(field for field in at.get("pills") if field.key == "outcomes-r1").set_value(list(outcomes)).run()


def test_the_headline_says_what_became_of_the_rows(results: AppTest) -> None:
    assert results.subheader[0].value == "SUCCEEDED: 61 answered, 3 need attention"
    said = texts(results)
    for counted in ("64 sent", "63 returned", "63 matched", "1 missing", "0 duplicate", "0 unmatched"):
        assert counted in said


def test_the_first_page_is_in_input_order(results: AppTest) -> None:
    assert rows(results) == [f"row-{n}" for n in range(50)]
    assert "1 to 50 of 64 rows" in texts(results)


def test_an_outcome_narrows_the_table(results: AppTest) -> None:
    narrow(results, Outcome.ERROR_TRANSIENT, Outcome.MISSING)
    assert rows(results) == ["failed", "lost"]


def test_a_search_looks_in_answers_prompts_and_keys(results: AppTest) -> None:
    search = next(field for field in results.text_input if field.label == "Search")
    search.set_value("ANSWER 5").run()
    assert rows(results) == ["row-5", *(f"row-{n}" for n in range(50, 60))]
    search.set_value("nowhere").run()
    assert "No row fits" in texts(results)


def test_the_next_page_goes_on(results: AppTest) -> None:
    results.get("pagination")[0].set_value(2).run()
    assert rows(results) == [*(f"row-{n}" for n in range(50, 60)), "evil", "blocked", "failed", "lost"]


def test_one_row_that_fits_is_shown_in_full(results: AppTest) -> None:
    search = next(field for field in results.text_input if field.label == "Search")
    search.set_value("row-7").run()
    shown = [code.value for code in results.code]
    assert "prompt of row-7" in shown and "answer 7" in shown
    assert any('"finishReason": "STOP"' in text for text in shown)


def test_active_content_in_an_answer_stays_text(results: AppTest) -> None:
    search = next(field for field in results.text_input if field.label == "Search")
    search.set_value("evil.example").run()
    assert EVIL in [code.value for code in results.code]
    for kind in ("markdown", "html", "caption", "error"):
        assert all("evil.example" not in str(element.value) for element in results.get(kind))


def test_a_failed_row_shows_its_error_as_text(results: AppTest) -> None:
    search = next(field for field in results.text_input if field.label == "Search")
    search.set_value("failed").run()
    assert results.error[0].value == "Internal \\<b\\>error\\<\\/b\\>\\. \\(code 13\\)".replace("\\/", "/")


@pytest.mark.parametrize("ending", ["json", "jsonl", "csv", "parquet", "xlsx", "txt"])
def test_an_export_is_written_once_and_waits_behind_a_ticket(results: AppTest, state: AppState, ending: str) -> None:
    results.button(key=f"export-{ending}").click().run()
    _, kind, address = results.session_state["errands"]["download"]
    download = state.download_tickets.look(address.removeprefix("/api/download/"))
    assert kind == "download" and download is not None
    assert download.filename == f"May - June-incomplete.{ending}"
    assert download.path.stat().st_size > 0 and download.path.parent == state.exports
    assert [path.name for path in state.exports.iterdir()] == [download.path.name]


def test_only_the_rows_that_fit_can_be_exported(results: AppTest, state: AppState) -> None:
    narrow(results, Outcome.MISSING)
    results.checkbox(key="narrowed-r1").check().run()
    results.button(key="export-jsonl").click().run()
    address = results.session_state["errands"]["download"][2]
    download = state.download_tickets.look(address.removeprefix("/api/download/"))
    assert download is not None and len(download.path.read_text().splitlines()) == 1


def test_before_a_run_has_ended_the_page_says_that_results_will_come(
    page: Open, runner: FakeRunner, state: AppState, cookies: Jar
) -> None:
    cookies["gbr_key"] = state.vault.seal(KEY)
    runner.runs_of[OWNER] = [a_run("r1")]
    assert "by themselves when the run ends" in texts(page())
    runner.runs_of[OWNER] = [ended(a_run("r1", state=RunState.FAILED))]
    assert "without results" in texts(page())


def test_anothers_results_are_not_reachable_by_the_address(
    page: Open, runner: FakeRunner, state: AppState, cookies: Jar, tmp_path: Path
) -> None:
    runner.runs_of[OWNER] = [ended(a_run("r1"))]
    runner.tables["r1"] = small_results(tmp_path / "r1", {"a": "secret plans"})
    cookies["gbr_key"] = state.vault.seal("another-key-zz99")
    for at in (page(run="r1"), press(page(run="r1"), "Rehearse without a key")):
        assert not at.dataframe and "secret" not in texts(at)
