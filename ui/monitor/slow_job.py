"""A job that takes long: keep waiting, cancel it, or cancel it and submit the rest elsewhere. Nothing by itself."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import streamlit as st

from batch.formatting import count
from lifecycle.core.models import Account, RunView
from lifecycle.planning.retry_draft import RetryOffer
from lifecycle.runner import Runner
from ui.monitor import actions
from ui.shared import background
from ui.shared.format import money
from ui.shared.notices import plain

NAME = "elsewhere"
OPEN = "elsewhere_open"  # the id of the run whose choices are shown


@dataclass(frozen=True)
class _About:
    """What an offer hangs on."""

    run_id: str
    owner: str
    model: str
    rows_per_job: int


def asks(runner: Runner, account: Account, run: RunView) -> bool:
    """Whether a warning of this run still waits for an answer."""
    if run.clock is None or not run.clock.warn_hours or run.cancel_requested:
        return False
    return run.clock.warn_hours > runner.runs.kept(account, run.id)


def draw(runner: Runner, account: Account, run: RunView) -> None:
    """Say how old the job is, and offer what can be done about it."""
    hours = run.clock.warn_hours if run.clock else 0
    with st.container(border=True, key="overdue"):
        st.warning(plain(run.warning))
        with st.container(horizontal=True, gap="small"):
            st.button("Keep waiting", key="overdue-keep", on_click=actions.keep, args=(run.id, hours))
            st.button("Cancel it", key="overdue-cancel", on_click=actions.cancel, args=(run.id,))
            if run.inputs_known:
                st.button("Cancel and submit elsewhere…", key="overdue-elsewhere", on_click=_open, args=(run.id,))
        if st.session_state.get(OPEN) == run.id and run.inputs_known:
            _elsewhere(runner, account, run)


def _open(run_id: str) -> None:
    """Show the choices, or put them away."""
    st.session_state[OPEN] = "" if st.session_state.get(OPEN) == run_id else run_id


def _elsewhere(runner: Runner, account: Account, run: RunView) -> None:
    st.caption(
        "The job is cancelled first. When Google has ended it, only the rows that it did not answer are sent again, "
        "under their own keys, and the results become one. Another model often has a shorter queue."
    )
    others = [choice.id for choice in runner.accounts.models(account) if choice.id != run.model]
    with st.container(horizontal=True, gap="small"):
        model = st.selectbox(
            "Model",
            ["", *others],
            key=f"elsewhere-model-{run.id}",
            format_func=lambda name: name or f"{run.model}, as before",
            width=280,
        )
        pieces = st.number_input(
            "Rows in a job, at most",
            1,
            value=None,
            step=100,
            key=f"elsewhere-rows-{run.id}",
            placeholder="as before",
            help="Smaller jobs end sooner, and what they answer is safe.",
            width=180,
        )
    _offer(runner, account, _About(run.id, account.owner, model or "", pieces or 0), run)


def _offer(runner: Runner, account: Account, about: _About, run: RunView) -> None:
    """Say the most that it can cost, and offer to do it."""
    asked: background.Asked[RetryOffer] = background.ask(
        NAME,
        about,
        lambda: runner.retries.resubmit_forecast(
            account, about.run_id, model=about.model, rows_per_job=about.rows_per_job
        ),
    )
    if asked.trouble is not None:
        st.error(plain(f"{asked.trouble} {asked.trouble.remedy}".strip()))
    elif asked.found is None:
        st.caption("Preparing the price…")  # the next tick draws it
    else:
        verb = "would cost" if run.rehearsal else "costs"
        usd = asked.found.found.card.usd
        rows = count(asked.found.draft.rows, "row")
        words = (
            f"If none of the {rows} comes back, it {verb} {money(usd.expected)} probably, {money(usd.worst)} at worst."
        )
        st.caption(plain(words))
        ticket = st.session_state.setdefault("elsewhere_ticket", secrets.token_urlsafe(16))
        st.button(
            "Cancel and submit the rest",
            key=f"elsewhere-send-{ticket}",
            type="primary",
            on_click=_send,
            args=(ticket,),
        )


def _chosen(run_id: str) -> tuple[str, int]:
    """What the choices say now: another model or "", rows in a job or 0."""
    model, pieces = (st.session_state.get(f"elsewhere-{name}-{run_id}") for name in ("model", "rows"))
    return str(model or ""), int(pieces or 0)


def _send(ticket: str) -> None:
    """Do what was offered, once per ticket, and show the new run. A choice that changed meanwhile is priced first."""
    asked: background.Asked[RetryOffer] | None = background.last(NAME)
    if asked is None or asked.found is None or ticket != st.session_state.get("elsewhere_ticket"):
        return
    about = asked.about
    if not isinstance(about, _About) or _chosen(about.run_id) != (about.model, about.rows_per_job):
        return
    if actions.submit_elsewhere(asked.found, ticket):
        st.session_state["elsewhere_ticket"] = secrets.token_urlsafe(16)
        st.session_state[OPEN] = ""
        background.forget(NAME)
