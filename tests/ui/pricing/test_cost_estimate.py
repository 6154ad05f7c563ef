"""One figure first; what it rests on is folded, and a budget is held against what is expected."""

from __future__ import annotations

from typing import Any

from streamlit.testing.v1 import AppTest

from batch.formatting import money
from tests.ui.page_driver import page_text, press, submit_button
from tests.ui.pricing.conftest import compose, plan_titles, price, without_exception
from tests.ui.pricing_runner import PricingRunner


def test_the_price_is_one_figure_and_the_rest_is_folded(at: AppTest, runner: PricingRunner) -> None:
    text = page_text(compose(at)).replace("\\", "")
    estimate = runner.forecasts.for_draft(None, _draft(at), runner.forecast_requests[-1][1], exact=False).estimate
    assert price(at).startswith(f"About {money(estimate.usd.expected)}") and not at.metric
    assert "What it costs if every answer ran to its limit is not known." in text  # nor is the model's limit
    assert f"in a bad case {money(estimate.usd.worst)}" in text
    assert "without a cache" in text and "at standard price" in text
    assert f"{estimate.prompt.total:,.0f} ± {estimate.prompt.half_width:,.0f} tokens in" in text
    assert "Prices per million tokens in a batch, in USD: in 0.15, out 1.25, cached 0.03." in text


def test_an_unknown_price_is_unknown_and_never_zero(at: AppTest) -> None:
    at.session_state["model"] = "gemini-mystery"
    compose(at)
    assert price(at).startswith("Price not known")
    assert plan_titles(at) == ["Plan: no cache, because the model's prices are unknown"]
    assert "None" not in at.dataframe[0].value.columns


def test_a_budget_below_what_is_expected_blocks_the_button(at: AppTest, runner: PricingRunner) -> None:
    compose(at)
    at.number_input(key="max_usd").set_value(0.01)
    without_exception(at.run())
    assert submit_button(at).disabled
    assert "the budget is $0.010" in page_text(at).replace("\\", "")
    at.number_input(key="max_usd").set_value(5.0)
    without_exception(at.run())
    assert not submit_button(at).disabled and "Stops sending at $5.00." in price(at)
    press(at, "Submit batch")
    assert [spec.max_usd for spec, _, _ in runner.submitted] == [5.0]


def test_a_price_that_is_not_known_fits_no_budget(at: AppTest) -> None:
    at.session_state["model"] = "gemini-mystery"
    compose(at)
    at.number_input(key="max_usd").set_value(1000.0)
    assert submit_button(without_exception(at.run())).disabled


def _draft(at: AppTest) -> Any:
    return at.session_state["draft"][1]
