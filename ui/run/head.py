"""The head of the run that is open: its name, how it stands in words, and what there is to know at a glance."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from batch.formatting import money, plural
from batch.pricing.costs import RunCost, sum_run_costs
from batch.responses.outcome_groups import RunGroup, is_mostly_cut_off
from lifecycle.core.models import Account, RunView
from lifecycle.runner import Runner
from ui.results.run_cost import format_amount
from ui.shared import model_list, notices, session
from ui.shared.app_state import get_state
from ui.shared.format import COLOURS, Colour, duration, local_time, truncate
from ui.shared.notices import escape_markdown

NAME_CHARACTERS = 60
MAX_NAME = 200
_TONES: dict[RunGroup, tuple[Colour, str]] = {
    RunGroup.GOOD: ("green", ":material/check:"),
    RunGroup.TRY_AGAIN: ("orange", ":material/refresh:"),
    RunGroup.DECIDE: ("violet", ":material/help:"),
}


def draw_title(run: RunView) -> None:
    """The place, the run's name with a pencil, and how it stands."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="run-title"):
        st.header("Results", anchor="results", width="content")
        st.markdown(f"**{escape_markdown(truncate(run.name or run.id, NAME_CHARACTERS))}**", width="content")
        with st.popover("Rename", icon=":material/edit:", type="tertiary", key=f"rename-{run.id}"):
            name_key = f"new-name-{run.id}"
            st.session_state.setdefault(name_key, run.name or run.id)
            st.text_input("Name", key=name_key, max_chars=MAX_NAME, persist_state="session")
            st.button("Rename", key=f"rename-go-{run.id}", on_click=_rename, args=(run.id, name_key))
        words, colour, icon = describe_state(run)
        st.badge(escape_markdown(words), color=colour, icon=icon or None)


def draw_facts(runner: Runner, account: Account, run: RunView) -> None:
    """One quiet line: when, how long, which model, what it cost and was quoted, retries apart."""
    retries = runner.runs.retries_of(account, run.id)
    costs = runner.billing.run_costs(account, run.id) if retries and run.state.ended else []
    told = facts(run, retries, costs, model_list.with_id(run.model), session.time_zone())
    st.caption(escape_markdown(" · ".join(told)))


def describe_state(run: RunView) -> tuple[str, Colour, str]:
    """How a run stands in words, and the colour and sign of it."""
    group = run.group
    if group in _TONES:
        words = run.state_words
        if group is RunGroup.GOOD:
            words = f"finished, all {run.rows:,} good" if run.rows > 1 else "finished, good"
        return words, *_TONES[group]
    return run.state_words, COLOURS[run.state], ""


def facts(
    run: RunView,
    retries: Sequence[RunView],
    costs: Sequence[RunCost] = (),
    model: str = "",
    zone: str | None = None,
) -> list[str]:
    """What the quiet line says, in a time zone or else by UTC; `model` is what its model is called.

    The cost is the run's own, as in the table of runs, and the one with its retries, as on its bill.
    """
    moment = f"{local_time(run.created_at, zone):%A %d %b %Y, %H:%M}{'' if zone else ' UTC'}"
    took = f"{'took' if run.ended_at else 'for'} {duration(run.age_seconds)}"
    told = (moment, took, model or run.model, describe_cost(run), describe_retries(retries, costs), *run.tags)
    return [part for part in told if part]


def describe_cost(run: RunView) -> str:
    """What a run cost beside what it was quoted for: "$0.83, quoted $0.79"."""
    quoted = "" if run.estimate_usd is None else f"quoted {money(run.estimate_usd)}"
    if run.actual_usd is None:
        return quoted
    would_have = "would have cost " if run.rehearsal else ""
    at_least = "at least " if run.cost_is_lower_bound else ""
    return f"{would_have}{at_least}{money(run.actual_usd)}{', ' if quoted else ''}{quoted}"


def describe_retries(retries: Sequence[RunView], costs: Sequence[RunCost]) -> str:
    """What it comes to with what sending rows again cost: "with 2 retries $0.86"; those under way are told apart."""
    parts = []
    if len(costs) > 1:
        parts.append(f"with {plural(len(costs) - 1, 'retry', 'retries')} {format_amount(sum_run_costs(costs))}")
    if under_way := sum(not run.state.ended for run in retries):
        parts.append(f"{plural(under_way, 'retry', 'retries')} under way")
    return ", ".join(parts)


def is_cut_short(run: RunView) -> bool:
    """Whether so many answers were cut off that nobody may call it a success."""
    return run.state.ended and is_mostly_cut_off(run.newest_counts, run.rows)


def _rename(run_id: str, name_key: str) -> None:
    with notices.errors_to_notice("results"):
        get_state().runner.run_table.rename(
            session.require_account(), run_id, str(st.session_state.get(name_key) or "").strip()
        )
