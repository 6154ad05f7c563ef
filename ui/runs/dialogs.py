"""What is asked before runs are deleted, renamed or tagged."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from batch.formatting import plural
from batch.responses.outcome_groups import RunGroup
from lifecycle.core.models import Account, RunLine
from lifecycle.run_list.table import MAX_NAME
from lifecycle.runner import Runner
from ui.runs import ticked
from ui.shared import notices, selection, session
from ui.shared.app_state import get_state
from ui.shared.format import retries_stay, truncate
from ui.shared.notices import escape_markdown

NAMES_SHOWN = 5


def question(lines: Sequence[RunLine]) -> str:
    """What is about to be deleted, in Markdown."""
    rows = plural(sum(line.rows for line in lines), "row")
    if len(lines) == 1:
        return f"Delete **{escape_markdown(truncate(lines[0].title, 60))}** and its {rows}? This cannot be undone."
    return f"Delete **{len(lines):,} runs** and their {rows}? This cannot be undone."


@st.dialog("Delete runs")
def delete(lines: Sequence[RunLine]) -> None:
    """Ask, and say what goes. A run under way is not deleted."""
    running = [line for line in lines if line.group is RunGroup.RUNNING]
    ended = [line for line in lines if line.group is not RunGroup.RUNNING]
    if running:
        names = plural(len(running), "run is", "runs are")
        st.warning(f"{names} still under way and stay here. Cancel first.")
    if ended:
        st.markdown(question(ended))
        st.caption(escape_markdown(_names(ended)))
        retries = get_state().runner.run_table.count_retries(session.require_account(), [line.id for line in ended])
        if retries:
            st.caption(retries_stay(retries))
        st.caption("What they have cost stays in what was spent.")
    with st.container(horizontal=True, gap="small"):
        label = f"Delete {plural(len(ended), 'run')}"
        ids = [line.id for line in ended]
        if ended and st.button(label, key="runs-really-delete", type="primary", on_click=_delete, args=(ids,)):
            st.rerun()
        if st.button("Keep", key="runs-keep"):
            st.rerun()


def _names(lines: Sequence[RunLine]) -> str:
    names = ", ".join(truncate(line.title, 40) for line in lines[:NAMES_SHOWN])
    more = len(lines) - NAMES_SHOWN
    return f"{names} and {more:,} more" if more > 0 else names


def _delete(run_ids: Sequence[str]) -> None:
    """Delete them; a second click finds none."""
    with notices.errors_to_notice("runs"):
        done = get_state().runner.run_table.delete(session.require_account(), run_ids)
        if done.runs:
            rows = plural(done.rows, "row")
            notices.show("runs", "good", f"Deleted {plural(done.runs, 'run')} with {rows}.")
        for run_id in run_ids:
            selection.forget_run(run_id)
        ticked.clear()
    selection.change_page()


@st.dialog("Rename run")
def rename(line: RunLine) -> None:
    """Ask for another name."""
    key = f"runs-name-{line.id}"
    with st.form("runs-rename-form", border=False):
        st.text_input("Name", value=line.name, max_chars=MAX_NAME, key=key)
        if st.form_submit_button("Save", type="primary", on_click=_rename, args=(line.id, key)):
            st.rerun()


def _rename(run_id: str, key: str) -> None:
    notices.clear("runs")
    with notices.errors_to_notice("runs"):
        name = str(st.session_state.get(key) or "")
        get_state().runner.run_table.rename(session.require_account(), run_id, name)
    selection.change_page()


@st.dialog("Tag runs")
def tag(runner: Runner, account: Account, lines: Sequence[RunLine]) -> None:
    """Ask which tags to add and which to take away."""
    st.caption(escape_markdown(_names(lines)))
    ids = [line.id for line in lines]
    key = "-".join(ids)
    with st.form("runs-tag-form", border=False):
        st.multiselect(
            "Add",
            runner.run_table.tags(account),
            accept_new_options=True,
            key=f"runs-add-{key}",
            placeholder="Type a tag, or choose one",
        )
        have = sorted({name for line in lines for name in line.tags}, key=str.casefold)
        st.multiselect("Take away", have, key=f"runs-remove-{key}", disabled=not have, placeholder="")
        if st.form_submit_button("Save", type="primary", on_click=_tag, args=(ids, key)):
            st.rerun()


def _tag(run_ids: Sequence[str], key: str) -> None:
    notices.clear("runs")
    with notices.errors_to_notice("runs"):
        add, remove = (list(st.session_state.get(f"runs-{name}-{key}") or []) for name in ("add", "remove"))
        get_state().runner.run_table.retag(session.require_account(), run_ids, add, remove)
    selection.change_page()
