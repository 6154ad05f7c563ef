"""What can be done to the run that is open: one next deed that stands out, export, and the rest in a menu."""

from __future__ import annotations

import secrets

import streamlit as st

from batch.formatting import plural
from lifecycle.core.models import Account, BudgetPosition, RunView
from lifecycle.results.read.table import ResultTable
from lifecycle.runner import Runner
from ui.media import media_exports
from ui.monitor import actions as run_actions
from ui.results import exports
from ui.rows import send_again
from ui.run import raise_budget
from ui.shared import browser_actions, selection, session
from ui.shared.app_state import get_state
from ui.shared.format import retries_stay
from ui.shared.notices import escape_markdown

RUN_AGAIN, EDIT, COMPARE, DISTRIBUTIONS = "Run again", "Edit and run again", "Compare", "Distributions"
LOG, LINK, DELETE = "Event log and jobs", "Copy link", "Delete"
FOLDS = {COMPARE: "compare", DISTRIBUTIONS: "distributions", LOG: "log"}  # what opens further below, by its key


def draw(
    runner: Runner, account: Account, run: RunView, table: ResultTable | None, held_back: BudgetPosition | None
) -> None:
    """Draw them for a run that has ended; a budget that holds rows of it back is raised before all else."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="run-actions", width="content"):
        is_filled = held_back is not None
        if held_back is not None:
            raise_budget.draw_button(held_back)
        if table is not None:
            is_filled = _draw_next_deed(runner, account, run, table, is_filled) or is_filled
        if table is not None:
            if table.kind.pictures:
                is_filled = media_exports.draw_pictures_button(run, table, filled=not is_filled) or is_filled
            with st.popover("Export", type="secondary" if is_filled else "primary", key=f"export-{run.id}"):
                exports.draw(run, table)
        draw_menu(run)


def _draw_next_deed(runner: Runner, account: Account, run: RunView, table: ResultTable, is_filled: bool) -> bool:
    """Offer what makes the result better: rows sent again, or the retry that does it now. Whether it stands out, which
    it does not where another button does.
    """
    if run.parent_id:
        st.button("Open the whole result", key="open-parent", on_click=selection.select, args=(run.parent_id,))
        return False
    under_way = [child for child in runner.runs.retries_of(account, run.id) if not child.state.ended]
    if under_way:
        prices = [child.estimate_usd for child in under_way]
        usd = None if None in prices else sum(filter(None, prices))
        send_again.draw_sent(sum(child.rows for child in under_way), under_way[-1].id, usd)
        return False
    if not run.inputs_known:
        return False
    quoted = runner.retries.quote(account, run.id)
    if quoted.rows:
        send_again.draw(runner, account, run, table, quoted, type="secondary" if is_filled else "primary")
    return bool(quoted.rows)


def draw_menu(run: RunView) -> None:
    """Draw the menu, and what a choice in it asks for."""
    options = [
        *((RUN_AGAIN, EDIT) if run.inputs_known and run.state.ended else (EDIT,) if run.inputs_known else ()),
        *((COMPARE, DISTRIBUTIONS) if run.has_results else ()),
        LOG,
        LINK,
        *((DELETE,) if run.state.ended else ()),
    ]
    key = f"run-menu-{run.id}"
    st.menu_button("More", options, key=key, icon=":material/more_horiz:", on_click=_choose, args=(run.id, key))


def draw_answers(run: RunView) -> None:
    """What a choice in the menu asked to show: the question before a deletion, or the link."""
    if st.session_state.get("to_delete") == run.id:
        name = escape_markdown(run.name or run.id)
        retries = get_state().runner.run_table.count_retries(session.require_account(), [run.id])
        question = f"Delete {name} and its {plural(run.rows, 'row')}? This cannot be undone."
        st.warning(f"{question} {retries_stay(retries)}".strip())
        with st.container(horizontal=True, gap="small"):
            st.button(
                "Delete for good", type="primary", key="really-delete", on_click=run_actions.delete, args=(run.id,)
            )
            st.button("Keep", key="keep", on_click=run_actions.confirm_delete, args=("",))
    if st.session_state.get("link_of") == run.id:
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="run-link"):
            st.html('<span class="gbr-copied" role="status">Copy it from here:</span>', width="content")
            st.code(_link(run.id), language=None, width="content")
            st.caption("It opens this run for who has the same key.", width="content")


def _link(run_id: str) -> str:
    return f"{str(st.context.url or '').partition('?')[0].rstrip('/')}/?run={run_id}"


def _choose(run_id: str, key: str) -> None:
    choice = st.session_state.get(key)
    st.session_state["link_of"] = run_id if choice == LINK else ""
    if choice == LINK:
        browser_actions.request("copy", _link(run_id))
    if choice == RUN_AGAIN:
        run_actions.run_again(run_id, st.session_state.setdefault("rerun_idempotency_key", secrets.token_urlsafe(12)))
    elif choice == EDIT:
        run_actions.edit(run_id)
    elif choice == DELETE:
        run_actions.confirm_delete(run_id)
    elif choice in FOLDS:
        st.session_state[FOLDS[choice]] = True
        browser_actions.request("scroll", FOLDS[choice])
    selection.change_page()
