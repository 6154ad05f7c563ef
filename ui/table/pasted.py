"""A table that is pasted as text, straight from a spreadsheet: it becomes a file like one that was dropped."""

from __future__ import annotations

import csv

import streamlit as st

from ui.files import uploader
from ui.shared import session, temp_files
from ui.shared.app_state import get_state

MAX_CHARACTERS = 1_000_000
MAX_HEADER_CHARS = 40
SAMPLE_LINES = 50
_OPEN, _TEXT = "pasting", "pasted_table"


def columns_in(text: str) -> int:
    """How many columns a text seems to have as a table; 0 if it is not one.

    Cells are parted by tabs, or by two commas or more in every line under short names: prose has commas, too.
    """
    lines = [line for line in text.splitlines() if line.strip()][:SAMPLE_LINES]
    if len(lines) < 2:
        return 0
    tabs = {line.count("\t") for line in lines}
    if len(tabs) == 1 and min(tabs):
        return min(tabs) + 1
    cells = [len(row) for row in csv.reader(lines)]
    names = next(csv.reader(lines[:1]))
    are_names = all(0 < len(name.strip()) <= MAX_HEADER_CHARS and not name.strip().endswith(".") for name in names)
    return cells[0] if are_names and cells[0] > 2 and len(set(cells)) == 1 else 0


def use(text: str) -> None:
    """Make a file of a text, as all that is given."""
    name = "pasted.tsv" if "\t" in text.split("\n", 1)[0] else "pasted.csv"
    path = temp_files.new_path(get_state().uploads, name, session.owner_id())
    path.write_text(text.strip("\n") + "\n", encoding="utf-8", errors="replace")
    uploader.set_file(path, name)
    path.unlink()
    st.session_state.update({"mode": "File (JSONL)", _OPEN: False})


def open_box() -> None:
    """Show the box to paste into."""
    st.session_state[_OPEN] = True


def draw() -> None:
    """Draw the box while it is open."""
    if not st.session_state.get(_OPEN):
        return
    with st.container(border=True, key="paste-table"):
        st.text_area(
            "Paste the rows here, the columns' names first",
            key=_TEXT,
            persist_state="session",
            height=160,
            max_chars=MAX_CHARACTERS,
            placeholder="item\tcomment\nLantern\tBroke in a week",
        )
        with st.container(horizontal=True, gap="small"):
            st.button("Use this table", key="use-pasted", on_click=_use_box)
            st.button("Cancel", key="cancel-pasted", type="tertiary", on_click=_close)


def _use_box() -> None:
    text = str(st.session_state.get(_TEXT) or "")
    if text.strip():
        use(text)


def _close() -> None:
    st.session_state[_OPEN] = False
