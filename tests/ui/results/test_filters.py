"""What narrows the table."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl

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


def address(at: AppTest) -> dict[str, str]:
    return dict(parse_qsl(at.session_state["address-r1"][1]))


def test_a_reload_keeps_the_page_and_the_columns(results: AppTest, page: Open) -> None:
    assert address(results) == {"run": "r1"}
    results.multiselect(key="columns-r1").set_value(["outcome", "cost_usd", "key"]).run()
    results.get("pagination")[0].set_value(2).run()
    asked = address(results)
    assert asked == {"run": "r1", "columns": "outcome,cost_usd,key", "page": "2"}
    again = page(**asked)
    assert rows(again)[0] == "row-50" and list(again.dataframe[0].value) == ["outcome", "cost_usd", "key"]
    assert address(again) == asked
    again.multiselect(key="columns-r1").set_value(["key"]).run()
    assert rows(again)[0] == "row-0" and address(again) == {"run": "r1", "columns": "key"}, "another view has its pages"


def test_an_address_may_ask_for_what_is_not_there(results: AppTest, page: Open) -> None:
    beyond = page(run="r1", page="900", columns="nowhere,key")
    assert rows(beyond)[0] == "row-50" and address(beyond) == {"run": "r1", "columns": "key", "page": "2"}
    nothing = page(run="r1", page="x", columns="nowhere")
    assert rows(nothing)[0] == "row-0" and address(nothing) == {"run": "r1"}
