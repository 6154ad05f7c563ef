"""What narrows the table of results: groups of outcomes, a search, and, folded away, kinds, errors and shared texts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import streamlit as st

from batch.formatting import plural
from lifecycle.results.read.table import Filter, ResultTable
from ui.results import outcome_bar
from ui.results import table as results_table
from ui.shared import selection
from ui.shared.format import truncate
from ui.shared.selection import Place

MAX_CHOICES = 200
LABEL_CHARACTERS = 90
GALLERY, TABLE = "Gallery", "Table"  # what a run of pictures is looked at as


_MARKS = {"marked": "marked", "lenient": "mended", "descending": "down"}  # switches: by key, the name in the address


def restore(run_id: str, table: ResultTable) -> None:
    """At first, look at a result as the address says: what there is of it, since anyone can write an address."""
    if f"looked-at-{run_id}" in st.session_state:
        return
    st.session_state[f"looked-at-{run_id}"] = True
    asked = selection.arrived(Place.RUN, run_id)
    if asked:
        outcome_bar.restore(run_id, table.counts(), asked)
        errors = {_digest(name): name for name in _error_labels(table)} if "errors" in asked else {}
        groups = {name: name for name in _group_labels(table)} if "groups" in asked else {}
        for name, known in (("errors", errors), ("groups", groups)):
            st.session_state[f"{name}-{run_id}"] = [
                known[one] for one in asked.get(name, "").split(",") if one in known
            ]
        st.session_state[f"search-{run_id}"] = asked.get("find", "")
        for key, name in _MARKS.items():
            st.session_state[f"{key}-{run_id}"] = name in asked
        if asked.get("sort") in results_table.sortable(table):
            st.session_state[f"order-{run_id}"] = asked["sort"]
        columns = {_name(column): column for column in results_table.all_columns(table)}
        if chosen := [columns[one] for one in asked.get("columns", "").split(",") if one in columns]:
            st.session_state[f"columns-{run_id}"] = chosen
        if asked.get("as") == "table":
            st.session_state[f"view-as-{run_id}"] = TABLE
        if asked.get("page", "").isdecimal():
            st.session_state[f"asked-page-{run_id}"] = int(asked["page"])


def page_of(run_id: str, page_key: str, pages: Callable[[], int]) -> int:
    """The number of the page to show; at first, what the address says, as far as there are so many `pages`."""
    if (asked := st.session_state.pop(f"asked-page-{run_id}", None)) is not None:
        st.session_state[page_key] = max(1, min(asked, pages()))
    return int(st.session_state.get(page_key) or 1)


def keep(run_id: str, table: ResultTable, page: int) -> None:
    """Have the address say how the result is looked at, and which page of it."""
    state = st.session_state
    columns = list(state.get(f"columns-{run_id}") or results_table.default_columns(table))
    order = str(state.get(f"order-{run_id}") or "")
    view = {
        "find": str(state.get(f"search-{run_id}") or ""),
        **outcome_bar.asked(run_id),
        "errors": ",".join(_digest(name) for name in state.get(f"errors-{run_id}") or ()),
        "groups": ",".join(state.get(f"groups-{run_id}") or ()),
        "sort": "" if order == results_table.INPUT_ORDER else order,
        "columns": ",".join(map(_name, columns)) if columns != results_table.default_columns(table) else "",
        "as": "table" if state.get(f"view-as-{run_id}") == TABLE else "",
        "page": str(page) if page > 1 else "",
        **{name: "yes" if state.get(f"{key}-{run_id}") else "" for key, name in _MARKS.items()},
    }
    selection.keep_view(Place.RUN, view, run_id)


def _name(column: str) -> str:
    """What a column is called in the address; one that is not ours by its digest."""
    return column if column in results_table.TITLES else _digest(column)


def _digest(text: str) -> str:
    """A short name of an error, or of a column: it may be long, and addresses end up in logs."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def draw_search(run_id: str) -> None:
    """Draw the field that looks through all rows."""
    st.text_input(
        "Search",
        key=f"search-{run_id}",
        placeholder="Find in prompts, answers, keys",
        type="search",
        max_chars=500,
        width=230,
        label_visibility="collapsed",
        persist_state="session",
    )


def draw_more(run_id: str, table: ResultTable) -> None:
    """Draw the finer filters, folded away; its label says how many are at work."""
    at_work = sum(bool(st.session_state.get(f"{name}-{run_id}")) for name in ("outcomes", "errors", "groups", "marked"))
    with st.popover(f"Filter ({at_work})" if at_work else "Filter", key=f"filter-{run_id}"):
        outcome_bar.draw_kinds(run_id, table.counts())
        _draw_multiselect("Errors", f"errors-{run_id}", _error_labels(table))
        _draw_multiselect("Groups", f"groups-{run_id}", _group_labels(table))
        if table.marks():
            st.toggle("Only rows with a mark or a note", key=f"marked-{run_id}", persist_state="session")


def draw_clear(run_id: str, table: ResultTable) -> None:
    """Offer to take all filters back, while there are any."""
    if current(run_id, table):
        st.button("Clear the filter", key=f"clear-{run_id}", type="tertiary", on_click=_clear, args=(run_id,))


def current(run_id: str, table: ResultTable) -> Filter:
    """What the controls of a run say now, wherever on the page one asks."""
    state = st.session_state
    return Filter(
        search=str(state.get(f"search-{run_id}") or "").strip(),
        outcomes=outcome_bar.selected_outcomes(run_id),
        errors=tuple(state.get(f"errors-{run_id}") or ()),
        groups=tuple(state.get(f"groups-{run_id}") or ()),
        keys=tuple(sorted(table.marks())) if state.get(f"marked-{run_id}") else (),
    )


def _draw_multiselect(title: str, key: str, labels: dict[str, str]) -> None:
    """Several of a few; nothing where there is nothing to choose."""
    if labels:
        st.multiselect(
            title,
            list(labels),
            format_func=_label_lookup(labels),
            key=key,
            placeholder="All",
            persist_state="session",
        )


def _label_lookup(labels: dict[str, str]) -> Callable[[str], str]:
    return lambda value: labels.get(value, value)


def _error_labels(table: ResultTable) -> dict[str, str]:
    """What went wrong, most frequent first, with the number of rows."""
    rows = table.errors().groupby("error", sort=False)["rows"].sum().sort_values(ascending=False, kind="stable")
    largest = rows.head(MAX_CHOICES).items()
    return {str(error): f"{number:,} × {truncate(str(error), LABEL_CHARACTERS)}" for error, number in largest}


def _group_labels(table: ResultTable) -> dict[str, str]:
    """The plan's groups, largest first, each with the beginning of one of its prompts."""
    return {
        group: f"{plural(rows, 'row')} like: {truncate(' '.join(str(example).split()), LABEL_CHARACTERS)}"
        for group, rows, example in table.groups(MAX_CHOICES).itertuples(index=False)
    }


def _clear(run_id: str) -> None:
    outcome_bar.clear(run_id)
    for name, empty in (("search", ""), ("errors", []), ("groups", []), ("marked", False)):
        st.session_state[f"{name}-{run_id}"] = empty
