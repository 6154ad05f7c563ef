"""The table is sorted as a whole, and its columns can be chosen."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from streamlit.testing.v1 import AppTest

from batch.model import Outcome
from lifecycle.results.read.table import ResultTable
from tests.ui.conftest import CookieJar
from tests.ui.fakes import FakeRunner, finished_run, make_run
from tests.ui.page_driver import KEY, OWNER, Open, page_text
from tests.ui.results.conftest import export_download, narrow, rows
from tests.ui.small_results import small_results
from ui.results.table import View, default_columns, next_order, sortable
from ui.shared.app_state import AppState


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


def test_every_column_offered_for_sorting_sorts_typed_ones_by_their_type(tmp_path: Path) -> None:
    schema = {"type": "OBJECT", "properties": {"age": {"type": "INTEGER"}}}
    answers = {"a": '{"age": 9}', "b": '{"age": 10}', "c": "none", "d": '{"age": 2}'}
    table = small_results(tmp_path / "r", answers, schema=schema)
    offered = sortable(table)
    assert "cost_usd" in offered and "answer.age" in offered and "run" not in offered
    for column in offered:
        assert table.page(order=column, descending=True)[1] == 4
    for descending, keys in ((False, ["d", "a", "b", "c"]), (True, ["b", "a", "d", "c"])):
        assert list(table.page(order="answer.age", descending=descending)[0]["key"]) == keys


def test_answers_stand_beside_the_tables_own_columns_and_what_is_technical_last(tmp_path: Path) -> None:
    schema = {"type": "OBJECT", "properties": {"age": {"type": "INTEGER"}}}
    folder = tmp_path / "r"
    small_results(folder, {"a": '{"age": 2}', "b": '{"age": 1}'}, schema=schema)
    inputs = pq.read_table(folder / "inputs.parquet")
    pq.write_table(inputs.append_column("item", pa.array(["Lantern", "Tent"])), folder / "inputs.parquet")
    table = ResultTable(folder)
    assert default_columns(table) == ["outcome", "answer.age", "item", "key", "parsed"]


def test_columns_are_chosen_and_what_is_not_known_says_so(results: AppTest) -> None:
    results.multiselect(key="columns-r1").set_value(["key", "cost_usd", "prompt_tokens", "attempts"]).run()
    narrow(results, Outcome.ANSWERED, Outcome.MISSING)
    results.get("pagination")[0].set_value(2).run()
    frame = results.dataframe[0].value
    assert list(frame.columns) == ["key", "cost_usd", "prompt_tokens", "attempts"]
    assert list(frame.iloc[0]) == ["row-50", "$0.0000010", "5", "1"]
    assert list(frame.iloc[-1]) == ["lost", "not known", "not known", "0"]


def test_structured_answers_are_typed_columns_strict_and_lenient_apart(
    page: Open, runner: FakeRunner, state: AppState, cookies: CookieJar, tmp_path: Path
) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    runner.runs_of[OWNER] = [finished_run(make_run("r1"))]
    schema = {"type": "OBJECT", "properties": {"name": {"type": "STRING"}, "age": {"type": "INTEGER"}}}
    answers = {"a": '{"name": "Ada", "age": 36}', "b": '```json\n{"name": "Bo", "age": 7}\n```', "c": "{}"}
    runner.tables["r1"] = small_results(tmp_path / "r1", answers, schema=schema)
    at = page(run="r1")
    frame = at.dataframe[0].value
    assert list(frame["answer.age"].fillna(-1)) == [36, -1, -1]
    assert list(frame["parsed"]) == ["as asked", "mended", "as asked"]
    assert "Structured answers: 2 in the form asked for, 1 only after mending" in page_text(at).replace("\\", "")
    at.toggle(key="lenient-r1").set_value(True).run()
    assert list(at.dataframe[0].value["answer.name"].fillna("")) == ["Ada", "Bo", ""]
    at.checkbox(key="fields-r1").check().run()
    at.button(key="export-csv").click().run()
    assert list(pd.read_csv(export_download(at, state).path)["answer.age"].fillna(-1)) == [36, 7, -1]
