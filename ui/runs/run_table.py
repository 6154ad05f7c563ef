"""A page of the table: a click on a name opens the run, ticks choose what is done to several."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from batch.formatting import money, plural
from batch.model import RunState
from batch.responses.outcome_groups import OutcomeGroup, RunGroup
from lifecycle.core.models import RunLine, RunPage, RunQuery
from ui.runs import filters, ticked
from ui.shared import model_list, selection, session
from ui.shared.format import Colour, duration, local_time, truncate

NAME_CHARACTERS = 60
ROW_HEIGHT, HEADER_HEIGHT = 33, 37  # pixels, the frame's included
PAGES_WIDTH = 320  # with less given, pages are left out
GROUP_COLOURS: dict[RunGroup, Colour] = {
    RunGroup.RUNNING: "blue",
    RunGroup.DECIDE: "violet",
    RunGroup.TRY_AGAIN: "orange",
    RunGroup.GOOD: "green",
    RunGroup.ENDED_EARLY: "gray",
}


def colour(line: RunLine) -> Colour:
    """The colour of a run's state: by what it asks for, and red only for what is lost."""
    if line.state is RunState.FAILED or line.words.endswith(OutcomeGroup.LOST.value):
        return "red"
    return GROUP_COLOURS[line.group]


def title(line: RunLine) -> str:
    """What stands in the first column: a retry names its parent."""
    if line.retry:
        return f"↳ retry {line.retry} of {truncate(line.parent_name or line.parent_id, NAME_CHARACTERS)}"
    return truncate(line.title, NAME_CHARACTERS)


def draw(page: RunPage, query: RunQuery) -> None:
    """Draw the lines and, below, where in the table they are."""
    shown = [line.id for line in page.lines]
    name = f"{ticked.version()}-{hashlib.sha256(' '.join(shown).encode()).hexdigest()[:12]}"
    table_key, click_key = f"runs-table-{name}", f"runs-open-{name}"
    st.dataframe(
        frame(page.lines),
        key=table_key,
        column_config=_columns(page.lines, click_key, shown),
        hide_index=True,
        on_select=lambda: _on_tick(table_key, shown),
        selection_mode="multi-row",
        selection_default={"selection": {"rows": [n for n, run_id in enumerate(shown) if run_id in ticked.ids()]}},
        placeholder="\u2013",
        row_height=ROW_HEIGHT,
        height=len(page.lines) * ROW_HEIGHT + HEADER_HEIGHT,
        alt="Runs with their state, rows, cost and date",
    )
    first = min(query.first, max(0, (page.total - 1) // query.limit * query.limit))
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        noun = "run" if query.group is RunGroup.RUNNING else "ended run"
        st.caption(f"{first + 1:,} to {first + len(page.lines):,} of {plural(page.total, noun)}", width="content")
        st.toggle("Show retries", key=filters.RETRIES, persist_state="session")
        if page.total > query.limit:
            st.pagination(-(-page.total // query.limit), key=filters.page_key(), max_visible_pages=7, width=PAGES_WIDTH)


def frame(lines: Sequence[RunLine]) -> pd.DataFrame:
    """The lines as they are read."""
    zone = session.time_zone()
    cells: dict[str, Any] = {
        "Name": [title(line) for line in lines],
        "State": [[line.words] for line in lines],
        "Rows": [line.rows for line in lines],
        "Need attention": pd.array([line.attention or None for line in lines], dtype="Int64"),
        "Cost": [_cost(line) for line in lines],
        "Submitted": [local_time(line.created_at, zone) for line in lines],
        "Took": [None if line.took_seconds is None else duration(line.took_seconds) for line in lines],
        "Tags": [list(line.tags) for line in lines],
        "Model": [model_list.display_name(line.model) for line in lines],
    }
    return pd.DataFrame(cells)


def _columns(lines: Sequence[RunLine], click_key: str, shown: Sequence[str]) -> dict[str, Any]:
    colours = {line.words: colour(line) for line in lines}
    config = st.column_config
    return {
        "Name": config.ButtonColumn(
            type="tertiary", width=185, alignment="left", key=click_key, on_click=_on_open, args=(click_key, shown)
        ),
        "State": config.MultiselectColumn(width=170, options=list(colours), color=list(colours.values())),
        "Rows": config.NumberColumn(width=60, format="localized"),
        "Need attention": config.NumberColumn(width=110, format="localized"),
        "Cost": config.TextColumn(width=80, alignment="right"),
        "Submitted": config.DatetimeColumn(width=130, format="ddd D MMM, HH:mm"),
        "Took": config.TextColumn(width=90, alignment="right"),
        "Tags": config.ListColumn(width=110),
        "Model": config.TextColumn(width=150),
    }


def _cost(line: RunLine) -> str | None:
    if line.usd is None:
        return None
    return f"{'at least ' if line.usd_at_least else ''}{money(line.usd)}"


def _on_tick(table_key: str, shown: Sequence[str]) -> None:
    rows = st.session_state[table_key]["selection"]["rows"]
    ticked.update(shown, [shown[row] for row in rows if row < len(shown)])


def _on_open(click_key: str, shown: Sequence[str]) -> None:
    click = st.session_state.get(click_key)
    if click is not None and 0 <= click["row"] < len(shown):
        selection.select(shown[click["row"]])
