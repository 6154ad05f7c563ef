"""The runs under way, as cards that tick: how far each is, since when, and what it will have cost."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from batch.formatting import money, plural
from batch.responses.outcome_groups import RunGroup
from lifecycle.core.job_age import TypicalDuration
from lifecycle.core.models import Account, RunView
from lifecycle.runner import Runner
from ui.runs import filters
from ui.shared import notices, selection, session
from ui.shared.app_state import get_state
from ui.shared.format import COLOURS, duration, progress, truncate
from ui.shared.notices import escape_markdown

MAX_CARDS = 3
NAME_CHARACTERS = 60


def draw(runner: Runner, account: Account, runs: Sequence[RunView]) -> None:
    """Draw the newest few, and how many more there are."""
    with st.container(key="running-cards", gap="small"):
        shown = runs[:MAX_CARDS]
        usual = {model: runner.runs.typical_duration(account, model) for model in {run.model for run in shown}}
        for run in shown:
            _draw_card(run, usual[run.model])
        if len(runs) > MAX_CARDS:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.caption(f"and {plural(len(runs) - MAX_CARDS, 'more', 'more')}", width="content")
                st.button("Show all that run", key="runs-running", type="tertiary", on_click=_show_running)


def facts(run: RunView, usual_seconds: float | None) -> str:
    """The quiet line of a card: "492 of 1,200 rows · 12 min, usually 25 min · about $0.52"."""
    time = duration(run.age_seconds)
    if usual_seconds is not None:
        time += f", usually {duration(usual_seconds)}"
    cost = []
    if run.actual_usd is not None:
        cost.append(f"spent {money(run.actual_usd)}")
    if run.estimate_usd is not None:
        cost.append(f"about {money(run.estimate_usd)}{' in all' if cost else ''}")
    return " · ".join([progress(run), time, *cost])


def _draw_card(run: RunView, usual: TypicalDuration | None) -> None:
    with st.container(border=True, key=f"run-card-{run.id}", gap="xsmall"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(f"**{escape_markdown(truncate(run.name or run.id, NAME_CHARACTERS))}**", width="content")
                st.badge(escape_markdown(run.status_text), color=COLOURS[run.state])
                st.caption(escape_markdown(facts(run, usual.seconds if usual else None)), width="content")
            with st.container(horizontal=True, gap="small", width="content"):
                st.button("Open", key=f"open-{run.id}", on_click=selection.select, args=(run.id,))
                label = "Cancelling…" if run.cancel_requested else "Cancel"
                st.button(
                    label, key=f"cancel-{run.id}", disabled=run.cancel_requested, on_click=_cancel, args=(run.id,)
                )
        st.progress(run.progress.share)
        if run.note:
            st.caption(escape_markdown(run.note))


def _cancel(run_id: str) -> None:
    with notices.errors_to_notice("monitor"):
        get_state().runner.runs.cancel(session.require_account(), run_id)


def _show_running() -> None:
    filters.show(RunGroup.RUNNING)
    selection.change_page()
