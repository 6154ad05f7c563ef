"""A forecast is asked for once, carries what was chosen, and is what a run is submitted by."""

from __future__ import annotations

import json
import shutil

import pytest
from streamlit.testing.v1 import AppTest

from batch.model import ContextMode
from tests.patience import PATIENCE_SECONDS
from tests.ui.page_driver import page_text, press, submit_button
from tests.ui.pricing.conftest import choose, compose, price, without_exception
from tests.ui.pricing_runner import GUIDE, PricingRunner
from ui.shared import background


def test_a_choice_goes_with_the_submission_and_not_with_another_draft(at: AppTest, runner: PricingRunner) -> None:
    choose(compose(at), "none")
    press(at, "Submit batch")
    compose(at, shared=f"Another {GUIDE}")
    press(at, "Submit batch")
    assert [list(spec.overrides.values()) for spec, _, _ in runner.submitted] == [["none"], []]


def test_drawing_the_page_again_asks_for_no_new_forecast(at: AppTest, runner: PricingRunner) -> None:
    compose(at)
    at.text_input(key="run_name").set_value("parcels")
    at.number_input(key="max_usd").set_value(5.0)
    at.number_input(key="canary").set_value(3)
    without_exception(at.run()).run()
    assert len(runner.forecast_requests) == 1 and runner.forecast_requests[0][2] is False


def test_only_the_button_counts_exactly_and_later_choices_keep_the_counts(at: AppTest, runner: PricingRunner) -> None:
    press(compose(at), "Count exactly")
    assert [exact for _, _, exact in runner.forecast_requests] == [False, True]
    assert "Count exactly" not in [element.label for element in at.button]
    assert "±" not in page_text(at)
    choose(at, "none")
    assert [exact for _, _, exact in runner.forecast_requests] == [False, True, False]
    assert "Count exactly" not in [element.label for element in at.button]


def test_a_slow_forecast_holds_nothing_up(at: AppTest, runner: PricingRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "INITIAL_WAIT_SECONDS", 0.0)
    runner.gate.clear()
    compose(at)
    assert "Planning and pricing…" in page_text(at) and not price(at) and not submit_button(at).disabled
    runner.gate.set()
    at.session_state["background-forecast"].future.result(PATIENCE_SECONDS)
    assert price(without_exception(at.run())) and len(runner.forecast_requests) == 1


def test_a_submission_carries_what_was_decided(at: AppTest, runner: PricingRunner) -> None:
    compose(at)
    at.number_input(key="canary").set_value(4)
    at.checkbox(key="dedupe").set_value(True)
    at.checkbox(key="allow_plain").set_value(False)
    press(without_exception(at.run()), "Submit batch")
    ((spec, _, lines),) = runner.submitted
    assert (spec.context, spec.canary, spec.dedupe, spec.allow_uncached) == (ContextMode.AUTO, 4, True, False)
    parts = json.loads(lines[0])["request"]["contents"][0]["parts"]
    assert [part["text"] for part in parts] == [GUIDE, "Where does parcel 0 go?"]


def test_a_run_is_submitted_by_the_forecast_that_was_shown_unless_a_better_one_matters(
    at: AppTest, runner: PricingRunner
) -> None:
    press(compose(at, "One?\nTwo?", ""), "Submit batch")  # nothing to cache: estimates will do
    press(compose(at), "Submit batch")  # a cache hangs on estimates: it is counted now
    press(press(compose(at), "Count exactly"), "Submit batch")
    assert [exact for _, _, exact in runner.forecast_requests] == [False, False, True, False, True]
    assert [element is not None and element.counted_texts > 0 for _, element, _ in runner.submitted] == [
        False,
        True,
        True,
    ]


def test_an_input_that_is_replaced_while_it_is_priced_is_no_bug(at: AppTest, runner: PricingRunner) -> None:
    compose(at)
    shutil.rmtree(at.session_state["draft"][1].folder)
    runner.error = FileNotFoundError("requests.jsonl")
    at.number_input(key="hours").set_value(3.0)
    assert "was replaced" in page_text(without_exception(at.run()))
