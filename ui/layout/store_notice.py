"""One plain line while the database is away: the page waits for it, and goes on by itself."""

from __future__ import annotations

import streamlit as st

from batch.errors import BatchRunnerError
from lifecycle.runner import Runner
from ui.shared.notices import escape_markdown

LOOK_AGAIN_SECONDS = 3


def draw(runner: Runner) -> bool:
    """Whether the database is away; then that is all that the page shows."""
    trouble = runner.store_trouble()
    if trouble is not None:
        _wait(runner)
    return trouble is not None


@st.fragment(run_every=LOOK_AGAIN_SECONDS)
def _wait(runner: Runner) -> None:
    trouble = runner.store_trouble()
    if trouble is None:
        st.rerun()
    else:
        draw_line(trouble)


def draw_line(trouble: BatchRunnerError) -> None:
    """The line itself."""
    st.warning(escape_markdown(f"{trouble} {trouble.remedy}"))
