"""What narrows the table."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from streamlit.testing.v1 import AppTest

from batch.model import Outcome
from tests.ui.conftest import CookieJar
from tests.ui.fakes import FakeRunner, finished_run, make_run
from tests.ui.page_driver import KEY, OWNER, Open, page_text, press
from tests.ui.results.conftest import narrow, rows
from tests.ui.small_results import small_results
from ui.shared.app_state import AppState


def test_an_outcome_narrows_the_table(results: AppTest) -> None:
    narrow(results, Outcome.ERROR_TRANSIENT, Outcome.MISSING)
    assert rows(results) == ["failed", "lost"]


def test_a_search_looks_in_answers_prompts_and_keys(results: AppTest) -> None:
    search = next(field for field in results.text_input if field.label == "Search")
    search.set_value("ANSWER 5").run()
    assert rows(results) == ["row-5", *(f"row-{n}" for n in range(50, 60))]
    search.set_value("nowhere").run()
    assert "No row fits" in page_text(results)


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
    at = page(run="r1")
    assert at.multiselect(key="groups-r1").options == ["2 rows like: prompt of a"]
    at.multiselect(key="groups-r1").set_value(["g1"]).run()
    assert rows(at) == ["a", "c"]
