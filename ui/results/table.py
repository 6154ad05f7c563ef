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
from lifecycle.results.read.table import SORTABLE, ResultTable
from lifecycle.results.store.reconciliation import AnswerColumn
from ui.shared.format import outcome

INPUT_ORDER = "n"
NUMBERS = ("prompt_tokens", "cached_tokens", "output_tokens", "thoughts_tokens", "cost_usd", "attempts", "error_code")
TITLES = {
    "key": "Key",
    "outcome": "Outcome",
    "prompt": "Prompt",
    "text": "Answer",
    "error_message": "Error",
    "parsed": "JSON",
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
WIDTHS = {"key": 110, "prompt": 220, "text": 380, "outcome": 130, "error_message": 220, "parsed": 90}
MAX_INITIAL_FIELDS, MAX_INITIAL_OWN = 6, 5
FILE_COLUMNS = ("file", "page")  # what a pile of files gives each row; it has no columns of the user's own
ANSWER_PREFIX = "answer."
CELL_CHARACTERS = 400
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
    fields = table.reconciliation.fields
    options = [*TITLES, *table.source_columns.values(), *(field.column for field in fields)]
    with st.popover("Columns and order", key=f"view-{run_id}"):
        columns = st.multiselect(
            "Columns", options, default=_default_columns(table), format_func=_title, key=f"columns-{run_id}"
        )
        order = st.selectbox("Sort by", [INPUT_ORDER, *sortable(table)], format_func=_title, key=f"order-{run_id}")
        descending = st.toggle("From the highest", key=f"descending-{run_id}")
        lenient = bool(fields) and st.toggle(
            "Also answers whose JSON needed repair",
            key=f"lenient-{run_id}",
            help="Typed columns show what was in the form asked for. Repaired JSON was in a code fence, amid prose, or "
            "had small faults; the column JSON tells it apart.",
        )
    typed = any(field.column in columns for field in fields)
    return View(tuple(columns), order, descending, typed, lenient)


def draw(run_id: str, table: ResultTable, rows: pd.DataFrame, view: View, page_id: str) -> str | None:
    """Draw a page of rows; returns the key of the one to open. `page_id` tells this page from every other."""
    keys = [str(name) for name in rows["key"]]
    key = f"rows-{run_id}-{page_id}"
    selected_rows = [n for n, name in enumerate(keys) if name in selected_keys(run_id)]
    event = st.dataframe(
        display_frame(rows, view.columns, table.reconciliation.fields),
        key=key,
        column_config={name: _column(name, view) for name in view.columns},
        hide_index=True,
        on_select=lambda: _on_select(run_id, key, keys, view, sortable(table)),
        selection_mode=["multi-row", "single-column", "single-cell"],
        selection_default={"selection": {"rows": selected_rows}},
        placeholder="",
        alt="Rows of the result",
    )
    selection = event["selection"]
    row_indexes = [*(row for row, _ in selection["cells"]), *(selection["rows"] if len(selection["rows"]) == 1 else ())]
    if not row_indexes and len(rows) != 1:
        return None
    return keys[row_indexes[0] if row_indexes else 0]


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
    """The columns that all rows can be sorted by; properties of answers are read page by page, and cannot."""
    return [*(name for name in TITLES if name in SORTABLE), *table.source_columns.values()]


def _on_select(run_id: str, key: str, keys: Sequence[str], view: View, sortable: Sequence[str]) -> None:
    """Take note of what was clicked: a column's name, or rows of this page."""
    selection = st.session_state[key]["selection"]
    for column in selection["columns"]:
        if column in sortable:
            order, descending = next_order(view, column)
            st.session_state.update({f"order-{run_id}": order, f"descending-{run_id}": descending})
    selected_here = {keys[index] for index in selection["rows"]}
    kept = [name for name in selected_keys(run_id) if name not in keys or name in selected_here]
    st.session_state[f"selected-{run_id}"] = dict.fromkeys([*kept, *(name for name in keys if name in selected_here)])


def _default_columns(table: ResultTable) -> list[str]:
    """The columns shown before anything was chosen; properties come before texts if most answers have them.

    Of a table, its own columns come first, the answers right beside them, and what is technical last.
    """
    fields = [field.column for field in table.reconciliation.fields][:MAX_INITIAL_FIELDS]
    parsed = table.parsed() if fields else {}
    mostly_structured = sum(number for form, number in parsed.items() if form) > table.reconciliation.sent / 2
    text = [] if table.kind.vectors else ["text"]
    errors = ["error_message"] if table.reconciliation.needs_attention else []
    if own := [name for name in table.source_columns.values() if name not in FILE_COLUMNS][:MAX_INITIAL_OWN]:
        answers = fields if mostly_structured else [*text, *fields]
        return ["outcome", *own, *answers, *errors, *(["parsed"] if fields else []), "key"]
    typed = ["parsed", *fields] if fields else []
    rest = [*text, *errors]
    return ["key", "outcome", "prompt", *([*typed, *rest] if mostly_structured else [*rest, *typed])]


def _title(name: str) -> str:
    return "As they were sent" if name == INPUT_ORDER else TITLES.get(name, name)


def _column(name: str, view: View) -> Any:
    arrow = (" ↓" if view.descending else " ↑") if name == view.order else ""
    title = _title(name).removeprefix(ANSWER_PREFIX) + arrow
    if name in NUMBERS:
        return st.column_config.TextColumn(title, alignment="right")
    return st.column_config.Column(title, width=WIDTHS.get(name))


def _cells(values: pd.Series, name: str, typed: bool) -> pd.Series:
    if name in NUMBERS:
        return values.map(_FORMATTERS.get(name, _format_number))
    if name == "outcome":
        return values.map(lambda value: outcome(Outcome(value)))
    return values.str.slice(0, CELL_CHARACTERS) if typed and values.dtype == object else values


def _format_number(value: Any) -> str:
    return NOT_KNOWN if pd.isna(value) else f"{value:,}"


def _format_cost(value: Any) -> str:
    return money(None if pd.isna(value) else float(value))


def _format_code(value: Any) -> str:
    return "" if pd.isna(value) else str(value)


_FORMATTERS: Mapping[str, Callable[[Any], str]] = {"cost_usd": _format_cost, "error_code": _format_code}
