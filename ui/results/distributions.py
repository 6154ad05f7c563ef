"""How tokens, cost and job durations are spread: small pictures with a sentence each, where there is a lot to see."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import streamlit as st

from batch.formatting import money, plural
from lifecycle.core.models import JobView, RunView
from lifecycle.results.read.histogram import Distribution, distribution
from lifecycle.results.read.table import ResultTable
from ui.shared.format import duration
from ui.shared.notices import escape_markdown

MIN_ROWS, MIN_JOBS = 20, 3
HEIGHT = 130
COLUMNS = {
    "prompt_tokens": "Tokens in",
    "output_tokens": "Tokens answered",
    "thoughts_tokens": "Tokens thought",
    "cost_usd": "Cost of a row",
}


def draw(run: RunView, table: ResultTable) -> None:
    """Draw the expander; nothing is counted before it is opened, and of a few rows there is nothing to see."""
    if table.reconciliation.sent < MIN_ROWS:
        return

    @st.fragment(key="distribution-charts")
    def draw_distributions() -> None:
        with st.expander("Distributions", key="distributions", on_change="rerun") as drawer:
            if drawer.open:
                _draw(run, table)

    draw_distributions()


def _draw(run: RunView, table: ResultTable) -> None:
    by_column = {name: distribution(table, name, integers=name != "cost_usd") for name in COLUMNS}
    shown = {name: one for name, one in by_column.items() if one is not None and one.high > 0}
    with st.container(horizontal=True, gap="medium"):
        for name, one in shown.items():
            with st.container(width=300, gap="xxsmall"):
                st.markdown(f"**{COLUMNS[name]}**")
                st.caption(escape_markdown(describe(one, formatter_for(name))))
                if one.rows >= MIN_ROWS and one.high > one.low:
                    st.echarts_chart(
                        chart_options(one, formatter_for(name)),
                        height=HEIGHT,
                        alt=f"{COLUMNS[name]}, by number of rows",
                    )
    if not shown:
        st.caption("No row reported its usage.")
    job_seconds = durations(run.jobs)
    if job_seconds:
        st.caption(escape_markdown(describe_jobs(job_seconds)))


def formatter_for(name: str) -> Callable[[float], str]:
    """How a number of a column is written."""
    return money if name == "cost_usd" else lambda number: f"{number:,.0f}"


def describe(one: Distribution, format_value: Callable[[float], str]) -> str:
    """A spread in a sentence."""
    if one.low == one.high:
        return f"{format_value(one.low)} in each of {plural(one.rows, 'row')}."
    return (
        f"{format_value(one.low)} to {format_value(one.high)}; {format_value(one.median)} in the middle, "
        f"{format_value(one.p95)} or less in 95 %."
    )


def chart_options(one: Distribution, format_value: Callable[[float], str]) -> dict[str, Any]:
    """A histogram as an option object for ECharts."""
    labels = [f"{format_value(b.low)} or more" if b.high == math.inf else format_value(b.low) for b in one.bins]
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


def describe_jobs(seconds: Sequence[float]) -> str:
    """How long jobs took: one alone, a few, or many with their middle."""
    if len(seconds) == 1:
        return f"The batch job took {duration(seconds[0])}."
    text = f"{plural(len(seconds), 'batch job')} took {duration(min(seconds))} to {duration(max(seconds))}"
    median_text = f", {duration(median(seconds))} in the middle" if len(seconds) >= MIN_JOBS else ""
    return f"{text}{median_text}."
