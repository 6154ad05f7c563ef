"""Rows are sent again as chosen, at the price that was shown, once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from batch.model import Outcome
from tests.ui.conftest import CookieJar
from tests.ui.fakes import FakeRunner, finished_run, make_run
from tests.ui.page_driver import KEY, OWNER, Open, page_text, press
from tests.ui.small_results import small_results
from ui.shared.app_state import AppState

CUT = {"response": {"candidates": [{"finishReason": "MAX_TOKENS", "content": {"parts": [{"text": "half"}]}}]}}
ANSWERS = {
    "fine": "yes",
    "failed": {"error": {"code": 13, "message": "Internal error."}},
    "lost": None,
    "cut": CUT,
    "blocked": {"response": {"candidates": [{"finishReason": "SAFETY"}]}},
}


@pytest.fixture
def mixed(page: Open, runner: FakeRunner, state: AppState, cookies: CookieJar, tmp_path: Path) -> AppTest:
    """A run with rows of all kinds, and the drawer open."""
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    runner.runs_of[OWNER] = [finished_run(make_run("p"))]
    runner.tables["p"] = small_results(tmp_path / "p", ANSWERS)
    at = page(run="p")
    assert not any(call[0] == "retry_forecast" for call in runner.calls)
    at.session_state["retry"] = True
    return at.run()


def send_button_label(at: AppTest) -> str:
    return next((one.label for one in at.button if str(one.key).startswith("retry-send-")), "")


def pills(at: AppTest, key: str) -> Any:
    return next(element for element in at.get("pills") if element.key == key)


def test_what_may_go_better_is_chosen_and_priced(mixed: AppTest) -> None:
    assert send_button_label(mixed) == "Send 3 rows again"
    assert r"$0\.060 probably, \$0\.030 at least, \$0\.090 at worst" in page_text(mixed)


def test_other_outcomes_can_be_chosen_with_another_cap_and_model(mixed: AppTest, runner: FakeRunner) -> None:
    pills(mixed, "retry-outcomes-p").set_value([Outcome.TRUNCATED])
    mixed.number_input(key="retry-cap-p").set_value(4096)
    mixed.selectbox(key="retry-model-p").set_value("gemini-mystery").run()
    assert send_button_label(mixed) == "Send 1 row again"
    assert runner.calls[-1] == ("retry_forecast", "p", "{'model': 'gemini-mystery', 'max_output_tokens': 4096}")


def test_nothing_chosen_is_nothing_to_send(mixed: AppTest) -> None:
    pills(mixed, "retry-outcomes-p").set_value([]).run()
    assert not send_button_label(mixed) and "Choose outcomes" in page_text(mixed)


def test_the_rows_that_fit_the_filter_can_be_sent(mixed: AppTest) -> None:
    mixed.text_input(key="search-p").set_value("fine").run()
    mixed.radio(key="retry-rows-p").set_value("Rows that fit the filter above").run()
    assert send_button_label(mixed) == "Send 1 row again" and "1 row answered already" in page_text(mixed)


def test_selected_rows_can_be_sent(mixed: AppTest) -> None:
    mixed.session_state["selected-p"] = dict.fromkeys(["blocked", "cut"])
    mixed.run()
    assert send_button_label(mixed) == "Send 2 rows again" and "2 rows selected" in page_text(mixed)


def test_an_offer_that_was_for_another_cap_is_not_sent(mixed: AppTest, runner: FakeRunner) -> None:
    """Leaving the field and pressing the button arrive together."""
    mixed.number_input(key="retry-cap-p").set_value(4096)
    press(mixed, "Send 3 rows again")
    assert "Not sent, because the choice had just changed" in page_text(mixed)
    assert [run.parent_id for run in runner.runs_of[OWNER]] == [""]
    press(mixed, "Send 3 rows again")
    assert [run.parent_id for run in runner.runs_of[OWNER]] == ["p", ""]


def test_a_click_sends_once_and_the_run_under_way_is_named(mixed: AppTest, runner: FakeRunner) -> None:
    press(mixed, "Send 3 rows again")
    mixed.run()
    assert [run.parent_id for run in runner.runs_of[OWNER]] == ["p", ""]
    assert "3 rows sent again with gemini\\-3\\-flash\\: running" in page_text(mixed)
    assert not send_button_label(mixed)


def test_the_child_leads_back_to_the_whole_result(mixed: AppTest, runner: FakeRunner, tmp_path: Path) -> None:
    press(mixed, "Send 3 rows again")
    child = runner.runs_of[OWNER][0]
    runner.runs_of[OWNER][0] = finished_run(child)
    runner.tables[child.id] = small_results(tmp_path / child.id, {"failed": "now it works"})
    press(mixed, "Open")
    assert "sends rows of another one again" in page_text(mixed) and not send_button_label(mixed)
    press(mixed, "Open the whole result")
    assert mixed.query_params["run"] == "p"
