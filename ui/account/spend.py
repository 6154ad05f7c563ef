"""The drawer of all that was spent: by day and model over every run, those deleted meanwhile included."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import streamlit as st

from batch.formatting import count
from batch.pricing.costs import Bill, Spent, altogether, by_day_and_model, by_model, spent
from lifecycle.core.models import Account, RunView
from lifecycle.runner import Runner
from ui.results.run_cost import saved
from ui.shared import background
from ui.shared.format import money
from ui.shared.notices import plain

NAME = "spend"
MOST_RUNS, MOST_LINES, MOST_DAYS = 1000, 200, 31
MOST_MODELS = 5  # as many as there are colours; the rest is one more


def draw(runner: Runner, account: Account | None) -> None:
    """Draw the drawer; nothing is added up before it is opened."""
    with st.container(key="spend-drawer"):
        if account is None:
            return
        with st.expander("Spent so far", key="spend", on_change="rerun") as drawer:
            if drawer.open:
                _draw(runner, account)


def _draw(runner: Runner, account: Account) -> None:
    runs = runner.runs.runs(account, MOST_RUNS)
    ended = max((run.ended_at for run in runs if run.ended_at), default=None)
    asked = background.ask(NAME, (account.owner, len(runs), ended), lambda: runner.billing.bills(account))
    if not asked.answer.done():
        background.draw_waiting(NAME, "Adding up…")
        return
    bills = asked.answer.result()
    st.caption(plain(headline(bills, runs, rehearsal=account.rehearsal)))
    if not bills:
        return
    lines = spent(bills, by_day_and_model)
    if len({line.day for line in lines}) > 1:
        st.echarts_chart(picture(lines), height=200, alt="Cost of each day, by model")
    st.dataframe(
        _table(lines[:MOST_LINES]), hide_index=True, height="content", placeholder="", alt="Cost by day and model"
    )
    if len(lines) > MOST_LINES:
        st.caption(f"{count(len(lines) - MOST_LINES, 'older line')}: python cli.py spend")
    models = spent(bills, by_model)
    if len(models) > 1:
        st.caption(plain(" · ".join(f"{line.model} {amount(line)}" for line in models)))
    st.caption("Days by UTC, each run on the day it ended. Caches that you made yourself are not in it.")


def headline(bills: Sequence[Bill], runs: Sequence[RunView], *, rehearsal: bool) -> str:
    """All of it in a sentence or two."""
    waiting = under_way(runs)
    if not bills:
        return waiting or "No run has ended yet."
    (whole,) = spent(bills, altogether)
    verb = "would have cost" if rehearsal else "cost"
    words = f"{count(whole.runs, 'run')} with {count(whole.rows, 'row')}: {verb} {amount(whole)}."
    if whole.saved is not None and whole.by_caching is not None and whole.by_batching is not None:
        less = f"{money(abs(whole.saved))} {'less' if whole.saved >= 0 else 'more'}"
        words += f" That is {less} than at standard price without caches: "
        words += f"{saved(whole.by_batching, 'batch')}, {saved(whole.by_caching, 'caching')}."
    return f"{words} {waiting}".strip()


def under_way(runs: Sequence[RunView]) -> str:
    """What is not in the sum yet."""
    going = [run for run in runs if not run.state.ended]
    if not going:
        return ""
    expected = [run.estimate_usd for run in going]
    told = "" if None in expected else f", {money(sum(usd for usd in expected if usd is not None))} expected,"
    return f"{count(len(going), 'run')} under way{told} {'is' if len(going) == 1 else 'are'} not in it."


def amount(line: Spent) -> str:
    """What a line comes to, and how many of its runs are not in it."""
    if line.usd is None:
        return "not known"
    least = "at least " if line.at_least or line.unknown else ""
    unknown = f" ({count(line.unknown, 'run')} not known)" if line.unknown else ""
    return f"{least}{money(line.usd)}{unknown}"


def _table(lines: Sequence[Spent]) -> list[dict[str, str]]:
    return [
        {
            "Day": f"{line.day:%d %b %Y}" if line.day else "",
            "Model": line.model,
            "Cost": amount(line),
            "Saved": money(line.saved),
            "Runs": f"{line.runs:,}",
            "Rows": f"{line.rows:,}",
        }
        for line in lines
    ]


def picture(lines: Sequence[Spent]) -> dict[str, Any]:
    """Bars for the last days on which something ended, a colour for each model, as an option object for ECharts."""
    days = sorted({line.day for line in lines if line.day is not None})[-MOST_DAYS:]
    usd: dict[str, float] = {}
    for line in lines:
        usd[line.model] = usd.get(line.model, 0.0) + (line.usd or 0.0)
    dearest = sorted(usd, key=lambda model: -usd[model])
    named = dearest if len(dearest) <= MOST_MODELS else dearest[: MOST_MODELS - 1]
    series = {model: _bars(lines, days, {model}) for model in named}
    if len(named) < len(dearest):
        series["others"] = _bars(lines, days, set(dearest) - set(named))
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


def _bars(lines: Sequence[Spent], days: Sequence[date], models: set[str]) -> list[float]:
    return [sum(line.usd or 0.0 for line in lines if line.day == day and line.model in models) for day in days]
