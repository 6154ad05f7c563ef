"""The table of results: which columns it has, how it is sorted, which rows are selected and which one is opened.

Sorting happens on the server, over all rows: the browser holds one page of them and would sort only that. So a click
on a column's name sorts on the server, and a popover does the same for fingers and keyboards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from batch.formatting import money
from batch.model import Outcome
from lifecycle.results.read.table import DIFFERING, SORTABLE, ResultTable
from lifecycle.results.store.reconciliation import AnswerColumn
from ui.shared.format import OUTCOME_COLOURS, outcome

INPUT_ORDER = "n"
NUMBERS = ("prompt_tokens", "cached_tokens", "output_tokens", "thoughts_tokens", "cost_usd", "attempts", "error_code")
MARK = "mark"
TITLES = {
    "outcome": "Outcome",
    "text": "Answer",
    DIFFERING: "What differs",
    "key": "Key",
    MARK: "Mark",
    "prompt": "Prompt",
    "error_message": "Error",
    "parsed": "Fields",
    "prompt_tokens": "Tokens in",
    "cached_tokens": "Of them cached",
    "output_tokens": "Tokens answered",
    "thoughts_tokens": "Tokens thought",
    "cost_usd": "Cost",
    "finish_reason": "Ended with",
    "block_reason": "Blocked for",
    "error_code": "Error code",
    "attempts": "Attempts",
    "run": "Answered by",
}
WIDTHS = {"key": 110, "prompt": 240, DIFFERING: 240, "text": 300, "outcome": 130, "error_message": 220, "parsed": 110}
FORMS = {"strict": "as asked", "lenient": "mended", "failed": "not as asked", "": ""}  # how structured answers came
MAX_INITIAL_FIELDS, MAX_INITIAL_OWN = 6, 5
FILE_COLUMNS = ("file", "page")  # what a pile of files gives each row; it has no columns of the user's own
ANSWER_PREFIX = "answer."
CELL_CHARACTERS = 400
HEADER_PIXELS, ROW_PIXELS, VISIBLE_ROWS = 37, 33, 11  # as many rows as the first screen has room for
NOT_KNOWN = "not known"


class View(NamedTuple):
    """How the table is looked at. `typed`: some columns are properties of structured answers; `lenient`: also of
    answers whose JSON needed repair."""

    columns: tuple[str, ...]
    order: str = INPUT_ORDER
    descending: bool = False
    typed: bool = False
    lenient: bool = False


def draw_view(run_id: str, table: ResultTable) -> View:
    """Draw the popover that decides about columns and order, and return what it says."""
    fields, options = table.reconciliation.fields, all_columns(table)
    chosen = st.session_state.setdefault(f"columns-{run_id}", default_columns(table))
    if not set(chosen) <= set(options):  # a retry may have brought other fields
        st.session_state[f"columns-{run_id}"] = [name for name in chosen if name in options]
    with st.popover("Columns", key=f"view-{run_id}"):
        chosen = st.multiselect(
            "Columns", options, format_func=_title, key=f"columns-{run_id}", persist_state="session"
        )
        order = st.selectbox(
            "Sort by",
            [INPUT_ORDER, *sortable(table)],
            format_func=_title,
            key=f"order-{run_id}",
            persist_state="session",
        )
        descending = st.toggle("From the highest", key=f"descending-{run_id}", persist_state="session")
        lenient = bool(fields) and st.toggle(
            "Also answers whose form was mended",
            key=f"lenient-{run_id}",
            persist_state="session",
            help="Answer columns show what came in the form asked for. What was mended stood amid other words, or had "
            "small faults; the column Fields tells it apart.",
        )
    typed = any(field.column in chosen for field in fields)
    return View(tuple(chosen), order, descending, typed, lenient)


def all_columns(table: ResultTable) -> list[str]:
    """All columns that can be chosen."""
    return [*TITLES, *table.source_columns.values(), *(field.column for field in table.reconciliation.fields)]


class Grid(NamedTuple):
    """A page of rows as it is drawn: the widget's key tells it from every other page, filter and order."""

    run_id: str
    key: str
    keys: tuple[str, ...]
    columns: tuple[str, ...]

    def open(self, position: int) -> None:
        """Open the row at a position, and outline it in the grid, in the column that was looked at before."""
        column = next((str(name) for _, name in self._cells()), self.columns[0] if self.columns else "")
        ticked = [n for n, name in enumerate(self.keys) if name in selected_keys(self.run_id)]
        st.session_state[self.key] = {"selection": {"rows": ticked, "columns": [], "cells": [(position, column)]}}
        st.session_state[_open_key(self.run_id)] = self.keys[position]

    def close(self) -> None:
        """Open no row."""
        ticked = [n for n, name in enumerate(self.keys) if name in selected_keys(self.run_id)]
        st.session_state[self.key] = {"selection": {"rows": ticked, "columns": [], "cells": []}}
        st.session_state[_open_key(self.run_id)] = ""

    def _cells(self) -> Sequence[tuple[int, Any]]:
        selection = st.session_state.get(self.key, {}).get("selection", {})
        return [(cell[0], cell[1]) for cell in selection.get("cells", ())]


