"""What a draft will cost stands on the page before it is submitted, every choice of the plan can be changed, and a
budget holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from batch.errors import ApiError, InputError
from batch.model import ContextMode
from tests.patience import PATIENCE_SECONDS
from tests.ui.conftest import CookieJar
from tests.ui.pricing_runner import GUIDE, PricingRunner
from tests.ui.shared.test_session import KEY, page_text, press
from ui.shared import background
from ui.shared.app_state import AppState
from ui.shared.format import money

Open = Callable[..., AppTest]
QUESTIONS = "\n".join(f"Where does parcel {n} go?" for n in range(60))


@pytest.fixture
def runner(tmp_path: Path) -> PricingRunner:
    return PricingRunner(tmp_path)


@pytest.fixture
def at(page: Open, state: AppState, cookies: CookieJar) -> AppTest:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    return page()


def compose(at: AppTest, prompts: str = QUESTIONS, shared: str = GUIDE) -> AppTest:
    at.session_state["prompts"], at.session_state["shared_text"] = prompts, shared
    return without_exception(at.run())


def upload(at: AppTest, requests: list[list[str]], folder: Path) -> AppTest:
    """Lay down a JSONL file of requests, each given as the texts of its parts."""
    path = folder / f"given-{len(requests)}.jsonl"
    with path.open("w") as file:
        for n, parts in enumerate(requests):
            contents = [{"role": "user", "parts": [{"text": text} for text in parts]}]
            file.write(json.dumps({"key": f"k{n}", "request": {"contents": contents}}) + "\n")
    at.session_state["mode"], at.session_state["file"] = "File (JSONL)", (str(path), path.name)
    return without_exception(at.run())


def without_exception(at: AppTest) -> AppTest:
    assert not at.exception
    return at


def test_what_cannot_be_a_model_is_refused_at_once(
    page: Open, state: AppState, cookies: CookieJar, runner: PricingRunner
) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    cookies["gbr_preferences"] = "%7B%22model%22%3A%222.5%20flash%22%7D"
    at = compose(page())
    assert '"2.5 flash" cannot be a model\'s id.' in page_text(at).replace("\\", "")
    assert next(button for button in at.button if button.label == "Submit batch").disabled
    assert not runner.forecast_requests and not runner.submitted


def choose(at: AppTest, name: str) -> AppTest:
    """Choose how the one group on the page is paid for."""
    (control,) = [field for field in at.segmented_control if str(field.key).startswith("choice-")]
    control.set_value(name)
    return without_exception(at.run())


def submit_button(at: AppTest) -> Button:
    return next(element for element in at.button if element.label == "Submit batch")


def plan_titles(at: AppTest) -> list[str]:
    return [element.label.replace("\\", "") for element in at.expander if element.label.startswith("Plan")]


# -- what is shown -----------------------------------------------------------------------------------------------------


def test_without_a_draft_nothing_is_said_of_money(at: AppTest, runner: PricingRunner) -> None:
    assert plan_titles(at) == [] and not at.metric and runner.forecast_requests == []


def test_a_draft_is_priced_without_a_key(page: Open) -> None:
    at = compose(page())
    assert [metric.label for metric in at.metric] == ["Low", "Expected", "Worst"]
    assert "What it will cost" in page_text(at) and "Count exactly" not in [element.label for element in at.button]


def test_the_card_has_three_cases_and_what_it_would_cost_otherwise(at: AppTest, runner: PricingRunner) -> None:
    text = page_text(compose(at)).replace("\\", "")
    element = runner.forecasts.for_draft(None, _draft(at), runner.forecast_requests[-1][1], exact=False)
    assert [metric.value for metric in at.metric] == [money(usd) for usd in vars(element.estimate.usd).values()]
    assert at.metric[2].value == "not known"  # the model's limit of output tokens is not known
    assert "without a cache" in text and "at standard price" in text
    assert f"{element.estimate.prompt.total:,.0f} ± {element.estimate.prompt.half_width:,.0f} tokens in" in text
    assert "Prices per million tokens in a batch, in USD: in 0.15, out 1.25, cached 0.03." in text


def _draft(at: AppTest) -> Any:
    return at.session_state["draft"][1]


def test_the_plan_says_what_is_shared_and_what_caching_it_saves(at: AppTest) -> None:
    compose(at)
    (title,) = plan_titles(at)
    assert title.startswith("Plan: 1 explicit cache, input $0.0") and "instead of $0.0" in title
    table = at.dataframe[0].value
    assert list(table["Choice"]) == ["explicit"] and list(table["Requests"]) == [60]
    assert table["Shared text"][0].startswith("The guide says which parcels go where")
    assert table["Explicit"][0] < table["None"][0] == table["Implicit"][0]
    assert table["Cache pays"][0].startswith("up to ")


def test_prompts_that_share_nothing_have_a_plan_of_one_line(at: AppTest) -> None:
    compose(at, "One?\nTwo?", "")
    assert plan_titles(at) == ["Plan: no text is shared that a cache could pay for"] and not at.dataframe


def test_an_unknown_price_is_unknown_and_never_zero(at: AppTest) -> None:
    at.session_state["model"] = "gemini-mystery"
    compose(at)
    assert [metric.value for metric in at.metric] == ["not known"] * 3
    assert plan_titles(at) == ["Plan: no cache, because the model's prices are unknown"]
    assert "None" not in at.dataframe[0].value.columns


def test_a_text_that_goes_on_from_another_shows_what_it_adds(at: AppTest, tmp_path: Path) -> None:
    asked = [[GUIDE, f"Part {chapter} of the guide. " * 400, f"{n}?"] for chapter in "AB" for n in range(20)]
    upload(at, asked, tmp_path)
    table = at.dataframe[0].value
    assert sorted(text[:6] for text in table["Shared text"]) == ["Part A", "Part B", "The gu"]
    total = table[table["Shared text"].str.startswith("The")]["#"].iloc[0]
    assert sorted(table["Continues"].dropna()) == [total, total]


def test_many_groups_are_shown_ten_at_a_time(at: AppTest, tmp_path: Path) -> None:
    documents = [f"Document {n}. {GUIDE}" for n in range(25)]
    upload(at, [[text, f"{q}?"] for text in documents for q in range(30)], tmp_path)
    seen = []
    for page in (1, 2, 3):
        at.session_state["groups_page"] = page
        seen.append(list(without_exception(at.run()).dataframe[0].value["Shared text"]))
    assert [len(texts) for texts in seen] == [10, 10, 5]
    assert len({text for texts in seen for text in texts}) == 25


def test_a_hint_says_its_saving_and_one_click_follows_it(at: AppTest, tmp_path: Path, runner: PricingRunner) -> None:
    upload(at, [[f"{GUIDE * 2}\n\nAnd parcel {n}?"] for n in range(400)], tmp_path)
    assert "USD less on 400 requests" in page_text(at).replace("\\", "")
    press(at, "Look inside texts")
    assert runner.forecast_requests[-1][1].split == "text"
    assert plan_titles(at)[0].startswith("Plan: 1 explicit cache")


# -- what can be chosen ------------------------------------------------------------------------------------------------


def test_a_choice_changes_the_plan_and_can_be_taken_back(at: AppTest) -> None:
    compose(at)
    expected = at.metric[1].value
    choose(at, "none")
    assert plan_titles(at) == ["Plan: no explicit cache"] and at.metric[1].value != expected
    assert list(at.dataframe[0].value["Choice"]) == ["none (yours)"]
    choose(at, "")
    assert plan_titles(at)[0].startswith("Plan: 1 explicit cache") and at.metric[1].value == expected


def test_a_choice_goes_with_the_submission_and_not_with_another_draft(at: AppTest, runner: PricingRunner) -> None:
    choose(compose(at), "none")
    press(at, "Submit batch")
    compose(at, shared=f"Another {GUIDE}")
    press(at, "Submit batch")
    assert [list(spec.overrides.values()) for spec, _, _ in runner.submitted] == [["none"], []]


@pytest.mark.parametrize(
    "mode, choice",
    [(ContextMode.NONE, "none"), (ContextMode.IMPLICIT, "none"), (ContextMode.EXPLICIT, "explicit")],
)
def test_the_other_modes_are_the_same_plan_with_the_choice_forced(at: AppTest, mode: ContextMode, choice: str) -> None:
    at.session_state["context"], at.session_state["hours"] = mode, 40.0
    assert list(compose(at).dataframe[0].value["Choice"]) == [choice]


def test_given_hours_decide(at: AppTest, runner: PricingRunner) -> None:
    compose(at)
    at.number_input(key="hours").set_value(40.0)
    assert plan_titles(without_exception(at.run())) == ["Plan: no explicit cache"]
    assert runner.forecast_requests[-1][1].hours == 40.0


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


# -- asked rarely ------------------------------------------------------------------------------------------------------


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


def test_a_forecast_that_fails_says_why_and_the_next_one_is_asked(at: AppTest, runner: PricingRunner) -> None:
    runner.error = ApiError("Google cannot be reached.", "Try again.")
    assert "Google cannot be reached. Try again." in page_text(compose(at)).replace("\\", "")
    runner.error = None
    assert at.metric.len == 0 and compose(at, "Other\nprompts").metric.len == 3


def test_a_slow_forecast_holds_nothing_up(at: AppTest, runner: PricingRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "INITIAL_WAIT_SECONDS", 0.0)
    runner.gate.clear()
    compose(at)
    assert "Planning and pricing…" in page_text(at) and not at.metric and not submit_button(at).disabled
    runner.gate.set()
    at.session_state["background-forecast"].future.result(PATIENCE_SECONDS)
    assert without_exception(at.run()).metric.len == 3 and len(runner.forecast_requests) == 1


# -- submitting --------------------------------------------------------------------------------------------------------


def test_a_budget_below_the_worst_case_blocks_the_button(at: AppTest, runner: PricingRunner) -> None:
    at.session_state["max_output_tokens"] = 1000
    compose(at)
    at.number_input(key="max_usd").set_value(0.01)
    without_exception(at.run())
    assert submit_button(at).disabled
    assert "the budget is 0.01 USD" in page_text(at).replace("\\", "")
    at.number_input(key="max_usd").set_value(5.0)
    without_exception(at.run())
    assert not submit_button(at).disabled
    press(at, "Submit batch")
    assert [spec.max_usd for spec, _, _ in runner.submitted] == [5.0]


def test_a_transport_that_cannot_work_blocks_the_button_and_says_why(at: AppTest, runner: PricingRunner) -> None:
    runner.validation_error = InputError("One answer alone is expected to have 8 MB.", 'Send it as "File" or "Auto".')
    compose(at)
    assert "One answer alone is expected to have 8 MB" in page_text(at)
    assert submit_button(at).disabled


def test_a_worst_case_that_is_not_known_fits_no_budget(at: AppTest) -> None:
    compose(at)
    at.number_input(key="max_usd").set_value(1000.0)
    assert submit_button(without_exception(at.run())).disabled


def test_a_submission_carries_what_was_decided(at: AppTest, runner: PricingRunner) -> None:
    compose(at)
    at.number_input(key="canary").set_value(4)
    at.checkbox(key="dedupe").set_value(True)
    at.checkbox(key="allow_plain").set_value(False)
    press(without_exception(at.run()), "Submit batch")
    ((spec, _, lines),) = runner.submitted
    assert (spec.context, spec.canary, spec.dedupe, spec.allow_plain) == (ContextMode.AUTO, 4, True, False)
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


def test_after_a_submission_nothing_is_said_of_money(at: AppTest) -> None:
    press(compose(at), "Submit batch")
    assert plan_titles(at) == [] and not at.metric
