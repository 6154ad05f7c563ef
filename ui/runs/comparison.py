"""Two to four runs side by side in numbers; two of them row by row where their results are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

import streamlit as st

from batch.formatting import money
from batch.responses.outcome_groups import OutcomeGroup, group_counts
from lifecycle.core.models import Account, RunLine
from lifecycle.runner import Runner
from ui.shared import browser_actions, model_list, selection, session
from ui.shared.format import duration, local_time

FEWEST, MOST = 2, 4
_OPEN = "runs_compared"
EACH = 1_000  # good rows that a price is given for


def open_for(run_ids: Sequence[str]) -> None:
    """Show these runs side by side."""
    st.session_state[_OPEN] = list(run_ids)


def close() -> None:
    """Show none."""
    st.session_state.pop(_OPEN, None)


def draw(runner: Runner, account: Account) -> None:
    """Draw the comparison that was asked for."""
    lines = sorted(runner.run_table.lines(account, st.session_state.get(_OPEN, [])), key=lambda line: line.created_at)
    if len(lines) < FEWEST:
        return
    with st.container(border=True, key="runs-comparison", gap="small"):
        st.html(table(lines))
        with st.container(horizontal=True, gap="small"):
            if len(lines) == FEWEST:
                st.button("Row by row", key="runs-row-by-row", on_click=_open_rows, args=(lines[-1].id, lines[0].id))
            st.button("Close", key="runs-comparison-close", type="tertiary", on_click=close)


def table(lines: Sequence[RunLine]) -> str:
    """The numbers as HTML in which nothing of a name is markup."""
    head = "".join(f'<th scope="col">{escape(line.title)}<small>{escape(line.words)}</small></th>' for line in lines)
    body = "".join(_row(name, [of(line) for line in lines]) for name, of in FACTS.items())
    return (
        '<div class="gbr-grid" role="region" tabindex="0" aria-label="Runs side by side"><table>'
        "<caption>Runs side by side</caption>"
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(name: str, values: Sequence[str]) -> str:
    cells = "".join(f'<td class="number">{escape(value)}</td>' for value in values)
    return f'<tr><th scope="row">{name}</th>{cells}</tr>'


def _group(group: OutcomeGroup) -> Callable[[RunLine], str]:
    def rows(line: RunLine) -> str:
        number = group_counts(line.counts, line.rows if line.ended_at else 0)[group]
        return f"{number:,} ({number / line.rows:.0%})" if line.rows else f"{number:,}"

    return rows


def _cost(line: RunLine) -> str:
    return f"{'at least ' if line.usd_at_least and line.usd is not None else ''}{money(line.usd)}"


def _cost_each(line: RunLine) -> str:
    good = group_counts(line.counts)[OutcomeGroup.GOOD]
    return "\u2013" if line.usd is None or not good else money(line.usd / good * EACH)


FACTS: dict[str, Callable[[RunLine], str]] = {
    "Model": lambda line: model_list.display_name(line.model),
    "Submitted": lambda line: f"{local_time(line.created_at, session.time_zone()):%a %d %b, %H:%M}",
    "Took": lambda line: "\u2013" if line.took_seconds is None else duration(line.took_seconds),
    "Rows": lambda line: f"{line.rows:,}",
    "Good": _group(OutcomeGroup.GOOD),
    "To try again": _group(OutcomeGroup.TRY_AGAIN),
    "To decide": _group(OutcomeGroup.DECIDE),
    "Lost": _group(OutcomeGroup.LOST),
    "Cost": _cost,
    f"Cost of {EACH:,} good rows": _cost_each,
}


def _open_rows(run_id: str, other_id: str) -> None:
    """Open the later run at its comparison with the earlier, whose first row stands open."""
    st.session_state[f"compare-with-{run_id}"] = other_id
    st.session_state["compare"] = True
    selection.select(run_id)
    browser_actions.request("scroll", "compare")
