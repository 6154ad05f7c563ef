"""What narrows the table of results: outcomes, a search, errors, and the plan's groups."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from batch.formatting import plural
from lifecycle.results.read.table import Filter, ResultTable
from ui.results import outcome_bar
from ui.shared.format import truncate

MAX_CHOICES = 200
LABEL_CHARACTERS = 90


def draw(run_id: str, table: ResultTable) -> Filter:
    """Draw the controls and return what they say."""
    outcome_bar.draw(run_id, table.counts())
    with st.container(horizontal=True, gap="small"):
        st.text_input(
            "Search",
            key=f"search-{run_id}",
            placeholder="In prompts, answers and keys",
            type="search",
            max_chars=500,
            width=320,
        )
        _draw_multiselect("Errors", f"errors-{run_id}", _error_labels(table))
        _draw_multiselect("Groups", f"groups-{run_id}", _group_labels(table))
    return current(run_id)


def draw_shortcuts(run_id: str, table: ResultTable) -> None:
    """The two filters that are a click away: what needs attention, and none."""
    outcome_bar.draw_attention(run_id, table.counts())
    if current(run_id):
        st.button("Clear the filter", key=f"clear-{run_id}", on_click=_clear, args=(run_id,))


def current(run_id: str) -> Filter:
    """What the controls of a run say now, wherever on the page one asks."""
    state = st.session_state
    return Filter(
        search=str(state.get(f"search-{run_id}") or "").strip(),
        outcomes=outcome_bar.selected_outcomes(run_id),
        errors=tuple(state.get(f"errors-{run_id}") or ()),
        groups=tuple(state.get(f"groups-{run_id}") or ()),
    )


def _draw_multiselect(title: str, key: str, labels: dict[str, str]) -> None:
    """Several of a few; nothing where there is nothing to choose."""
    if labels:
        st.multiselect(title, list(labels), format_func=_label_lookup(labels), key=key, placeholder="All", width=320)


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
    for name, empty in (("search", ""), ("outcomes", []), ("errors", []), ("groups", [])):
        st.session_state[f"{name}-{run_id}"] = empty
