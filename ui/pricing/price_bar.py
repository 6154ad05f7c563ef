"""The price as one figure, its range, and where it comes from: what stands beside the button. Pure but for drawing."""

from __future__ import annotations

from html import escape

import streamlit as st

from batch.formatting import money, plural
from batch.pricing.estimate import CostEstimate
from lifecycle.planning.forecast import Forecast

HALF = (0.45, 0.55)  # of the standard price: what a batch is said to cost half of


def draw(forecast: Forecast, *, rehearsal: bool) -> None:
    """Draw the figure, with what it rests on."""
    estimate = forecast.estimate
    lines = [describe_rows(estimate), f"{describe_source(forecast)}{describe_saving(estimate)}"]
    small = "".join(f"<span>{escape(line)}</span>" for line in lines if line)
    between = f"{describe_range(estimate)}{' at Google' if rehearsal else ''}".strip()
    figure = f"<strong>{escape(headline(estimate))}</strong><span>{escape(between)}</span>"
    st.html(f'<div class="gbr-price"><div>{figure}</div><div>{small}</div></div>')


def headline(estimate: CostEstimate) -> str:
    """The one figure: "About $1.02"."""
    if estimate.usd.expected is None:
        return "Price not known"
    return f"{'At least' if estimate.at_least else 'About'} {money(estimate.usd.expected)}"


def describe_range(estimate: CostEstimate) -> str:
    """What it may well come to: "between $0.90 and $1.21"."""
    low, high = estimate.usd.low, estimate.likely_high_usd
    if low is None or high is None or money(low) == money(high):
        return ""
    return f"between {money(low)} and {money(high)}"


def describe_rows(estimate: CostEstimate) -> str:
    """How many rows, and what they would cost one by one."""
    rows, batch, single = plural(estimate.rows, "row"), estimate.usd.expected, estimate.standard.expected
    if not batch or not single:
        return f"{rows}."
    is_half = HALF[0] <= batch / single <= HALF[1]
    return (
        f"{rows}, half the price of single calls ({money(single)})."
        if is_half
        else (f"{rows}; {money(single)} as single calls.")
    )


def describe_source(forecast: Forecast) -> str:
    """What the output was taken from."""
    if forecast.tries:
        return f"Measured on your {plural(forecast.tries, 'try', 'tries')}."
    return "A guess from rows like these. Trying a few makes it sure." if forecast.estimate.rows > 1 else "A guess."


def describe_saving(estimate: CostEstimate) -> str:
    """What caching saves, if it does."""
    planned, plain = estimate.usd.expected, estimate.uncached.expected
    saving = plain - planned if plain is not None and planned is not None else 0.0
    return f" A cache saves {money(saving)}." if saving > 0 and money(saving) != money(0) else ""


def tries_usd(estimate: CostEstimate, rows: int) -> float | None:
    """What trying so many rows costs: single calls, at the standard price."""
    return None if estimate.standard.expected is None else estimate.standard.expected / max(1, estimate.rows) * rows
