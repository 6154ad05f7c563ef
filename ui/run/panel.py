"""The run that is open, from the head down: a person sees how it stands and what to do before anything else."""

from __future__ import annotations

import html

import streamlit as st

from batch.errors import NotFound
from batch.responses.spreadsheet_text import headline
from lifecycle.core.models import Account, RunView
from lifecycle.runner import Runner
from ui.monitor import run_details, slow_job
from ui.results import panel as results_panel
from ui.results import so_far
from ui.run import actions, head, live, raise_budget
from ui.shared import notices, selection
from ui.shared.format import ENDINGS
from ui.shared.selection import Place

REFRESH_SECONDS, REST_REFRESH_SECONDS = 1.0, 2.0
GONE = "No run here has this link. It may belong to another key."


def find(runner: Runner, account: Account | None, run_id: str) -> RunView | None:
    """The run of that id, None if this account has none."""
    try:
        return runner.runs.get(account, run_id) if account and run_id else None
    except NotFound:
        return None


def draw(runner: Runner, account: Account | None, run: RunView | None) -> None:
    """Draw the place; `run` is None where the address names one that is not here."""
    with st.container(key="run", gap="small"):
        if account is None or run is None:
            st.header("Results", anchor="results")
            notices.draw("monitor")
            _draw_gone(account)
        elif run.state.ended:
            _draw_ended(runner, account, run)
        else:
            _draw_under_way(runner, account, run)


def _draw_gone(account: Account | None) -> None:
    if account is None:
        st.markdown("Enter a Gemini API key under Configuration to see this run.")
    else:
        st.markdown(GONE)
        st.button("Show runs", key="no-run", on_click=selection.open_place, args=(Place.RUNS,))


def _draw_ended(runner: Runner, account: Account, run: RunView) -> None:
    """The head and the results; what a click in the head changes is drawn with the page."""
    with st.container(key="run-head", gap="xsmall"):
        with st.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small", key="run-bar"
        ):
            head.draw_title(run)
            deeds = st.container(key="run-deeds", width="content")
        head.draw_facts(runner, account, run)
        st.html(_announcement(run))
        notices.draw("monitor")
        live.draw_notes(run)
        held_back = raise_budget.find(runner, account, run)
        if held_back is not None:
            raise_budget.draw(runner, account, held_back)
        actions.draw_answers(run)
    table = results_panel.load_table(runner, account, run)
    with deeds:
        actions.draw(runner, account, run, table, held_back)
    if table is None:
        st.caption("This run ended without results; why stands above.")
    else:
        results_panel.draw(runner, account, run, table)
    run_details.draw(runner.runs.events(account, run.id), run)
    _follow_retries(runner, account, run)


def _draw_under_way(runner: Runner, account: Account, run: RunView) -> None:
    """The head in a fragment that ticks, so that nothing else on the page is disturbed; what came back, and the log, in
    one that ticks more slowly: a table that has not changed is not drawn anew, and keeps where one has scrolled.
    """

    @st.fragment(run_every=REFRESH_SECONDS, key="run-under-way")
    def draw_head() -> None:
        if selection.page_changed():
            st.rerun()
        now = find(runner, account, run.id)
        if now is None or now.state.ended:
            st.rerun()
        held_back = raise_budget.find(runner, account, now)
        with st.container(key="run-head", gap="xsmall"):
            with st.container(
                horizontal=True,
                horizontal_alignment="distribute",
                vertical_alignment="center",
                gap="small",
                key="run-bar",
            ):
                head.draw_title(now)
                with st.container(horizontal=True, gap="small", key="run-actions", width="content"):
                    if held_back is not None:
                        raise_budget.draw_button(held_back)
                    live.draw_actions(now, can_cancel=not slow_job.needs_answer(runner, account, now))
                    actions.draw_menu(now)
            head.draw_facts(runner, account, now)
            notices.draw("monitor")
            actions.draw_answers(now)
            live.draw_progress(runner, account, now)
            if held_back is not None:
                raise_budget.draw(runner, account, held_back)
            live.draw_notes(now, is_told=held_back is not None)

    @st.fragment(run_every=REST_REFRESH_SECONDS, key="run-rest")
    def draw_rest() -> None:
        now = find(runner, account, run.id)
        if now is not None:
            so_far.draw(runner, account, now)
            run_details.draw(runner.runs.events(account, now.id), now)

    draw_head()
    draw_rest()


def _follow_retries(runner: Runner, account: Account, run: RunView) -> None:
    """Draw the page again when a retry ends, whose answers become this run's."""
    under_way = {child.id for child in runner.runs.retries_of(account, run.id) if not child.state.ended}
    if not under_way:
        return

    @st.fragment(run_every=REFRESH_SECONDS, key="follow-retries")
    def follow() -> None:
        if any(child.state.ended for child in runner.runs.retries_of(account, run.id) if child.id in under_way):
            st.rerun()

    follow()


def _announcement(run: RunView) -> str:
    """The result in words for who does not see the page, told once it is there."""
    state = "CUT OFF IN PARTS" if head.is_cut_short(run) else ENDINGS[run.state]
    if run.held_back_rows:
        state = "STOPPED AT ITS BUDGET"
    text = headline(state, run.newest_counts) if any(run.newest_counts.values()) else run.state_words
    return f'<p role="status" class="gbr-unseen">{html.escape(text)}</p>'
