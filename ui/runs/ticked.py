"""Which runs are ticked: kept by id, so that neither a page nor an order loses one."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

_TICKED, _VERSION = "runs_ticked", "runs_ticked_version"


def ids() -> list[str]:
    """The ticked runs, in the order in which they were ticked."""
    found: list[str] = st.session_state.get(_TICKED, [])
    return found


def keep(run_ids: Sequence[str]) -> None:
    """Take these for all that is ticked: others are gone."""
    st.session_state[_TICKED] = list(run_ids)


def update(shown: Sequence[str], chosen: Sequence[str]) -> None:
    """Of the runs that are shown, these are ticked now; what is ticked on other pages stays."""
    others = [run_id for run_id in ids() if run_id not in shown or run_id in chosen]
    keep([*others, *(run_id for run_id in chosen if run_id not in others)])


def clear() -> None:
    """Tick none."""
    keep([])
    st.session_state[_VERSION] = version() + 1


def version() -> int:
    """Changes when ticks change otherwise than by a click on them: the table is drawn anew then."""
    number: int = st.session_state.get(_VERSION, 0)
    return number
