"""The bar at the end of the composer: the price as one figure, a few rows to try, and the button that sends all."""

from __future__ import annotations

import secrets

import streamlit as st

from batch.formatting import money, plural
from lifecycle.inputs.drafts import Draft
from lifecycle.services.tries import ROWS
from ui.answers import fields_editor, tries
from ui.pricing import price_bar, price_words
from ui.pricing.panel import Priced
from ui.shared import background
from ui.shared.app_state import get_state
from ui.shared.notices import escape_markdown
from ui.submit import sending, sidebar
from ui.submit.sidebar import SidebarValues


def draw(values: SidebarValues, draft: Draft | None, priced: Priced, missing: str) -> None:
    """Draw it; `missing` says what is still to be given, "" if nothing. A click that was made is carried out here."""
    idempotency_key = st.session_state.setdefault("submit_idempotency_key", secrets.token_urlsafe(16))
    is_rehearsal = values.account is not None and values.account.rehearsal
    is_sending = sending.is_under_way()
    reason = "" if draft is not None else missing or "Nothing to send yet"
    if draft is not None and values.account is None:
        reason = "Connect a key or rehearse first"
    elif draft is not None and draft.problem_count:
        files = sending.are_problems_of_files(draft)
        number = draft.problem_count if files else draft.bad_rows
        nouns = ("file needs", "files need") if files else ("row needs", "rows need")
        reason = f"{plural(number, *nouns)} you first"
    tries_first = draft is not None and not is_sending and _tries_first(values, draft, priced)
    is_ready = draft is not None and draft.rows > 0 and not reason
    with (
        st.container(key="sending", border=True),
        st.container(horizontal=True, vertical_alignment="center", gap="small"),
    ):
        with st.container(width="stretch", key="price"):
            if priced.forecast is not None:
                price_bar.draw(
                    priced.forecast, rehearsal=is_rehearsal, max_usd=priced.max_usd, model_cap=priced.model_cap
                )
            elif draft is not None:
                st.caption("Working out the price…")
        with st.container(width="content"):
            if draft is not None and draft.rows > 1 and values.account is not None and not is_sending:
                _draw_try(values, draft, priced, first=tries_first)
        with st.container(width="content", key="reason"):
            if reason:
                st.caption(escape_markdown(reason.rstrip(".")))
            elif tries_first:
                text = f"From {money(sidebar.try_first_usd())} on, a few rows first make the price sure"
                st.caption(escape_markdown(text), help='The amount is yours to set, under "Advanced".')
        st.button(
            "Sending…" if is_sending else "Submit batch",
            type="secondary" if tries_first else "primary",
            key=f"submit-{idempotency_key}",
            on_click=sending.submit,
            args=(idempotency_key, False),
            disabled=is_sending or not is_ready or priced.fault is not None,
            help=str(priced.fault or "") or None,
        )
    if is_sending:
        sending.carry_out()


def _tries_first(values: SidebarValues, draft: Draft, priced: Priced) -> bool:
    """Whether a few rows are offered before all: what is not known yet costs much."""
    from_usd = sidebar.try_first_usd()
    return (
        priced.forecast is not None
        and values.account is not None
        and draft.rows > ROWS
        and from_usd > 0
        and fields_editor.is_offered(get_state().runner, values.model)
        and price_words.offers_tries_first(priced.forecast, from_usd)
    )


def _draw_try(values: SidebarValues, draft: Draft, priced: Priced, *, first: bool) -> None:
    if not fields_editor.is_offered(get_state().runner, values.model):  # pictures and vectors have no table of answers
        return
    rows = min(ROWS, draft.rows)
    usd = price_words.tries_usd(priced.forecast.estimate, rows) if priced.forecast else None
    price = f", {money(usd)}" if usd else ""
    if tries.is_pending():
        st.button(f"Trying {rows}…", key="asking-rows", disabled=True)
        background.draw_pending(tries.NAME, "")
        return
    again = tries.of_draft(draft) is not None
    label = f"Try {rows} again{price}" if again else f"Try {plural(rows, 'row')}{' first' if first else ''}{price}"
    st.button(
        escape_markdown(label),
        key="ask-rows",
        type="primary" if first else "secondary",
        on_click=sending.try_rows,
        help="Rows spread over the whole input are answered at once, at the standard price. Nothing else is sent.",
    )
