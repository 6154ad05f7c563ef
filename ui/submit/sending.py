"""What the composer's buttons do: send all rows as a run, or try a few of them first."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import streamlit as st

from batch.formatting import plural
from batch.pricing.catalog import model_id_error
from lifecycle.inputs.drafts import Draft
from lifecycle.inputs.file_drafts import KIND as FILES_KIND
from ui.answers import tries
from ui.files.given_input import GivenInput, Missing
from ui.pricing import forecasts, rearranged
from ui.shared import notices, selection, session
from ui.shared.app_state import get_state
from ui.shared.format import truncate
from ui.shared.notices import escape_markdown
from ui.submit import composer, earlier_answers, sidebar

_SENDING, _SENT = "sending_order", "sent_run"
NOTHING = "There is nothing to send yet. Write prompts, choose a file or take a sample."


class _Order(NamedTuple):
    """A click on the button."""

    idempotency_key: str
    good_rows_only: bool


def submit(idempotency_key: str, good_rows_only: bool) -> None:
    """Have what the composer holds sent, once per idempotency key; the page says so first, then `carry_out` does it."""
    notices.clear("submit")
    if idempotency_key == st.session_state["submit_idempotency_key"]:
        st.session_state[_SENDING] = _Order(idempotency_key, good_rows_only)


def is_under_way() -> bool:
    """Whether a click on the button is yet to be carried out."""
    return st.session_state.get(_SENDING) is not None


def carry_out() -> None:
    """Send, and draw the page again for `finish`.

    A click elsewhere may end this at any access to the session; the next run of the page then begins it again, and
    the same idempotency key is the same run.
    """
    order: _Order = st.session_state[_SENDING]
    bar = st.empty()
    try:
        _send(order, lambda share, words: bar.progress(share, text=escape_markdown(words)))
    except Exception:
        st.session_state[_SENDING] = None
        raise
    st.session_state[_SENDING] = None
    st.rerun()


def finish() -> None:
    """Empty the composer of what was sent, and open the new run; before anything of them is drawn."""
    run_id = st.session_state.pop(_SENT, "")
    if run_id:
        st.session_state["submit_idempotency_key"] = secrets.token_urlsafe(16)
        composer.clear()
        selection.select(run_id)


def _send(order: _Order, tell: Callable[[float, str], object]) -> None:
    tell(0.1, "Checking once more what is to be sent")
    checked = _check()
    if checked is None:
        return
    composer_input, draft = checked
    with notices.errors_to_notice("submit"):
        if draft.problem_count and not order.good_rows_only:
            remedy = "Leave them out above." if are_problems_of_files(draft) else "Correct them, or choose below."
            notices.show("submit", "bad", f"Nothing was sent: {describe_problems(draft)} {remedy}")
            return
        state, account = get_state(), session.require_account()
        spec = sidebar.values().priced_spec(_run_name(composer_input, draft))
        draft = earlier_answers.to_send(state.runner, account, spec, rearranged.to_send(draft))
        tell(0.3, "Settling the price")
        spec, forecast = forecasts.final_forecast(state.runner, account, draft, spec)
        spec = replace(spec, rearrange=draft.rearranged)
        tell(0.6, f"Sending {plural(draft.rows, 'row')}")
        run_id = state.runner.submissions.submit(account, draft, spec, order.idempotency_key, forecast)
        st.session_state[_SENT] = run_id


def try_rows() -> None:
    """Ask for a few rows of what the composer holds, at once."""
    checked = _check()
    if checked is None:
        return
    with notices.errors_to_notice("submit"):
        account = session.require_account()
        tries.start(get_state().runner, account, [rearranged.to_send(checked[1])], sidebar.values().priced_spec())


def describe_problems(draft: Draft) -> str:
    """How much is wrong, in one sentence."""
    if are_problems_of_files(draft):
        return f"{plural(draft.problem_count, 'file')} cannot be sent."
    return f"{plural(draft.problem_count, 'problem')} in {plural(draft.bad_rows, 'row')}."


def are_problems_of_files(draft: Draft) -> bool:
    """Whether all that is wrong is wrong with files, which the form of a pile has shown."""
    return draft.kind == FILES_KIND and draft.files is not None and draft.files.problems == draft.problem_count


def _check() -> tuple[GivenInput, Draft] | None:
    """What the composer holds, and the draft of it; None, with a notice, where there is nothing to send."""
    notices.clear("submit")
    values = sidebar.values()
    with notices.errors_to_notice("submit"):
        model_error = model_id_error(values.model)
        if model_error is not None:
            raise model_error
        try:
            composer_input = composer.current_input(values.mode)
            if composer_input is not None:
                runner = get_state().runner
                return composer_input, composer.build_draft(runner, composer_input, values.generation, values.model)
            notices.show("submit", "bad", NOTHING)
        except Missing as missing:
            notices.show("submit", "note", missing.describe())
    return None


def _run_name(composer_input: GivenInput, draft: Draft) -> str:
    """The run's name: the one that was typed, the file's, or how the first prompt begins."""
    typed = str(st.session_state.get("run_name") or "").strip()
    first = draft.preview[0][1].strip().splitlines() if draft.preview else []
    return typed or composer_input.name or truncate(first[0] if first else "", 40)
