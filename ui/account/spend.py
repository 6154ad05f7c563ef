"""All that was spent: by day and model over every run, those deleted meanwhile included."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import streamlit as st

from batch.formatting import money, plural
from batch.pricing.costs import RunCost, Spend, by_day_and_model, by_model, overall, sum_spend
from lifecycle.core.models import Account, RunView
from lifecycle.runner import Runner
from ui.results.run_cost import describe_saving
from ui.shared import background
from ui.shared.notices import escape_markdown

NAME = "spend"
MAX_RUNS, MAX_LINES, MAX_DAYS = 1000, 200, 31
MAX_MODELS = 5  # as many as there are colours; the rest is one more


def draw(runner: Runner, account: Account | None) -> None:
    """Draw the expander; nothing is added up before it is opened."""
    with st.container(key="spend-drawer"):
        if account is None:
            return
        with st.expander("Spent so far", key="spend", on_change="rerun") as drawer:
            if drawer.open:
                _draw(runner, account)


def _draw(runner: Runner, account: Account) -> None:
    runs = runner.runs.list_recent(account, MAX_RUNS)
    ended = max((run.ended_at for run in runs if run.ended_at), default=None)
    result = background.run_once(NAME, (account.owner_id, len(runs), ended), lambda: runner.billing.run_costs(account))
    if not result.future.done():
        background.draw_pending(NAME, "Adding up…")
        return
    costs = result.future.result()
    st.caption(escape_markdown(describe_spend(costs, runs, rehearsal=account.rehearsal)))
    if not costs:
        return
    lines = sum_spend(costs, by_day_and_model)
    if len({line.day for line in lines}) > 1:
        st.echarts_chart(chart_options(lines), height=200, alt="Cost of each day, by model")
    st.dataframe(
        _table(lines[:MAX_LINES]), hide_index=True, height="content", placeholder="", alt="Cost by day and model"
    )
    if len(lines) > MAX_LINES:
        st.caption(f"{plural(len(lines) - MAX_LINES, 'older line')}: python cli.py spend")
    models = sum_spend(costs, by_model)
    if len(models) > 1:
        st.caption(escape_markdown(" · ".join(f"{line.model} {format_amount(line)}" for line in models)))
    st.caption("Days by UTC, each run on the day it ended. Caches that you made yourself are not in it.")


def describe_spend(costs: Sequence[RunCost], runs: Sequence[RunView], *, rehearsal: bool) -> str:
    """All of it in a sentence or two."""
    in_progress = describe_in_progress(runs)
    if not costs:
        return in_progress or "No run has ended yet."
    (total,) = sum_spend(costs, overall)
    verb = "would have cost" if rehearsal else "cost"
    text = f"{plural(total.runs, 'run')} with {plural(total.rows, 'row')}: {verb} {format_amount(total)}."
    if total.saved is not None and total.saved_by_caching is not None and total.saved_by_batching is not None:
        difference = f"{money(abs(total.saved))} {'less' if total.saved >= 0 else 'more'}"
        text += f" That is {difference} than at standard price without caches: "
        text += f"{describe_saving(total.saved_by_batching, 'batch')}, "
        text += f"{describe_saving(total.saved_by_caching, 'caching')}."
    return f"{text} {in_progress}".strip()


def describe_in_progress(runs: Sequence[RunView]) -> str:
    """What is not in the sum yet."""
    active = [run for run in runs if not run.state.ended]
    if not active:
        return ""
    expected = [run.estimate_usd for run in active]
    expected_text = "" if None in expected else f", {money(sum(usd for usd in expected if usd is not None))} expected,"
    return f"{plural(len(active), 'run')} under way{expected_text} {'is' if len(active) == 1 else 'are'} not in it."


def format_amount(line: Spend) -> str:
    """What a line comes to, and how many of its runs are not in it."""
    if line.usd is None:
        return "not known"
    prefix = "at least " if line.at_least or line.runs_of_unknown_cost else ""
    unknown = f" ({plural(line.runs_of_unknown_cost, 'run')} not known)" if line.runs_of_unknown_cost else ""
    return f"{prefix}{money(line.usd)}{unknown}"


def _table(lines: Sequence[Spend]) -> list[dict[str, str]]:
    return [
        {
            "Day": f"{line.day:%d %b %Y}" if line.day else "",
            "Model": line.model,
            "Cost": format_amount(line),
            "Saved": money(line.saved),
            "Runs": f"{line.runs:,}",
            "Rows": f"{line.rows:,}",
        }
        for line in lines
    ]


def chart_options(lines: Sequence[Spend]) -> dict[str, Any]:
    """Bars for the last days on which something ended, a colour for each model, as an option object for ECharts."""
    days = sorted({line.day for line in lines if line.day is not None})[-MAX_DAYS:]
    usd: dict[str, float] = {}
    for line in lines:
        usd[line.model] = usd.get(line.model, 0.0) + (line.usd or 0.0)
    models_by_cost = sorted(usd, key=lambda model: -usd[model])
    shown_models = models_by_cost if len(models_by_cost) <= MAX_MODELS else models_by_cost[: MAX_MODELS - 1]
    series = {model: _bars(lines, days, {model}) for model in shown_models}
    if len(shown_models) < len(models_by_cost):
        series["others"] = _bars(lines, days, set(models_by_cost) - set(shown_models))
    return {
        "animation": False,
        "grid": {"left": 8, "right": 8, "top": 34, "bottom": 4, "containLabel": True},
        "legend": {"top": 0, "left": 0, "itemGap": 16},
        "tooltip": {"trigger": "axis", "valueFormatter": "$%.4f"},
        "xAxis": {"type": "category", "data": [f"{day:%d %b}" for day in days]},
        "yAxis": {"type": "value", "axisLabel": {"formatter": "${value}"}, "splitNumber": 3},
        "series": [
            {"name": model, "type": "bar", "stack": "usd", "barMaxWidth": 28, "data": bars}
            for model, bars in series.items()
        ],
    }


def _bars(lines: Sequence[Spend], days: Sequence[date], models: set[str]) -> list[float]:
    return [sum(line.usd or 0.0 for line in lines if line.day == day and line.model in models) for day in days]
