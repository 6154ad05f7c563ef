"""Send rows again with one click: priced on the button, confirmed in its place, sent once however often it is hit."""

from __future__ import annotations

import hashlib
from typing import Literal

import streamlit as st

from batch.formatting import money, plural
from lifecycle.core.models import Account, RunView
from lifecycle.planning.history.again import AgainQuote
from lifecycle.results.read.table import Filter, ResultTable
from lifecycle.runner import Runner
from ui.shared import background, notices, selection
from ui.shared.notices import escape_markdown


def draw(
    runner: Runner,
    account: Account,
    run: RunView,
    table: ResultTable,
    quoted: AgainQuote,
    *,
    where: Filter | None = None,
    label: str = "",
    type: Literal["primary", "secondary"] = "secondary",
) -> None:
    """Draw the button, or what became of the click. Without `where`, the rows that are worth it."""
    name = f"again-{hashlib.sha256(repr((run.id, where)).encode()).hexdigest()[:12]}"
    state = str(table.results)
    result: background.BackgroundResult[str] | None = background.latest(name)
    if result is None or result.cache_key != state:
        st.button(
            label or button_label(quoted),
            key=name,
            type=type,
            help=describe_price(quoted),
            on_click=_send,
            args=(runner, account, run.id, where, name, state),
        )
    elif result.error is not None:
        notices.draw_error(result.error)
        st.button("Try again", key=f"{name}-retry", on_click=background.invalidate, args=(name,))
    elif result.value is None:
        st.button(f"Sending {quoted.rows:,}…", key=f"{name}-sending", type=type, disabled=True)
        background.draw_pending(name, "")
    else:
        draw_sent(quoted.rows, result.value, quoted.usd)


def draw_sent(rows: int, child_id: str, usd: float | None) -> None:
    """Say in the place of the button what was sent and what that probably costs, and offer to look."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
        price = "" if usd is None else f", about {money(usd)}"
        st.markdown(escape_markdown(f"Sent {plural(rows, 'row')}{price}."), width="content")
        st.button("Open retry", key=f"open-retry-{child_id}", on_click=selection.select, args=(child_id,))


def button_label(quoted: AgainQuote) -> str:
    """What a click does and costs: "Send 11 rows again, $0.03"."""
    price = "price not known" if quoted.usd is None else money(quoted.usd)
    return f"Send {plural(quoted.rows, 'row')} again, {price}".replace("$", "\\$")


def describe_price(quoted: AgainQuote) -> str:
    """What the price rests on, and what is done otherwise than the first time."""
    basis = "About that much, by what these rows and others of the run used." if quoted.usd is not None else ""
    cap = ""
    if quoted.output_cap and quoted.old_cap:
        cap = f"Answers may have {quoted.output_cap:,} tokens this time: some were cut off at {quoted.old_cap:,}."
    return escape_markdown(f"{basis} {cap}".strip())


def _send(runner: Runner, account: Account, run_id: str, where: Filter | None, name: str, state: str) -> None:
    """Send in another thread. The same rows of the same result are sent once: a second click finds the first."""
    background.run_without_waiting(name, state, lambda: runner.retries.send_again(account, run_id, where))
    selection.change_page()
