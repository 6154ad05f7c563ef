"""What has come back of a run that is under way, live: rows of its jobs that have ended."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from batch.formatting import plural
from batch.model import Outcome
from lifecycle.core.models import Account, RunView
from lifecycle.runner import Runner
from ui.results.table import CELL_CHARACTERS, HEADER_PIXELS, ROW_PIXELS, VISIBLE_ROWS, WIDTHS, outcome_column
from ui.shared.format import outcome

ROWS_PER_PAGE = 50


def draw(runner: Runner, account: Account, run: RunView) -> None:
    """Draw a page of it, to be called in a fragment that ticks."""
    page_key = f"so-far-page-{run.id}"
    first = (int(st.session_state.get(page_key) or 1) - 1) * ROWS_PER_PAGE
    found = runner.runs.so_far(account, run.id, first, ROWS_PER_PAGE, CELL_CHARACTERS)
    if not found.total:
        st.caption("Results appear here by themselves as each job ends.")
        return
    last = min(first + ROWS_PER_PAGE, found.total)
    st.caption(
        f"{found.total:,} of {plural(run.rows, 'row')} came back so far, {first + 1:,} to {last:,} are shown. "
        "When the run ends, every row is accounted for, and all can be searched, sorted and exported."
    )
    frame = pd.DataFrame(
        [([outcome(Outcome(line.outcome))], line.text or line.error, line.asked, line.key) for line in found.lines],
        columns=["Outcome", "Answer", "What differs", "Key"],
    )
    st.dataframe(
        frame,
        key=f"so-far-{run.id}-{first}",
        column_config={
            "Outcome": outcome_column(),
            "Answer": st.column_config.Column(width=WIDTHS["text"]),
        },
        hide_index=True,
        height=HEADER_PIXELS + ROW_PIXELS * min(max(1, len(frame)), VISIBLE_ROWS),
        row_height=ROW_PIXELS,
        placeholder="",
        alt="Rows that came back so far",
    )
    if found.total > ROWS_PER_PAGE:
        st.pagination(-(-found.total // ROWS_PER_PAGE), key=page_key, max_visible_pages=5)
