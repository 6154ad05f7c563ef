"""What a budget holds back is told with its price, and sent by one deed where it is told, once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lifecycle.core.models import BudgetPosition, RunSpec
from tests.patience import PATIENCE_SECONDS
from tests.ui.conftest import CookieJar
from tests.ui.fakes import FakeRunner, finished_run, make_run
from tests.ui.page_driver import KEY, OWNER, Open, page_text, press
from tests.ui.small_results import small_results
from ui.run.raise_budget import describe
from ui.shared.app_state import AppState

STOPPED = BudgetPosition("p", 5.0, 4.6, 0.0, 610, 2.1, 2.27, ended=True)
SPEC = RunSpec(model="gemini-3-flash", max_usd=5.0)


@pytest.fixture(autouse=True)
def known(cookies: CookieJar, state: AppState) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)


def labels(at: AppTest) -> list[str]:
    return [button.label for button in at.button]


def draw_until(at: AppTest, condition: Callable[[], bool]) -> None:
    """Draw the page until what another thread does is seen."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, page_text(at)
        at.run()


def raised(runner: FakeRunner) -> list[tuple[str, ...]]:
    return [call for call in runner.calls if call[0] == "raise_budget"]


def test_it_says_what_is_spent_what_is_left_and_what_that_costs() -> None:
    assert describe(STOPPED) == (
        "Of the budget of $5.00, $4.60 is spent. 610 rows are not sent: probably $2.10, at worst $2.27."
    )
    waiting = replace(STOPPED, ended=False, under_way_usd=0.3, rows=1)
    assert "$4.60 is spent and up to $0.30 under way. 1 row waits: probably" in describe(waiting)


@pytest.mark.parametrize(
    ("needed", "limit", "suggested"),
    [(6.83, 5.0, 6.9), (0.00123, 0.001, 0.0013), (610.0, 5.0, 610.0), (3.0, 5.0, 5.0), (0.0, 0.0, 0.0)],
)
def test_the_suggested_amount_is_enough_and_round(needed: float, limit: float, suggested: float) -> None:
    assert replace(STOPPED, limit_usd=limit, spent_usd=0.0, worst_usd=needed).suggested_usd == suggested


def test_a_run_that_ended_at_its_budget_is_continued_once(page: Open, runner: FakeRunner, tmp_path: Path) -> None:
    runner.runs_of[OWNER] = [
        finished_run(make_run("p", spec=SPEC, unsent_rows=610, counts={"missing": 1, "answered": 1}))
    ]
    runner.tables["p"] = small_results(tmp_path / "p", {"fine": "yes", "cut": None})
    runner.held_back["p"] = STOPPED
    at = page(run="p")
    assert [b.label for b in at.button if b.proto.type == "primary"] == ["Raise budget…"]
    assert "stopped at its budget, 610 rows not sent" in page_text(at)
    press(at, "Raise budget…")
    assert at.number_input(key="budget-p").value == 6.9 and "Raise budget…" not in labels(at)
    at.number_input(key="budget-p").set_value(1.0)
    press(at, "Raise and send 610 rows")
    draw_until(at, lambda: "Give more" in page_text(at))  # too little, and said where it was asked for
    at.number_input(key="budget-p").set_value(7.5)
    press(at, "Raise and send 610 rows")
    draw_until(at, lambda: "Open retry" in labels(at))
    assert raised(runner) == [("raise_budget", "p", "1.0"), ("raise_budget", "p", "7.5")]
    assert "Sent 610 rows" in page_text(at) and "Raise and send 610 rows" not in labels(at)


def test_a_run_that_waits_goes_on_by_itself(page: Open, runner: FakeRunner) -> None:
    runner.runs_of[OWNER] = [make_run("p", spec=SPEC, waits_for_budget=True, note="The next job waits.")]
    runner.held_back["p"] = replace(STOPPED, ended=False, under_way_usd=0.3)
    at = page(run="p")
    assert "610 rows wait" in page_text(at) and "The next job waits" not in page_text(at)
    press(at, "Raise budget…")
    press(at, "Raise and send 610 rows")
    draw_until(at, lambda: "The budget was raised" in page_text(at))
    assert raised(runner) == [("raise_budget", "p", "7.2")]
    assert not [b for b in at.button if b.proto.type == "primary"]
