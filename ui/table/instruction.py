"""The instruction that goes with each row: columns are clicked into it, and the first rows show how it reads."""

from __future__ import annotations

import streamlit as st

from batch.formatting import plural
from batch.model import EmptyCells
from lifecycle.inputs.drafts import Draft
from lifecycle.inputs.tables.opening import Preview
from ui.shared.format import truncate
from ui.shared.notices import escape_markdown
from ui.table import instruction_check

TEMPLATE, EMPTY_CELLS = "template", "empty_cells"
MAX_CHIPS = 30
ROWS_READ = 3
COLUMNS_NAMED = 3
CHOICES = {EmptyCells.SKIP: "Skip them", EmptyCells.SEND: "Send anyway"}


def text() -> str:
    """The instruction as it stands."""
    return str(st.session_state.get(TEMPLATE) or "")


def empty_cells() -> EmptyCells:
    """What is to become of rows that lack what the instruction names."""
    return EmptyCells(st.session_state.get(EMPTY_CELLS) or EmptyCells.SEND)


def draw(preview: Preview) -> None:
    """Draw the columns to click, the instruction, and how the first rows read."""
    st.markdown("**Instruction** :small[the same for every row]")
    _draw_chips(preview.names)
    st.text_area(
        "Instruction",
        key=TEMPLATE,
        height=120,
        max_chars=200_000,
        placeholder="Say what is to be done with each row, and click the columns that Gemini is to read.",
        label_visibility="collapsed",
        persist_state="session",
    )
    with st.container(key="instruction-reads"):
        _draw_unknown(preview.names)
        _draw_readings(preview)


def draw_empty_cells(draft: Draft) -> None:
    """Say how many rows lack what the instruction names, with the choice to leave them out."""
    if not draft.empty_rows:
        return
    st.session_state.setdefault(EMPTY_CELLS, EmptyCells.SEND)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="empty-cells"):
        st.markdown(f":orange-badge[:material/warning: {escape_markdown(describe_empty(draft))}]", width="content")
        st.segmented_control(
            "Rows with empty cells",
            list(CHOICES),
            key=EMPTY_CELLS,
            required=True,
            format_func=CHOICES.__getitem__,
            label_visibility="collapsed",
            persist_state="session",
        )


def describe_empty(draft: Draft) -> str:
    """Which columns are empty in how many rows: "14 rows have no comment"."""
    names = [truncate(name, 40) for name, _ in draft.empty_columns]
    named = " or no ".join(names[:COLUMNS_NAMED]) + (", …" if len(names) > COLUMNS_NAMED else "")
    return f"{plural(draft.empty_rows, 'row has', 'rows have')} no {named}"


def _draw_chips(names: tuple[str, ...]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.pills(
            "Insert a column",
            list(names[:MAX_CHIPS]),
            key="insert_column",
            format_func=lambda name: truncate(name, 40),
            on_change=_insert,
            args=("insert_column",),
            label_visibility="collapsed",
        )
        if len(names) > MAX_CHIPS:
            st.selectbox(
                "Insert another column",
                list(names[MAX_CHIPS:]),
                index=None,
                key="insert_other_column",
                placeholder=f"{len(names) - MAX_CHIPS:,} more columns",
                on_change=_insert,
                args=("insert_other_column",),
                label_visibility="collapsed",
                width=220,
            )


def _insert(key: str) -> None:
    """Put the column that was clicked at the end of the instruction; the chip can be clicked again."""
    name = st.session_state.get(key)
    if name:
        st.session_state[TEMPLATE] = instruction_check.with_column(text(), str(name))
    st.session_state[key] = None


def _draw_unknown(names: tuple[str, ...]) -> None:
    for unknown in instruction_check.unknown_columns(text(), names):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            said = f'There is no column "{truncate(unknown.name, 60)}".'
            st.markdown(f":orange-badge[:material/warning: {escape_markdown(said)}]", width="content")
            if unknown.nearest:
                st.button(
                    f"Use {escape_markdown(truncate(unknown.nearest, 60))}",
                    key=f"rename-{unknown.name}",
                    on_click=_rename,
                    args=unknown,
                )


def _rename(old: str, new: str) -> None:
    st.session_state[TEMPLATE] = instruction_check.rename_column(text(), old, new)


def _draw_readings(preview: Preview) -> None:
    first, *others = instruction_check.readings(text(), preview.names, preview.rows[:ROWS_READ]) or [""]
    if not first:
        return
    more = "".join(f"<p><b>Row {n} reads:</b> {reading}</p>" for n, reading in enumerate(others, 2))
    named = "Row 2" if len(others) == 1 else f"Rows 2 to {len(others) + 1}"
    below = f"<details><summary>{named}</summary>{more}</details>" if others else ""
    st.html(f'<div class="gbr-reads"><p><b>Row 1 reads:</b> {first}</p>{below}</div>')
