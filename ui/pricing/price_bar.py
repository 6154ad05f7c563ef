"""The price beside the button: one figure, its range and where it comes from, and a word on limits that are too low."""

from __future__ import annotations

from html import escape

import streamlit as st

from batch.pricing.cap_check import cap_warning
from lifecycle.planning.forecast import Forecast
from ui.pricing.price_words import (
    describe_budget,
    describe_range,
    describe_rows,
    describe_saving,
    describe_source,
    headline,
)
from ui.shared.notices import escape_markdown

CAP_KEY = "max_output_tokens"


def draw(forecast: Forecast, *, rehearsal: bool, max_usd: float | None = None, model_cap: int | None = None) -> None:
    """Draw the figure, with what it rests on. `model_cap` is the most that the model puts out."""
    estimate = forecast.estimate
    rests_on = f"{describe_source(forecast)}{describe_saving(estimate)}".strip()
    lines = [describe_rows(estimate), rests_on, describe_budget(estimate, max_usd)]
    small = "".join(f"<span>{escape(line)}</span>" for line in lines if line)
    between = f"{describe_range(estimate)}{' at Google' if rehearsal else ''}".strip()
    figure = f"<strong>{escape(headline(estimate))}</strong><span>{escape(between)}</span>"
    st.html(f'<div class="gbr-price"><div>{figure}</div><div>{small}</div></div>')
    if warning := cap_warning(estimate, model_cap):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="cap-warning"):
            st.markdown(
                f":orange-badge[:material/content_cut: cut off] {escape_markdown(str(warning))}", width="content"
            )
            if warning.better:
                label = f"Use {warning.better:,}"
                st.button(label, key=f"use-better-{warning.better}", on_click=_set_cap, args=(warning.better,))


def _set_cap(cap: int) -> None:
    st.session_state[CAP_KEY] = cap