def draw(table: ResultTable, rows: pd.DataFrame, view: View, grid: Grid) -> str:
    """Draw a page of rows; returns the key of the one that is open, "" for none."""
    run_id, keys = grid.run_id, grid.keys
    ticked = [n for n, name in enumerate(keys) if name in selected_keys(run_id)]
    st.dataframe(
        display_frame(rows, view.columns, table.reconciliation.fields),
        key=grid.key,
        column_config={name: _column(name, view) for name in view.columns},
        hide_index=True,
        on_select=lambda: _on_select(grid, view, sortable(table)),
        selection_mode=["multi-row", "single-column", "single-cell"],
        selection_default={"selection": {"rows": ticked}},
        height=HEADER_PIXELS + ROW_PIXELS * min(len(keys), VISIBLE_ROWS),
        row_height=ROW_PIXELS,
        placeholder="",
        alt="Rows of the result",
    )
    opened = str(st.session_state.get(_open_key(run_id)) or "")
    if len(keys) == 1:
        return keys[0]
    return opened if opened in keys else ""


def turn_page(run_id: str, page_key: str, page: int, *, last: bool) -> None:
    """Go to a page, and open its first row there, or its last."""
    st.session_state[page_key] = page
    st.session_state[f"open-edge-{run_id}"] = "last" if last else "first"


def open_at_edge(grid: Grid) -> None:
    """Open the row that a turned page was turned for."""
    edge = st.session_state.pop(f"open-edge-{grid.run_id}", "")
    if edge and grid.keys:
        grid.open(len(grid.keys) - 1 if edge == "last" else 0)


def selected_keys(run_id: str) -> dict[str, None]:
    """The keys of the selected rows, on whatever page, in the order of their selection."""
    keys: dict[str, None] = st.session_state.setdefault(f"selected-{run_id}", {})
    return keys


def clear_selection(run_id: str) -> None:
    """Select nothing. The grid is drawn anew, because a widget keeps its own selection."""
    st.session_state[f"selected-{run_id}"] = {}
    st.session_state[f"selection-version-{run_id}"] = clear_count(run_id) + 1


def clear_count(run_id: str) -> int:
    """How often the selection was cleared."""
    return int(st.session_state.get(f"selection-version-{run_id}", 0))


def display_frame(rows: pd.DataFrame, columns: Sequence[str], fields: Sequence[AnswerColumn] = ()) -> pd.DataFrame:
    """The chosen columns as they are read: numbers with commas, and what is not known says so."""
    typed = {field.column for field in fields}
    return pd.DataFrame({name: _cells(rows[name], name, name in typed) for name in columns if name in rows})


def describe_order(view: View) -> str:
    """How the rows are sorted, behind their number; "" for the order in which they were sent."""
    if view.order == INPUT_ORDER:
        return ", from the last" if view.descending else ""
    return f", sorted by {_title(view.order)}{', highest first' if view.descending else ''}"


def next_order(view: View, column: str) -> tuple[str, bool]:
    """What a click on a column's name asks for: (order, descending).

    Once: numbers from the highest, texts from A. Twice: the other way round. Three times: as they were sent.
    """
    default_descending = column in NUMBERS
    if view.order != column:
        return column, default_descending
    return (column, not default_descending) if view.descending == default_descending else (INPUT_ORDER, False)


