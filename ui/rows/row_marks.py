"""Mark a row, and note a few words on it: for oneself, for whoever else looks at the run, and for exports."""

from __future__ import annotations

import streamlit as st

from lifecycle.core.models import Account
from lifecycle.results.store.row_marks import MAX_NOTE_CHARACTERS, Mark, RowMark
from lifecycle.runner import Runner

NO_MARK = "no mark"


def draw(runner: Runner, account: Account, run_id: str, key: str, current: RowMark) -> None:
    """Draw both: each opens what it sets."""
    names = {Mark.RIGHT: "✓ Right", Mark.WRONG: "✕ Wrong", Mark.LOOK_AGAIN: "◦ Look again", NO_MARK: "No mark"}
    options = [name for name in names if name != (current.mark or NO_MARK)]
    menu_key = f"mark-{run_id}"
    st.menu_button(
        f"Marked {current.mark}" if current.mark else "Mark",
        options,
        key=menu_key,
        format_func=lambda name: names.get(name, str(name)),
        on_click=_mark,
        args=(runner, account, run_id, key, current, menu_key),
    )
    with st.popover("Note ●" if current.note else "Note", key=f"note-box-{run_id}"):
        note_key = f"note-{run_id}-{key}"
        st.session_state.setdefault(note_key, current.note)
        st.text_area(
            "Note on this row",
            key=note_key,
            persist_state="session",
            max_chars=MAX_NOTE_CHARACTERS,
            height=100,
            on_change=_note,
            args=(runner, account, run_id, key, current, note_key),
        )
        st.caption("Kept with the run on this server. Exports have it if you ask for marks and notes.")


def _mark(runner: Runner, account: Account, run_id: str, key: str, current: RowMark, menu_key: str) -> None:
    chosen = st.session_state.get(menu_key)
    if chosen:
        mark = "" if chosen == NO_MARK else str(chosen)
        runner.runs.mark_row(account, run_id, key, mark, current.note)


def _note(runner: Runner, account: Account, run_id: str, key: str, current: RowMark, note_key: str) -> None:
    runner.runs.mark_row(account, run_id, key, current.mark, str(st.session_state.get(note_key) or ""))
