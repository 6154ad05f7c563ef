"""A run that its budget holds back: what is spent, what is left and what that costs, and the budget raised in place."""

from __future__ import annotations

import math
from typing import Literal

import streamlit as st

from batch.formatting import money, plural
from lifecycle.core.models import Account, BudgetPosition, RunView
from lifecycle.runner import Runner
from ui.shared import background, notices, selection
from ui.shared.notices import escape_markdown


def find(runner: Runner, account: Account, run: RunView) -> BudgetPosition | None:
    """How a run stands to a budget that holds rows of it, or of its retries, back; None where none does."""
    if run.spec.max_usd is None or not (run.state.ended or run.waits_for_budget):
        return None
    return runner.retries.budget_position(account, run.id)


def draw_button(position: BudgetPosition) -> None:
    """Offer to raise the budget, the next sensible deed, unless its form is open already."""
    if _result(position) is None and not _is_open(position):
        kind: Literal["primary", "secondary"] = "secondary" if _was_raised(position) else "primary"
        st.button("Raise budget…", type=kind, key="raise-budget", on_click=_open, args=(position.run_id, True))


def draw(runner: Runner, account: Account, position: BudgetPosition) -> None:
    """Say how the run stands to its budget, and draw the form where it was asked for, or what became of it."""
    st.markdown(escape_markdown(describe(position)))
    result = _result(position)
    if result is not None and result.error is None:
        st.button("Raising…", key="raise-budget-going", disabled=True)
        background.draw_pending(_name(position), "")
        return
    if result is not None and result.error is not None:
        notices.draw_error(result.error)
    elif not _is_open(position):
        if _was_raised(position):
            st.caption("The budget was raised; the next job is sent as soon as it fits.")
        return
    amount_key = f"budget-{position.run_id}"
    st.session_state.setdefault(amount_key, position.suggested_usd)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="raise-budget-form"):
        st.number_input(
            "New budget, USD",
            min_value=0.0,
            key=amount_key,
            format=f"%.{_decimals(position.suggested_usd)}f",
            step=10.0 ** -_decimals(position.suggested_usd) if position.suggested_usd < 1 else 1.0,
            help=escape_markdown(_explain(position)),
            width=180,
            persist_state="session",
        )
        st.button(
            f"Raise and send {plural(position.rows, 'row')}",
            type="primary",
            key="raise-budget-go",
            on_click=_raise,
            args=(runner, account, position, amount_key),
        )
        st.button("Not now", key="raise-budget-keep", on_click=_open, args=(position.run_id, False))


def describe(position: BudgetPosition) -> str:
    """What was spent of the budget, what is under way, what is left and what that probably costs."""
    under_way = f" and up to {money(position.under_way_usd)} under way" if position.under_way_usd else ""
    one, many = ("is not sent", "are not sent") if position.ended else ("waits", "wait")
    cost = f"probably {money(position.expected_usd)}, at worst {money(position.worst_usd)}"
    by_itself = "" if position.ended else " What fits is sent by itself."
    return (
        f"Of the budget of {money(position.limit_usd)}, {money(position.spent_usd)} is spent{under_way}. "
        f"{plural(position.rows, 'row')} {one if position.rows == 1 else many}: {cost}.{by_itself}"
    )


def _explain(position: BudgetPosition) -> str:
    return (
        "For the run and its retries all in all, what is spent included. "
        f"{money(position.suggested_usd)} is enough for all rows in a bad case, too."
    )


def _decimals(usd: float) -> int:
    """So many that two digits of a small amount are seen."""
    return 2 if usd >= 0.1 or usd <= 0 else 1 - math.floor(math.log10(usd))


def _name(position: BudgetPosition) -> str:
    return f"raise-budget-{position.run_id}"


def _result(position: BudgetPosition) -> background.BackgroundResult[str] | None:
    """What became of a click at this budget: the next one has another limit, and is offered anew."""
    result: background.BackgroundResult[str] | None = background.latest(_name(position))
    return result if result is not None and result.cache_key == position.limit_usd else None


def _was_raised(position: BudgetPosition) -> bool:
    """Whether it has another budget since a click, and has not been looked at, or still does not fit."""
    result: background.BackgroundResult[str] | None = background.latest(_name(position))
    return result is not None and result.value is not None and result.cache_key != position.limit_usd


def _is_open(position: BudgetPosition) -> bool:
    return bool(st.session_state.get("raising_budget_of") == position.run_id)


def _open(run_id: str, is_open: bool) -> None:
    st.session_state["raising_budget_of"] = run_id if is_open else ""
    st.session_state.pop(f"budget-{run_id}", None)  # the amount that is suggested then
    if is_open:
        background.invalidate(f"raise-budget-{run_id}")
    selection.change_page()


def _raise(runner: Runner, account: Account, position: BudgetPosition, amount_key: str) -> None:
    """Raise it in another thread, once: while it goes on, or has been done, there is no button."""
    result, usd, run_id = _result(position), float(st.session_state.get(amount_key) or 0.0), position.run_id
    if result is not None and result.error is None:
        return
    background.invalidate(_name(position))
    st.session_state["raising_budget_of"] = ""
    background.run_without_waiting(
        _name(position), position.limit_usd, lambda: runner.retries.raise_budget(account, run_id, usd)
    )
    selection.change_page()
