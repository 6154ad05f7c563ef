"""The card tells three cases and what it does not know, and holds the budget against the worst."""

from __future__ import annotations

from typing import Any

from streamlit.testing.v1 import AppTest

from batch.formatting import money
from tests.ui.page_driver import page_text, press
from tests.ui.pricing.conftest import compose, plan_titles, submit_button, without_exception
from tests.ui.pricing_runner import PricingRunner


def test_the_card_has_three_cases_and_what_it_would_cost_otherwise(at: AppTest, runner: PricingRunner) -> None:
    text = page_text(compose(at)).replace("\\", "")
    element = runner.forecasts.for_draft(None, _draft(at), runner.forecast_requests[-1][1], exact=False)
    assert [metric.value for metric in at.metric] == [money(usd) for usd in vars(element.estimate.usd).values()]
    assert at.metric[2].value == "not known"  # the model's limit of output tokens is not known
    assert "without a cache" in text and "at standard price" in text
    assert f"{element.estimate.prompt.total:,.0f} ± {element.estimate.prompt.half_width:,.0f} tokens in" in text
    assert "Prices per million tokens in a batch, in USD: in 0.15, out 1.25, cached 0.03." in text


def test_an_unknown_price_is_unknown_and_never_zero(at: AppTest) -> None:
    at.session_state["model"] = "gemini-mystery"
    compose(at)
    assert [metric.value for metric in at.metric] == ["not known"] * 3
    assert plan_titles(at) == ["Plan: no cache, because the model's prices are unknown"]
    assert "None" not in at.dataframe[0].value.columns


def test_a_budget_below_the_worst_case_blocks_the_button(at: AppTest, runner: PricingRunner) -> None:
    at.session_state["max_output_tokens"] = 1000
    compose(at)
    at.number_input(key="max_usd").set_value(0.01)
    without_exception(at.run())
    assert submit_button(at).disabled
    assert "the budget is $0.010" in page_text(at).replace("\\", "")
    at.number_input(key="max_usd").set_value(5.0)
    without_exception(at.run())
    assert not submit_button(at).disabled
    press(at, "Submit batch")
    assert [spec.max_usd for spec, _, _ in runner.submitted] == [5.0]


def test_a_worst_case_that_is_not_known_fits_no_budget(at: AppTest) -> None:
    compose(at)
    at.number_input(key="max_usd").set_value(1000.0)
    assert submit_button(without_exception(at.run())).disabled


def _draft(at: AppTest) -> Any:
    return at.session_state["draft"][1]
