"""A few rows are tried by one click, measure the price of all, and are no run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from batch.errors import ApiError
from batch.model import Outcome, Usage
from lifecycle.planning.tried_rows import TriedRow, Tries
from tests.patience import PATIENCE_SECONDS
from tests.ui.conftest import CookieJar
from tests.ui.page_driver import KEY, Open, give_files, page_text
from tests.ui.pricing_runner import PricingRunner
from ui.shared.app_state import AppState

USAGE = Usage(prompt=20, candidates=12)
ROW = TriedRow(0, "row-000001", "p", {"item": "Lantern"}, Outcome.ANSWERED, text="Bright.", usage=USAGE, usd=0.001)


@pytest.fixture
def runner(tmp_path: Path) -> PricingRunner:
    made = PricingRunner(tmp_path)
    made.tried = Tries("", "", (ROW, replace(ROW, n=2)))
    return made


@pytest.fixture
def table(page: Open, state: AppState, cookies: CookieJar) -> AppTest:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    at = give_files(page(), {"t.csv": b"item\nLantern\nTent\nStove\n"})
    return at.text_area(key="template").set_value("Say of {{item}}").run()


def try_rows(at: AppTest) -> AppTest:
    at.button(key="ask-rows").click().run()
    at.session_state["background-tries"].future.exception(PATIENCE_SECONDS)
    at.run()
    assert not at.exception
    return at


def plain(at: AppTest) -> str:
    return (page_text(at) + " ".join(str(element.proto.body) for element in at.get("html"))).replace("\\", "")


def test_a_click_tries_rows_and_measures_the_price_of_all(table: AppTest, runner: PricingRunner) -> None:
    assert table.button(key="ask-rows").label.replace("\\", "").startswith("Try 3 rows, $")
    assert "A guess from rows like these" in plain(table)
    try_rows(table)
    assert "Bright." in plain(table) and "2 of 2 tries were answered" in plain(table)
    assert "Measured on your 2 tries." in plain(table) and "These tries cost $0.0020." in plain(table)
    assert runner.runs_of == {} and [call[0] for call in runner.calls] == ["try_rows"]
    assert table.button(key="ask-rows").label.startswith("Try 3 again")
    table.text_area(key="template").set_value("Say little of {{item}}").run()
    assert "Bright." in plain(table) and "A guess from rows like these" in plain(table), "another question"
    try_rows(table)
    assert "Try 1" in str(table.button_group) and "Measured on your 2 tries." in plain(table)


def test_answers_that_were_cut_off_suggest_a_limit_that_a_click_sets(table: AppTest, runner: PricingRunner) -> None:
    table.session_state["max_output_tokens"] = 256
    cut = replace(ROW, outcome=Outcome.TRUNCATED, usage=replace(USAGE, candidates=256))
    runner.tried = Tries("", "", (ROW, cut), output_cap=256)
    try_rows(table.run())
    assert "1 of 2 cut off at 256 tokens" in plain(table)
    next(button for button in table.button if button.label == "Use 512 tokens").click().run()
    assert table.session_state["max_output_tokens"] == 512


def test_tries_that_fail_are_told_and_another_input_has_none(table: AppTest, runner: PricingRunner) -> None:
    try_rows(table)
    runner.try_error = ApiError("The key was refused.", "Enter another.")
    try_rows(table)
    assert "Nothing was tried. The key was refused. Enter another." in plain(table)
    assert "Bright." in plain(table), "what was tried before is kept"
    assert "Bright." not in plain(give_files(table, {"other.csv": b"item\nLamp\n"}))


def filled(at: AppTest) -> list[str]:
    return [button.label.replace("\\", "") for button in at.main.button if button.proto.type == "primary"]


def test_above_an_amount_a_few_rows_are_tried_first_and_correct_price_and_limit(
    page: Open, state: AppState, runner: PricingRunner, cookies: CookieJar
) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    at = give_files(page(), {"t.csv": b"item\n" + b"Lantern\n" * 40})
    at.number_input(key="max_output_tokens").set_value(256)
    at.text_area(key="template").set_value("Say of {{item}}").run()
    assert filled(at) == ["Submit batch"] and at.number_input(key="try_first_usd").value == 5.0
    at.number_input(key="try_first_usd").set_value(0.0001).run()
    (label,) = filled(at)
    assert label.startswith("Try 5 rows first, $") and "From $0.00010 on, a few rows first" in plain(at)
    guessed = next(line for line in plain(at).split("<") if line.startswith("strong>About"))
    cut = replace(ROW, outcome=Outcome.TRUNCATED, usage=replace(USAGE, candidates=250))
    rows = [ROW, ROW, ROW, cut, cut]
    runner.tried = Tries("", "", tuple(rows), output_cap=256)
    try_rows(at)
    assert filled(at) == ["Submit batch"] and "Measured on your 5 tries." in plain(at) and guessed not in plain(at)
    assert "A limit of 256 tokens would cut" in plain(at), "and the limit is corrected by one click"
    at.number_input(key="try_first_usd").set_value(0.0).run()
    assert page().number_input(key="try_first_usd").value == 5.0, "another browser has its own"
