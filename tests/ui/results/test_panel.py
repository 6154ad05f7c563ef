"""Results are counted in words, narrowed, turned, opened, and shown as text whatever they contain."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from streamlit.testing.v1 import AppTest

from batch.model import Outcome, RunState
from tests.ui.conftest import CookieJar
from tests.ui.fakes import FakeRunner, finished_run, make_run
from tests.ui.shared.test_session import KEY, page_text, press
from tests.ui.small_results import small_results
from ui.results.table import View, next_order, sortable
from ui.shared.app_state import AppState, Download

Open = Callable[..., AppTest]
OWNER = "owner-of-ab12"
EVIL = '<img src="http://evil.example/x" onerror="alert(1)"> ![x](http://evil.example/y) [click](javascript:alert(1))'
BLOCKED = {"response": {"candidates": [{"finishReason": "SAFETY"}], "usageMetadata": {"promptTokenCount": 5}}}
ANSWERS: dict[str, Any] = {
    **{f"row-{n}": f"answer {n}" for n in range(60)},
    "evil": EVIL,
    "blocked": BLOCKED,
    "failed": {"error": {"code": 13, "message": "Internal <b>error</b>."}},
    "lost": None,
}


@pytest.fixture
def results(page: Open, runner: FakeRunner, state: AppState, cookies: CookieJar, tmp_path: Path) -> AppTest:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    runner.runs_of[OWNER] = [finished_run(make_run("r1", name="May / June"))]
    runner.tables["r1"] = small_results(tmp_path / "r1", ANSWERS)
    return page()


def rows(at: AppTest) -> list[str]:
    return list(at.dataframe[0].value["key"])


def narrow(at: AppTest, *outcomes: Outcome) -> None:
    next(field for field in at.get("pills") if field.key == "outcomes-r1").set_value(list(outcomes)).run()


def test_the_headline_says_what_became_of_the_rows(results: AppTest) -> None:
    assert results.subheader[0].value == "SUCCEEDED: 61 answered, 3 need attention"
    text = page_text(results)
    for counted in ("64 sent", "63 returned", "63 matched", "1 missing", "0 duplicate", "0 unmatched"):
        assert counted in text


def test_the_first_page_is_in_input_order(results: AppTest) -> None:
    assert rows(results) == [f"row-{n}" for n in range(50)]
    assert "1 to 50 of 64 rows" in page_text(results)


def test_an_outcome_narrows_the_table(results: AppTest) -> None:
    narrow(results, Outcome.ERROR_TRANSIENT, Outcome.MISSING)
    assert rows(results) == ["failed", "lost"]


def test_a_search_looks_in_answers_prompts_and_keys(results: AppTest) -> None:
    search = next(field for field in results.text_input if field.label == "Search")
    search.set_value("ANSWER 5").run()
    assert rows(results) == ["row-5", *(f"row-{n}" for n in range(50, 60))]
    search.set_value("nowhere").run()
    assert "No row fits" in page_text(results)


def test_the_next_page_goes_on(results: AppTest) -> None:
    results.get("pagination")[0].set_value(2).run()
    assert rows(results) == [*(f"row-{n}" for n in range(50, 60)), "evil", "blocked", "failed", "lost"]


def test_one_row_that_fits_is_shown_in_full(results: AppTest) -> None:
    search = next(field for field in results.text_input if field.label == "Search")
    search.set_value("row-7").run()
    shown = [code.value for code in results.code]
    assert "prompt of row-7" in shown and "answer 7" in shown
    assert any('"finishReason": "STOP"' in text for text in shown)


def test_a_long_answer_is_shown_whole_when_asked_and_never_without_bounds(
    page: Open, runner: FakeRunner, state: AppState, cookies: CookieJar, tmp_path: Path
) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    runner.runs_of[OWNER] = [finished_run(make_run("r1"))]
    runner.tables["r1"] = small_results(tmp_path / "r1", {"a": "x" * 5_000_000})
    at = page()
    assert max(len(code.value) for code in at.code) < 110_000
    assert any(code.value.endswith("… and 4,996,000 more characters") for code in at.code)
    at.toggle(key="whole-Answer").set_value(True).run()
    assert any(code.value.endswith("… and 4,900,000 more characters, which exports hold") for code in at.code)


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


def export_download(at: AppTest, state: AppState) -> Download:
    """What the browser was told to download."""
    _, kind, address = at.session_state["browser_actions"]["download"]
    download = state.download_tokens.peek(address.removeprefix("/api/download/"))
    assert kind == "download" and download is not None
    return download


@pytest.mark.parametrize("ending", ["json", "jsonl", "csv", "parquet", "xlsx", "txt"])
def test_an_export_is_written_once_and_waits_behind_a_token(results: AppTest, state: AppState, ending: str) -> None:
    results.button(key=f"export-{ending}").click().run()
    press(results, "Export anyway")
    download = export_download(results, state)
    assert download.filename == f"May - June-incomplete.{ending}"
    assert download.path.stat().st_size > 0 and download.path.parent == state.exports
    assert [path.name for path in state.exports.iterdir()] == [download.path.name]


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
    at = page()
    at.button(key="export-csv").click().run()
    assert export_download(at, state).filename == "run r1.csv"


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


# -- the table -----------------------------------------------------------------------------------------------------


def test_an_error_narrows_the_table(results: AppTest) -> None:
    choice = results.multiselect(key="errors-r1")
    assert [label.partition(" × ")[0] for label in choice.options] == ["1", "1", "1"]
    choice.set_value(["Internal <b>error</b>."]).run()
    assert rows(results) == ["failed"]
    press(results, "Clear the filter")
    assert len(rows(results)) == 50


def test_a_group_of_the_plan_narrows_the_table(
    page: Open, runner: FakeRunner, state: AppState, cookies: CookieJar, tmp_path: Path
) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    runner.runs_of[OWNER] = [finished_run(make_run("r1"))]
    runner.tables["r1"] = small_results(tmp_path / "r1", {"a": "A", "b": "B", "c": "C"})
    groups = pa.table({"key": ["a", "b", "c"], "group": ["g1", None, "g1"]})
    pq.write_table(groups, tmp_path / "r1" / "groups.parquet")
    at = page()
    assert at.multiselect(key="groups-r1").options == ["2 rows like: prompt of a"]
    at.multiselect(key="groups-r1").set_value(["g1"]).run()
    assert rows(at) == ["a", "c"]


def test_one_click_shows_what_needs_attention(results: AppTest) -> None:
    press(results, "Only the 3 rows that need attention")
    assert rows(results) == ["blocked", "failed", "lost"]


def test_the_whole_table_is_sorted_not_the_page_in_sight(results: AppTest) -> None:
    results.selectbox(key="order-r1").set_value("key").run()
    results.toggle(key="descending-r1").set_value(True).run()
    assert rows(results)[0] == "row-9" and "of 64 rows, sorted by Key, highest first" in page_text(results)
    results.get("pagination")[0].set_value(2).run()
    assert rows(results)[-1] == "blocked"


def test_a_columns_name_sorts_turns_round_and_lets_go() -> None:
    """A click in a real grid is in the browser tests."""
    view = View(())
    shown_text = []
    for column in ("cost_usd", "cost_usd", "cost_usd", "key", "key", "attempts"):
        order, descending = next_order(view, column)
        view = view._replace(order=order, descending=descending)
        shown_text.append((order, descending))
    costs = [("cost_usd", True), ("cost_usd", False), ("n", False)]
    assert shown_text == [*costs, ("key", False), ("key", True), ("attempts", True)]


def test_every_column_offered_for_sorting_sorts_and_properties_are_not_offered(tmp_path: Path) -> None:
    schema = {"type": "OBJECT", "properties": {"age": {"type": "INTEGER"}}}
    table = small_results(tmp_path / "r", {"a": '{"age": 2}', "b": '{"age": 1}'}, schema=schema)
    offered = sortable(table)
    assert "cost_usd" in offered and "answer.age" not in offered and "run" not in offered
    for column in offered:
        assert table.page(order=column, descending=True)[1] == 2


def test_columns_are_chosen_and_what_is_not_known_says_so(results: AppTest) -> None:
    results.multiselect(key="columns-r1").set_value(["key", "cost_usd", "prompt_tokens", "attempts"]).run()
    narrow(results, Outcome.ANSWERED, Outcome.MISSING)
    results.get("pagination")[0].set_value(2).run()
    frame = results.dataframe[0].value
    assert list(frame.columns) == ["key", "cost_usd", "prompt_tokens", "attempts"]
    assert list(frame.iloc[0]) == ["row-50", "$0.000001", "5", "1"]
    assert list(frame.iloc[-1]) == ["lost", "not known", "not known", "0"]


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


def test_structured_answers_are_typed_columns_strict_and_lenient_apart(
    page: Open, runner: FakeRunner, state: AppState, cookies: CookieJar, tmp_path: Path
) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    runner.runs_of[OWNER] = [finished_run(make_run("r1"))]
    schema = {"type": "OBJECT", "properties": {"name": {"type": "STRING"}, "age": {"type": "INTEGER"}}}
    answers = {"a": '{"name": "Ada", "age": 36}', "b": '```json\n{"name": "Bo", "age": 7}\n```', "c": "{}"}
    runner.tables["r1"] = small_results(tmp_path / "r1", answers, schema=schema)
    at = page()
    frame = at.dataframe[0].value
    assert list(frame["answer.age"].fillna(-1)) == [36, -1, -1]
    assert list(frame["parsed"]) == ["strict", "lenient", "strict"]
    assert "Structured answers: 2 in the form asked for, 1 only after repair" in page_text(at).replace("\\", "")
    at.toggle(key="lenient-r1").set_value(True).run()
    assert list(at.dataframe[0].value["answer.name"].fillna("")) == ["Ada", "Bo", ""]
    at.checkbox(key="fields-r1").check().run()
    at.button(key="export-csv").click().run()
    assert list(pd.read_csv(export_download(at, state).path)["answer.age"].fillna(-1)) == [36, 7, -1]


def test_lines_that_fit_no_row_can_be_read(
    page: Open, runner: FakeRunner, state: AppState, cookies: CookieJar, tmp_path: Path
) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    runner.runs_of[OWNER] = [finished_run(make_run("r1"))]
    stray = {"key": "somebody else's", "response": {"candidates": []}}
    runner.tables["r1"] = small_results(tmp_path / "r1", {"a": "A"}, extra_lines=[stray])
    at = page()
    assert "1 unmatched" in page_text(at) and not any("somebody" in code.value for code in at.code)
    at.session_state["unmatched-r1"] = True
    at.run()
    assert any("somebody else's" in code.value for code in at.code)


def test_before_a_run_has_ended_the_page_says_that_results_will_come(
    page: Open, runner: FakeRunner, state: AppState, cookies: CookieJar
) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    runner.runs_of[OWNER] = [make_run("r1")]
    assert "by themselves when the run ends" in page_text(page())
    runner.runs_of[OWNER] = [finished_run(make_run("r1", state=RunState.FAILED))]
    assert "without results" in page_text(page())


def test_anothers_results_are_not_reachable_by_the_address(
    page: Open, runner: FakeRunner, state: AppState, cookies: CookieJar, tmp_path: Path
) -> None:
    runner.runs_of[OWNER] = [finished_run(make_run("r1"))]
    runner.tables["r1"] = small_results(tmp_path / "r1", {"a": "secret plans"})
    cookies["gbr_key"] = state.cookie_cipher.encrypt("another-key-zz99")
    for at in (page(run="r1"), press(page(run="r1"), "Rehearse without a key")):
        assert not at.dataframe and "secret" not in page_text(at)


def test_the_cost_of_a_row_shows_its_sum(results: AppTest) -> None:
    results.text_input(key="search-r1").set_value("row-7").run()
    shown_text = next(element for element in results.caption if "· cost" in str(element.value))
    assert shown_text.help.replace("\\", "").endswith("at today's prices") and "fresh × 2" in shown_text.help.replace(
        "\\", ""
    )