def sortable(table: ResultTable) -> list[str]:
    """The columns that all rows can be sorted by."""
    typed = (field.column for field in table.reconciliation.fields)
    return [*(name for name in TITLES if name in SORTABLE), *table.source_columns.values(), *typed]


def _on_select(grid: Grid, view: View, sortable: Sequence[str]) -> None:
    """Take note of what was clicked: a column's name, a cell, or rows of this page."""
    run_id, keys, selection = grid.run_id, grid.keys, st.session_state[grid.key]["selection"]
    for column in selection["columns"]:
        if column in sortable:
            order, descending = next_order(view, column)
            st.session_state.update({f"order-{run_id}": order, f"descending-{run_id}": descending})
    for row, _ in selection["cells"]:
        st.session_state[_open_key(run_id)] = keys[row]
    selected_here = {keys[index] for index in selection["rows"]}
    kept = [name for name in selected_keys(run_id) if name not in keys or name in selected_here]
    st.session_state[f"selected-{run_id}"] = dict.fromkeys([*kept, *(name for name in keys if name in selected_here)])


def _open_key(run_id: str) -> str:
    return f"open-row-{run_id}"


def default_columns(table: ResultTable) -> list[str]:
    """The columns shown before anything was chosen: what became of the row, the answer, then what the row had of its
    own. Properties come in the place of the text if most answers have them.
    """
    fields = [field.column for field in table.reconciliation.fields][:MAX_INITIAL_FIELDS]
    parsed = table.parsed() if fields else {}
    mostly_structured = sum(number for form, number in parsed.items() if form) > table.reconciliation.sent / 2
    text = [] if table.kind.vectors else ["text"]
    own = [name for name in table.source_columns.values() if name not in FILE_COLUMNS][:MAX_INITIAL_OWN]
    asked = own or [DIFFERING if any(table.shared_text) else "prompt"]
    errors = ["error_message"] if table.reconciliation.needs_attention else []
    answers = fields if mostly_structured else [*text, *fields]
    return ["outcome", *answers, *asked, "key", *errors, *(["parsed"] if fields else [])]


def _title(name: str) -> str:
    return "As they were sent" if name == INPUT_ORDER else TITLES.get(name, name)


def outcome_column(title: str = "Outcome") -> Any:
    """How a column of outcomes looks, each in its colour."""
    options = list(OUTCOME_COLOURS)
    return st.column_config.MultiselectColumn(
        title,
        options=[outcome(one) for one in options],
        color=[OUTCOME_COLOURS[one] for one in options],
        width=WIDTHS["outcome"],
    )


def _column(name: str, view: View) -> Any:
    if name == "outcome":
        return outcome_column("Outcome" + _arrow(name, view))
    title = _title(name).removeprefix(ANSWER_PREFIX) + _arrow(name, view)
    if name in NUMBERS:
        return st.column_config.TextColumn(title, alignment="right")
    return st.column_config.Column(title, width=WIDTHS.get(name))


def _arrow(name: str, view: View) -> str:
    return (" ↓" if view.descending else " ↑") if name == view.order else ""


def _cells(values: pd.Series, name: str, typed: bool) -> pd.Series:
    if name in NUMBERS:
        return values.map(_FORMATTERS.get(name, _format_number))
    if name == "outcome":
        return values.map(lambda value: [outcome(Outcome(value))])
    if name == "parsed":
        return values.map(lambda value: FORMS.get(value, str(value)))
    return values.str.slice(0, CELL_CHARACTERS) if typed and values.dtype == object else values


def _format_number(value: Any) -> str:
    return NOT_KNOWN if pd.isna(value) else f"{value:,}"


def _format_cost(value: Any) -> str:
    return money(None if pd.isna(value) else float(value))


def _format_code(value: Any) -> str:
    return "" if pd.isna(value) else str(value)


_FORMATTERS: Mapping[str, Callable[[Any], str]] = {"cost_usd": _format_cost, "error_code": _format_code}
