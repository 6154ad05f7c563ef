"""The cost card: what a draft will cost at least, probably and at worst, and a budget for it."""

from __future__ import annotations

import streamlit as st

from batch.pricing.estimate import Card, Range
from lifecycle.core.models import Account, RunSpec
from lifecycle.inputs.drafts import Draft
from ui.pricing import forecasts
from ui.pricing.forecasts import Outlook
from ui.shared.format import money
from ui.shared.notices import plain

LOW_HELP = "Fewest tokens, short answers, caches that live a quarter of an hour."
EXPECTED_HELP = "What to plan with. The assumptions are listed below."
WORST_HELP = "Every row writes to its output limit, thoughts included, and caches live 48 hours."


def draw(outlook: Outlook, account: Account | None, draft: Draft, spec: RunSpec) -> None:
    """Draw the card of a draft."""
    card = outlook.found.card
    with st.container(border=True, key="cost"):
        st.markdown(f"**{_heading(account)}**")
        if outlook.found.caution:
            st.warning(plain(outlook.found.caution))
        with st.container(horizontal=True, gap="medium"):
            st.metric("Low", money(card.usd.low), help=LOW_HELP, width="content")
            st.metric("Expected", money(card.usd.expected), help=EXPECTED_HELP, width="content")
            st.metric("Worst", money(card.usd.worst), help=WORST_HELP, width="content")
        st.caption(plain(_beside(card)))
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(plain(_tokens(card, outlook)), width="content")
            if account and not outlook.counted:
                st.button(
                    "Count exactly",
                    key="count-exactly",
                    type="tertiary",
                    on_click=forecasts.count_exactly,
                    args=(str(draft.folder),),
                    help="Google counts the shared texts and a sample of the rest, free of charge.",
                )
        _limits()
        over = forecasts.blocked(outlook, spec)
        if over:
            st.error(plain(f"{over} {over.remedy}"))
        with st.expander("Assumptions", key="assumptions"):
            for words in card.assumptions:
                st.caption(plain(words))


def _limits() -> None:
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


def _beside(card: Card) -> str:
    """The same work paid for otherwise."""
    words = f"{money(card.standard.expected)} at standard price"
    if card.uncached != card.usd:
        words = f"{money(card.uncached.expected)} without a cache, {words}"
    return f"Expected otherwise: {words}."


def _tokens(card: Card, outlook: Outlook) -> str:
    margin = f" ± {card.prompt.half_width:,.0f}" if card.prompt.half_width >= 1 else ""
    unit = "token" if f"{card.prompt.total:.0f}{margin}" == "1" else "tokens"
    read = f", {card.cached:,} of them from caches" if card.cached else ""
    return f"{card.prompt.total:,.0f}{margin} {unit} in{read}; {_span(card.output)} out."


def _span(tokens: Range) -> str:
    low, worst = ("not known" if value is None else f"{value:,.0f}" for value in (tokens.low, tokens.worst))
    return low if low == worst else f"{low} to {worst}"
