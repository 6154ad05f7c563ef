"""A draft is priced before it is sent, or it is said why not."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from batch.errors import ApiError, InputError
from tests.ui.conftest import CookieJar
from tests.ui.page_driver import KEY, Open, page_text, press, submit_button
from tests.ui.pricing.conftest import QUESTIONS, choose, compose, plan_titles, price
from tests.ui.pricing_runner import PricingRunner
from ui.shared.app_state import AppState


def test_what_cannot_be_a_model_is_refused_at_once(
    page: Open, state: AppState, cookies: CookieJar, runner: PricingRunner
) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    cookies["gbr_preferences"] = "%7B%22model%22%3A%222.5%20flash%22%7D"
    at = compose(page())
    assert '"2.5 flash" cannot be a model\'s id.' in page_text(at).replace("\\", "")
    assert next(button for button in at.button if button.label == "Submit batch").disabled
    assert not runner.forecast_requests and not runner.submitted


def test_without_a_draft_nothing_is_said_of_money(at: AppTest, runner: PricingRunner) -> None:
    assert plan_titles(at) == [] and not price(at) and runner.forecast_requests == []


def test_a_draft_is_priced_without_a_key(page: Open) -> None:
    at = compose(page())
    assert price(at).startswith("About $")
    assert any(fold.label == "What the price rests on" for fold in at.expander)
    assert "Count exactly" not in [element.label for element in at.button]


def test_a_choice_that_this_model_cannot_take_is_told_and_can_be_taken_back(at: AppTest, runner: PricingRunner) -> None:
    compose(at)
    choose(at, "explicit")
    runner.error = InputError("Group 1 cannot be an explicit cache.", "Choose implicit or none for it.")
    compose(at, "Other\nprompts")
    assert "Group 1 cannot be an explicit cache" in page_text(at).replace("\\", "")
    runner.error = None
    at.session_state["prompts"] = QUESTIONS
    press(at, "Take my choices back")
    assert plan_titles(at)[0].startswith("Plan: 1") and runner.forecast_requests[-1][1].overrides == {}


def test_a_forecast_that_fails_says_why_and_the_next_one_is_asked(at: AppTest, runner: PricingRunner) -> None:
    runner.error = ApiError("Google cannot be reached.", "Try again.")
    assert "Google cannot be reached. Try again." in page_text(compose(at)).replace("\\", "")
    runner.error = None
    assert not price(at) and price(compose(at, "Other\nprompts"))


def test_a_transport_that_cannot_work_blocks_the_button_and_says_why(at: AppTest, runner: PricingRunner) -> None:
    runner.validation_error = InputError("One answer alone is expected to have 8 MB.", 'Send it as "File" or "Auto".')
    compose(at)
    assert "One answer alone is expected to have 8 MB" in page_text(at)
    assert submit_button(at).disabled


def test_after_a_submission_nothing_is_said_of_money(at: AppTest) -> None:
    press(compose(at), "Submit batch")
    assert plan_titles(at) == [] and not price(at)
