"""The line above the table: what can be done with the runs that are ticked. It is always there, so nothing jumps."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from batch.formatting import money, plural
from batch.responses.outcome_groups import RunGroup
from lifecycle.core.models import Account, RunLine
from lifecycle.runner import Runner
from ui.runs import comparison, dialogs, export_runs, ticked
from ui.shared.notices import escape_markdown


def draw(runner: Runner, account: Account, lines: Sequence[RunLine]) -> None:
    """Draw the line for these ticked runs."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="runs-bar"):
        if not lines:
            st.caption("Tick runs to compare, export, tag or delete them.")
            return
        st.markdown(f"**{len(lines):,} selected**", width="content")
        few = comparison.FEWEST <= len(lines) <= comparison.MOST
        st.button(
            "Compare",
            key="runs-compare",
            disabled=not few,
            help=None if few else f"Of {comparison.FEWEST} to {comparison.MOST} runs.",
            on_click=comparison.open_for,
            args=([line.id for line in lines],),
        )
        export_runs.draw(runner, account, lines)
        if st.button("Tag", key="runs-tag"):
            dialogs.tag(runner, account, lines)
        if st.button("Rename", key="runs-rename", disabled=len(lines) != 1, help=_only_one(lines)):
            dialogs.rename(lines[0])
        if st.button("Delete", key="runs-delete"):
            dialogs.delete(lines)
        st.caption(escape_markdown(totals(lines)), width="content")
        st.button("Select none", key="runs-none", type="tertiary", on_click=ticked.clear)


def totals(lines: Sequence[RunLine]) -> str:
    """What they come to: "2,850 rows · $3.45"."""
    known = [line.usd for line in lines if line.usd is not None]
    at_least = len(known) < len(lines) or any(line.usd_at_least for line in lines)
    running = sum(line.group is RunGroup.RUNNING for line in lines)
    parts = [plural(sum(line.rows for line in lines), "row")]
    if known:
        parts.append(f"{'at least ' if at_least else ''}{money(sum(known))}")
    return " · ".join([*parts, *([f"{running:,} still running"] if running else [])])


def _only_one(lines: Sequence[RunLine]) -> str | None:
    return "Tick one run to rename it." if len(lines) != 1 else None
