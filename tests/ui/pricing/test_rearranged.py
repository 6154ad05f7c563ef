"""Shared text that does not stand first: one click moves it, each rule can be refused, and nothing happens silently."""

from __future__ import annotations

import json

from streamlit.testing.v1 import AppTest

from batch.model import Outcome
from lifecycle.planning.tried_rows import TriedRow, Tries
from tests.patience import PATIENCE_SECONDS
from tests.shared_layouts import question, shared_texts
from tests.ui.page_driver import page_text, press
from tests.ui.pricing.conftest import plan_titles, upload, without_exception
from tests.ui.pricing_runner import PricingRunner
from ui.pricing.rearranged import answers_html

SHARED = shared_texts(2000, 1)
ROWS = [[question(n), SHARED.rules] for n in range(60)]


def label_of_move(at: AppTest) -> str:
    return next(button.label for button in at.button if "Move it first" in button.label)


def test_one_click_moves_it_and_what_is_submitted_is_what_was_shown(at: AppTest, runner: PricingRunner) -> None:
    upload(at, ROWS)
    assert plan_titles(at)[0].startswith("Plan: no cache yet; with shared text first, input $")
    assert "stand behind part 1 in 60 rows" in page_text(at)
    press(at, label_of_move(at))
    assert "60 requests of 60 are sent rearranged" in page_text(at)
    assert plan_titles(at)[0].startswith("Plan: 1 explicit cache")
    shown = [block.value for block in at.code]
    assert question(0) in shown and not any("Move it" in button.label for button in at.button)
    press(at, "Submit batch")
    spec, _, lines = runner.submitted[-1]
    assert spec.rearrange == ("part-first",)
    parts = json.loads(lines[7])["request"]["contents"][0]["parts"]
    assert [part["text"] for part in parts] == [SHARED.rules, question(7)]


def test_a_rule_is_refused_and_everything_goes_as_written(at: AppTest, runner: PricingRunner) -> None:
    upload(at, ROWS)
    press(at, label_of_move(at))
    without_exception(at.checkbox(key="rule-part-first").uncheck().run())
    assert "are sent rearranged" not in page_text(at) and label_of_move(at)
    press(at, "Submit batch")
    spec, _, lines = runner.submitted[-1]
    assert not spec.rearrange and json.loads(lines[7])["request"]["contents"][0]["parts"][0]["text"] == question(7)


def tried(text: str, places: tuple[int, ...]) -> Tries:
    rows = tuple(TriedRow(n, f"k{n}", "?", {}, Outcome.ANSWERED, text=f"{text} {n}") for n in places)
    return Tries(draft="d", model="m", rows=rows, fields=(), asks_for_json=False)


def test_one_click_tries_rows_both_ways_and_shows_the_answers_side_by_side(at: AppTest, runner: PricingRunner) -> None:
    runner.tried = tried("Told", (0, 30))
    upload(at, ROWS)
    press(at, label_of_move(at))
    at.button(key="try-both-ways").click().run()
    at.session_state["background-tries"].future.exception(PATIENCE_SECONDS)
    without_exception(at.run())
    assert [call[0] for call in runner.calls].count("try_rows") == 2
    assert any("Answers both ways" in str(element.proto.body) for element in at.get("html"))
    assert not [button for button in at.button if button.key == "try-both-ways"]


def test_answers_of_both_ways_stand_side_by_side() -> None:
    html = answers_html(tried("Before", (0, 4)), tried("After", (4, 8)))
    assert "Before 4" in html and "After 4" in html and "Before 0" not in html and "After 8" not in html
