"""What is searched for, which group of runs is shown, in which order, and which page."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping

import streamlit as st

from batch.responses.outcome_groups import RunGroup
from lifecycle.core.models import RunQuery, RunSort
from ui.shared import selection
from ui.shared.selection import Place

ALL = "all"
PAGE_SIZE = 25
TEXT, GROUP, ORDER, RETRIES = "runs-text", "runs-group", "runs-order", "runs-retries"
GROUPS = (ALL, *(group.value for group in RunGroup))
LABELS = {ALL: "All", **{group.value: group.value.capitalize() for group in RunGroup}}
ORDERS = {
    "Newest first": (RunSort.SUBMITTED, True),
    "Oldest first": (RunSort.SUBMITTED, False),
    "By name": (RunSort.NAME, False),
    "By state": (RunSort.STATE, False),
    "Most rows first": (RunSort.ROWS, True),
    "Most to attend to first": (RunSort.ATTENTION, True),
    "Dearest first": (RunSort.COST, True),
    "Longest first": (RunSort.TOOK, True),
}
NEWEST = "Newest first"


def current() -> RunQuery:
    """What the controls say now; at first, what the address says."""
    asked = selection.arrived(Place.RUNS)
    defaults = {
        TEXT: asked.get("find", ""),
        GROUP: _one_of(asked.get("show"), GROUPS),
        ORDER: _one_of(asked.get("sort"), ORDERS),
        RETRIES: asked.get("retries") != "no",
    }
    for name, default in defaults.items():
        st.session_state.setdefault(name, default)
    group = str(st.session_state[GROUP] or ALL)
    sort, descending = ORDERS.get(str(st.session_state[ORDER]), ORDERS[NEWEST])
    return RunQuery(
        text=str(st.session_state[TEXT] or "")[:200],
        group=None if group == ALL else RunGroup(group),
        sort=sort,
        descending=descending,
        ended_only=True,
        retries=bool(st.session_state[RETRIES]),
        first=(int(st.session_state.get(page_key()) or 1) - 1) * PAGE_SIZE,
        limit=PAGE_SIZE,
    )


def keep() -> None:
    """Have the address say so."""
    state, first = st.session_state, {GROUP: ALL, ORDER: NEWEST}
    view = {"find": str(state[TEXT] or ""), "retries": "" if state[RETRIES] else "no"}
    view |= {
        name: "" if state[key] == first[key] else str(state[key]) for name, key in (("show", GROUP), ("sort", ORDER))
    }
    selection.keep_view(Place.RUNS, view)


def _one_of(asked: str | None, known: Collection[str]) -> str:
    """What was asked for, the first of what there is if it is not among it: anyone can write an address."""
    return asked if asked is not None and asked in known else next(iter(known))


def is_set() -> bool:
    """Whether anything is left out."""
    return bool(st.session_state.get(TEXT)) or st.session_state.get(GROUP, ALL) != ALL


def clear() -> None:
    """Show all runs."""
    st.session_state[TEXT], st.session_state[GROUP] = "", ALL


def page_key() -> str:
    """The key of the page's number: another question has another, and begins at its first page."""
    asked = [str(st.session_state.get(name)) for name in (TEXT, GROUP, ORDER, RETRIES)]
    return f"runs-page-{hashlib.sha256(repr(asked).encode()).hexdigest()[:12]}"


def show(group: RunGroup) -> None:
    """Show one group."""
    clear()
    st.session_state[GROUP] = group.value


def draw(counts: Mapping[RunGroup, int]) -> None:
    """Draw the controls, each group with its number."""
    numbers = {ALL: sum(counts.values()), **{group.value: number for group, number in counts.items()}}
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="runs-filters"):
        st.text_input(
            "Find a run",
            key=TEXT,
            type="search",
            placeholder="Name, tag, model or id",
            label_visibility="collapsed",
            width=180,
            persist_state="session",
        )
        st.segmented_control(
            "Runs that are",
            GROUPS,
            key=GROUP,
            required=True,
            format_func=lambda name: f"{LABELS[name]} {numbers[name]:,}",
            label_visibility="collapsed",
            persist_state="session",
        )
        st.selectbox(
            "Order",
            list(ORDERS),
            key=ORDER,
            label_visibility="collapsed",
            width=170,
            persist_state="session",
        )
