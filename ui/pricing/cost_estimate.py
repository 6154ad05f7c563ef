"""The cost estimate: what a draft will cost at least, probably and at worst, and a budget for it."""

from __future__ import annotations

import streamlit as st

from batch.formatting import money
from batch.pricing.estimate import CostEstimate, CostRange
from lifecycle.core.models import Account, RunSpec
from lifecycle.inputs.drafts import Draft
from ui.pricing import forecasts
from ui.pricing.forecasts import DisplayedForecast
from ui.shared import notices
from ui.shared.notices import escape_markdown

LOW_HELP = "Fewest tokens, short answers, caches that live a quarter of an hour."
EXPECTED_HELP = "What to plan with. The assumptions are listed below."
WORST_HELP = "Every row writes to its output limit, thoughts included, and caches live 48 hours."


def draw(displayed: DisplayedForecast, account: Account | None, draft: Draft, spec: RunSpec) -> None:
    """Draw the estimate of a draft."""
    estimate = displayed.forecast.estimate
    if displayed.forecast.warning:
        st.warning(escape_markdown(displayed.forecast.warning))
    if budget_error := forecasts.budget_error(displayed, spec):
        notices.draw_error(budget_error)
    with st.expander(f"{_heading(account)}, and what that rests on", key="cost"):
        with st.container(horizontal=True, gap="medium"):
            st.metric("Low", _format_usd(estimate, estimate.usd.low), help=LOW_HELP, width="content")
            st.metric("Expected", _format_usd(estimate, estimate.usd.expected), help=EXPECTED_HELP, width="content")
            st.metric("Worst", money(estimate.usd.worst), help=WORST_HELP, width="content")
        st.caption(escape_markdown(_describe_alternatives(estimate)))
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(escape_markdown(_describe_tokens(estimate, displayed)), width="content")
            if account and not displayed.counted:
                st.button(
                    "Count exactly",
                    key="count-exactly",
                    type="tertiary",
                    on_click=forecasts.count_exactly,
                    args=(str(draft.folder),),
                    help="Google counts the shared texts and a sample of the rest, free of charge.",
                )
        if displayed.forecast.delivery is not None:
            st.caption(escape_markdown(displayed.forecast.delivery.describe()))
        _draw_limits()
        for assumption in estimate.assumptions:
            st.caption(escape_markdown(assumption))


def _draw_limits() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.number_input(
            "Budget, USD",
            0.0,
            value=None,
            step=1.0,
            format="%.4g",
            key="max_usd",
            placeholder="none",
            help="Nothing is submitted whose worst case costs more.",
            persist_state="session",
            width=150,
        )
        st.number_input(
            "Try first, rows",
            0,
            1000,
            value=None,
            step=1,
            key="canary",
            placeholder="none",
            help="So many rows go first; what they use corrects the estimate before the rest goes.",
            persist_state="session",
            width=150,
        )


def _heading(account: Account | None) -> str:
    return "What it would cost at Google" if account and account.rehearsal else "What it will cost"


def _describe_alternatives(estimate: CostEstimate) -> str:
    """The same work paid for otherwise."""
    text = f"{_format_usd(estimate, estimate.standard.expected)} at standard price"
    if estimate.uncached != estimate.usd:
        text = f"{_format_usd(estimate, estimate.uncached.expected)} without a cache, {text}"
    return f"Expected otherwise: {text}."


def _format_usd(estimate: CostEstimate, usd: float | None) -> str:
    """An amount of the estimate, which fees may add to."""
    return f"{'at least ' if estimate.at_least and usd is not None else ''}{money(usd)}"


def _describe_tokens(estimate: CostEstimate, displayed: DisplayedForecast) -> str:
    margin = f" ± {estimate.prompt.half_width:,.0f}" if estimate.prompt.half_width >= 1 else ""
    unit = "token" if f"{estimate.prompt.total:.0f}{margin}" == "1" else "tokens"
    cached_text = f", {estimate.cached:,} of them from caches" if estimate.cached else ""
    return f"{estimate.prompt.total:,.0f}{margin} {unit} in{cached_text}; {_format_range(estimate.output)} out."


def _format_range(tokens: CostRange) -> str:
    low, worst = ("not known" if value is None else f"{value:,.0f}" for value in (tokens.low, tokens.worst))
    return low if low == worst else f"{low} to {worst}"
