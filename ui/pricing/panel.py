"""What the checked draft will cost, before it is submitted: the plan, the cost estimate, and what stands in the way."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from batch.errors import BatchRunnerError, OverBudget
from batch.pricing.catalog import model_id_error
from lifecycle.core.models import Account, RunSpec
from lifecycle.inputs.drafts import Draft
from lifecycle.planning.forecast import Forecast
from lifecycle.runner import Runner
from ui.pricing import cost_estimate, forecasts, media_detail, plan
from ui.shared import background, notices
from ui.shared.notices import escape_markdown


class Priced(NamedTuple):
    """What is known of a draft's price, None while it is worked out, and why it must not be submitted like this.

    `max_usd` is its budget, `model_cap` the most that the model puts out.
    """

    forecast: Forecast | None
    fault: BatchRunnerError | None
    max_usd: float | None = None
    model_cap: int | None = None


def draw(
    runner: Runner, account: Account | None, spec: RunSpec, draft: Draft | None, *, given: Draft | None = None
) -> Priced:
    """Draw plan and cost of a draft, nothing without one. `given` is what could be sent otherwise than it is."""
    model_error = model_id_error(spec.model)  # shown beside the choice
    if model_error is not None or draft is None or not draft.rows:
        return Priced(None, model_error)
    result = forecasts.request_forecast(runner, account, draft, spec)
    error = result.error
    if error is not None:
        notices.draw_error(error)
        if spec.overrides:
            st.button("Take my choices back", key="reset-choices", on_click=forecasts.reset_choices)
        return Priced(None, None)
    if result.value is None:
        background.draw_pending(forecasts.NAME, "Planning and pricing…")
        return Priced(None, None)
    if runner.forecasts.model_rules(spec.model).facts.kind == "text":
        media_detail.draw(result.value.forecast)
    if delivery := result.value.forecast.delivery:
        st.caption(escape_markdown(delivery.describe()))
    plan.draw(result.value, given if given is not None and given.folder == draft.folder else None)
    cost_estimate.draw(result.value, account, draft, spec)
    forecast = result.value.forecast
    validation_error = runner.submissions.validate(draft, spec, forecast)
    if validation_error and not isinstance(validation_error, OverBudget):  # the budget's words stand beside it
        notices.draw_error(validation_error)
    return Priced(forecast, validation_error, spec.max_usd, runner.forecasts.model_rules(spec.model).facts.output_cap)
