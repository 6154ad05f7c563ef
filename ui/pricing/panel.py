"""What the checked draft will cost, before it is submitted: the plan, the cost card, and what stands in the way."""

from __future__ import annotations

import streamlit as st

from batch.errors import BatchRunnerError, OverBudget
from batch.pricing.catalog import id_fault
from lifecycle.core.models import Account, RunSpec
from lifecycle.inputs.drafts import Draft
from lifecycle.runner import Runner
from ui.pricing import cost_estimate, forecasts, plan
from ui.shared import background
from ui.shared.notices import plain


def draw(runner: Runner, account: Account | None, spec: RunSpec, draft: Draft | None) -> BatchRunnerError | None:
    """Draw plan and cost of a draft, nothing without one. Returns why it must not be submitted like this."""
    unfit = id_fault(spec.model)  # told beside the choice
    if unfit is not None or draft is None or not draft.rows:
        return unfit
    asked = forecasts.ask(runner, account, draft, spec)
    fault = asked.trouble
    if fault is not None:
        st.error(plain(f"{fault} {fault.remedy}".strip()))
        if spec.overrides:
            st.button("Take my choices back", key="reset-choices", on_click=forecasts.forget_choices)
        return None
    if asked.found is None:
        background.draw_waiting(forecasts.NAME, "Planning and pricing…")
        return None
    plan.draw(asked.found)
    cost_estimate.draw(asked.found, account, draft, spec)
    refused = runner.submissions.refusal(draft, spec, asked.found.found)
    if refused and not isinstance(refused, OverBudget):  # the budget's words stand beside it
        st.error(plain(f"{refused} {refused.remedy}"))
    return refused
