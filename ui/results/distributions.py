"""How tokens, cost and job durations are spread: small pictures with a sentence each, where there is a lot to see."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import streamlit as st

from batch.formatting import count
from lifecycle.core.models import JobView, RunView
from lifecycle.results.read.histogram import Spread, spread
from lifecycle.results.read.table import ResultTable
from ui.shared.format import duration, money
from ui.shared.notices import plain

FEWEST_ROWS, FEWEST_JOBS = 20, 3
HEIGHT = 130
COLUMNS = {
    "prompt_tokens": "Tokens in",
    "output_tokens": "Tokens answered",
    "thoughts_tokens": "Tokens thought",
    "cost_usd": "Cost of a row",
}


def draw(run: RunView, table: ResultTable) -> None:
    """Draw the drawer; nothing is counted before it is opened, and of a few rows there is nothing to see."""
    if table.account.sent < FEWEST_ROWS:
        return

    @st.fragment(key="spreading")
    def spreading() -> None:
        with st.expander("Distributions", key="distributions", on_change="rerun") as drawer:
            if drawer.open:
                _draw(run, table)

    spreading()


def _draw(run: RunView, table: ResultTable) -> None:
    found = {name: spread(table, name, whole=name != "cost_usd") for name in COLUMNS}
    seen = {name: one for name, one in found.items() if one is not None and one.high > 0}
    with st.container(horizontal=True, gap="medium"):
        for name, one in seen.items():
            with st.container(width=300, gap="xxsmall"):
                st.markdown(f"**{COLUMNS[name]}**")
                st.caption(plain(words(one, said(name))))
                if one.rows >= FEWEST_ROWS and one.high > one.low:
                    st.echarts_chart(picture(one, said(name)), height=HEIGHT, alt=f"{COLUMNS[name]}, by number of rows")
    if not seen:
        st.caption("No row told its usage.")
    lasted = durations(run.jobs)
    if lasted:
        st.caption(plain(jobs_words(lasted)))


def said(name: str) -> Callable[[float], str]:
    """How a number of a column is written."""
    return money if name == "cost_usd" else lambda number: f"{number:,.0f}"


def words(one: Spread, written: Callable[[float], str]) -> str:
    """A spread in a sentence."""
    if one.low == one.high:
        return f"{written(one.low)} in each of {count(one.rows, 'row')}."
    return (
        f"{written(one.low)} to {written(one.high)}; {written(one.middle)} in the middle, "
        f"{written(one.p95)} or less in 95 %."
    )


def picture(one: Spread, written: Callable[[float], str]) -> dict[str, Any]:
    """A histogram as an option object for ECharts."""
    labels = [f"{written(b.low)} or more" if b.high == math.inf else written(b.low) for b in one.bins]
    return {
        "animation": False,
        "grid": {"left": 4, "right": 12, "top": 8, "bottom": 2, "containLabel": True},
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "category", "data": labels, "axisTick": {"show": False}},
        "yAxis": {"type": "value", "splitNumber": 2, "minInterval": 1},
        "series": [{"name": "rows", "type": "bar", "barCategoryGap": "12%", "data": [b.rows for b in one.bins]}],
    }


def durations(jobs: Sequence[JobView]) -> list[float]:
    """Seconds that each ended job took, by Google's own times."""
    return [(job.ended_at - job.created_at).total_seconds() for job in jobs if job.ended_at and job.created_at]


def jobs_words(seconds: Sequence[float]) -> str:
    """How long jobs took: one alone, a few, or many with their middle."""
    if len(seconds) == 1:
        return f"The batch job took {duration(seconds[0])}."
    words = f"{count(len(seconds), 'batch job')} took {duration(min(seconds))} to {duration(max(seconds))}"
    middle = f", {duration(median(seconds))} in the middle" if len(seconds) >= FEWEST_JOBS else ""
    return f"{words}{middle}."
