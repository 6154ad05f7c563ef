"""What the price rests on, folded: the same paid for otherwise, tokens, limits, and every assumption."""

from __future__ import annotations

import streamlit as st

from batch.formatting import money
from batch.pricing.estimate import CostEstimate, CostRange
from lifecycle.core.models import Account, RunSpec
from lifecycle.inputs.drafts import Draft
from ui.pricing import forecasts, price_words
from ui.pricing.forecasts import DisplayedForecast
from ui.shared import notices
from ui.shared.notices import escape_markdown

BUDGET_HELP = (
    "Nothing is submitted that is expected to cost more. While the run goes on, sending stops before this is exceeded; "
    "what is left can be sent later."
)


def draw(displayed: DisplayedForecast, account: Account | None, draft: Draft, spec: RunSpec) -> None:
    """Draw the estimate of a draft."""
    estimate = displayed.forecast.estimate
    if displayed.forecast.warning:
        st.warning(escape_markdown(displayed.forecast.warning))
    if budget_error := forecasts.budget_error(displayed, spec):
        notices.draw_error(budget_error)
    with st.expander("What the price rests on", key="cost"):
        unbounded = price_words.describe_unbounded(estimate)
        for line in (_describe_bad_case(estimate), unbounded, _describe_alternatives(estimate)):
            if line:
                st.caption(escape_markdown(line))
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
            help=BUDGET_HELP,
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


def _describe_bad_case(estimate: CostEstimate) -> str:
    """What it may come to if it goes badly, and at least."""
    low, worst = (_format_usd(estimate, usd) for usd in (estimate.usd.low, estimate.usd.worst))
    return f"At least {low.removeprefix('at least ')}; in a bad case {worst}."


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
