"""A job that takes long: keep waiting, cancel it, or cancel it and submit the rest elsewhere. Nothing by itself."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import streamlit as st

from batch.formatting import money, plural
from lifecycle.core.models import Account, RunView
from lifecycle.planning.retry_draft import RetryForecast
from lifecycle.runner import Runner
from ui.monitor import actions
from ui.shared import background, model_list, notices
from ui.shared.notices import escape_markdown

NAME = "resubmit"
OPEN_RUN = "resubmit_open"  # the id of the run whose choices are shown


@dataclass(frozen=True)
class _CacheKey:
    """What the forecast depends on."""

    run_id: str
    owner: str
    model: str
    rows_per_job: int


def needs_answer(runner: Runner, account: Account, run: RunView) -> bool:
    """Whether a warning of this run still waits for an answer."""
    if run.job_age is None or not run.job_age.warn_hours or run.cancel_requested:
        return False
    return run.job_age.warn_hours > runner.runs.snoozed_hours(account, run.id)


def draw(runner: Runner, account: Account, run: RunView) -> None:
    """Say how old the job is, and offer what can be done about it."""
    hours = run.job_age.warn_hours if run.job_age else 0
    with st.container(border=True, key="slow-job"):
        st.warning(escape_markdown(run.warning))
        with st.container(horizontal=True, gap="small"):
            st.button("Keep waiting", key="slow-job-wait", on_click=actions.snooze_warning, args=(run.id, hours))
            st.button("Cancel it", key="slow-job-cancel", on_click=actions.cancel, args=(run.id,))
            if run.inputs_known:
                st.button(
                    "Cancel and submit elsewhere…", key="slow-job-resubmit", on_click=_toggle_choices, args=(run.id,)
                )
        if st.session_state.get(OPEN_RUN) == run.id and run.inputs_known:
            _draw_choices(runner, account, run)


def _toggle_choices(run_id: str) -> None:
    """Show the choices, or put them away."""
    st.session_state[OPEN_RUN] = "" if st.session_state.get(OPEN_RUN) == run_id else run_id


def _draw_choices(runner: Runner, account: Account, run: RunView) -> None:
    st.caption(
        "The job is cancelled first. When Google has ended it, only the rows that it did not answer are sent again, "
        "under their own keys, and the results become one. Another model often has a shorter queue."
    )
    with st.container(horizontal=True, gap="small"):
        model = model_list.draw_override(account, run, f"resubmit-model-{run.id}")
        rows_per_job = st.number_input(
            "Rows in a job, at most",
            1,
            value=None,
            step=100,
            key=f"resubmit-rows-{run.id}",
            placeholder="as before",
            help="Smaller jobs end sooner, and what they answer is safe.",
            width=180,
        )
    _draw_forecast(runner, account, _CacheKey(run.id, account.owner_id, model, rows_per_job or 0), run)


def _draw_forecast(runner: Runner, account: Account, cache_key: _CacheKey, run: RunView) -> None:
    """Say the most that it can cost, and offer to do it."""
    result: background.BackgroundResult[RetryForecast] = background.run_once(
        NAME,
        cache_key,
        lambda: runner.retries.resubmit_forecast(
            account, cache_key.run_id, model=cache_key.model, rows_per_job=cache_key.rows_per_job
        ),
    )
    if result.error is not None:
        notices.draw_error(result.error)
    elif result.value is None:
        st.caption("Preparing the price…")  # the next tick draws it
    else:
        verb = "would cost" if run.rehearsal else "costs"
        usd = result.value.forecast.estimate.usd
        rows = plural(result.value.draft.rows, "row")
        text = (
            f"If none of the {rows} comes back, it {verb} {money(usd.expected)} probably, {money(usd.worst)} at worst."
        )
        st.caption(escape_markdown(text))
        idempotency_key = st.session_state.setdefault("resubmit_idempotency_key", secrets.token_urlsafe(16))
        st.button(
            "Cancel and submit the rest",
            key=f"resubmit-send-{idempotency_key}",
            type="primary",
            on_click=_resubmit,
            args=(idempotency_key,),
        )


def _current_choice(run_id: str) -> tuple[str, int]:
    """What the choices say now: another model or "", rows in a job or 0."""
    model, rows_per_job = (st.session_state.get(f"resubmit-{name}-{run_id}") for name in ("model", "rows"))
    return str(model or ""), int(rows_per_job or 0)


def _resubmit(idempotency_key: str) -> None:
    """Submit what was priced, once, and show the new run. A choice that changed meanwhile is priced first."""
    result: background.BackgroundResult[RetryForecast] | None = background.latest(NAME)
    if result is None or result.value is None or idempotency_key != st.session_state.get("resubmit_idempotency_key"):
        return
    cache_key = result.cache_key
    if not isinstance(cache_key, _CacheKey) or _current_choice(cache_key.run_id) != (
        cache_key.model,
        cache_key.rows_per_job,
    ):
        return
    if actions.cancel_and_resubmit(result.value, idempotency_key):
        st.session_state["resubmit_idempotency_key"] = secrets.token_urlsafe(16)
        st.session_state[OPEN_RUN] = ""
        background.invalidate(NAME)
