"""Vectors that came back: how many and how long, and which rows are nearest to one, as a check of sanity."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from batch.errors import BatchRunnerError, NotFound
from batch.formatting import money, plural
from lifecycle.core.models import RunView
from lifecycle.results.read.table import ResultTable
from lifecycle.results.read.vectors import Neighbour, VectorFacts, VectorTable
from ui.shared.format import truncate
from ui.shared.notices import escape_markdown

NEAREST = 8
PROMPT_CHARACTERS = 300


def draw_facts(run: RunView, table: ResultTable) -> None:
    """Say how many vectors there are, of how many numbers, and what is odd about them."""
    try:
        facts = VectorTable(table).facts
    except NotFound:
        st.caption("No vector came back. The outcomes below say why.")
        return
    with st.container(border=True, key="vectors"):
        with st.container(horizontal=True, gap="medium"):
            st.metric("Vectors", f"{facts.count:,}", width="content")
            st.metric("Dimensions", f"{facts.dimensions:,}", width="content")
            st.metric("Rows without one", f"{table.reconciliation.sent - facts.count:,}", width="content")
            st.metric("Cost", money(run.actual_usd), width="content")
        for note in describe(facts):
            st.caption(escape_markdown(note))


def describe(facts: VectorFacts) -> list[str]:
    """What a user should know before he searches among them."""
    notes = [f"Made for the task {facts.task}."] if facts.task else []
    length = "Each has length one." if facts.normalised else "They do not have length one; the exports can make it so."
    zeros = plural(facts.zero_vectors, "vector is", "vectors are")
    return [*notes, length, *([f"{zeros} all zeros, near nothing."] if facts.zero_vectors else [])]


def draw_nearest(table: ResultTable, key: str) -> None:
    """List the rows whose vectors are most like that of one row; if they make sense, the vectors do."""
    with st.container(border=True, key="nearest"):
        st.markdown(f"**Nearest to {escape_markdown(truncate(key, 80))}**")
        try:
            found = VectorTable(table).nearest(key, NEAREST)
        except BatchRunnerError as error:
            st.caption(escape_markdown(error.describe()))
            return
        st.dataframe(
            nearest_frame(found),
            hide_index=True,
            placeholder="",
            alt=f"The rows nearest to {truncate(key, 80)}",
            height="content",
            column_config={
                "Likeness": st.column_config.ProgressColumn(min_value=0.0, max_value=1.0, format="%.3f", width=110)
            },
        )


def nearest_frame(found: list[Neighbour]) -> pd.DataFrame:
    """Neighbours as they are read, nearest first. A likeness below none at all is none."""
    return pd.DataFrame(
        {
            "Likeness": [max(0.0, one.similarity) for one in found],
            "Key": [one.key for one in found],
            "Text": [truncate(one.prompt, PROMPT_CHARACTERS) for one in found],
        }
    )
