"""While you were away: a line about the runs whose end nobody has read yet; it goes when read, and stays gone.

Whether an ending was read is kept with the run on the server, so that neither a reload nor another browser brings it
back. What ends while the page is open counts as read, unless the browser says that the page was out of sight.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import streamlit as st

from batch.formatting import plural
from batch.model import RunState
from batch.responses.outcome_groups import OutcomeGroup, group_counts, is_mostly_cut_off
from batch.responses.spreadsheet_text import headline
from lifecycle.core.models import Account, RunLine
from lifecycle.runner import Runner
from ui.shared import selection
from ui.shared.app_state import get_state
from ui.shared.format import ENDINGS, truncate
from ui.shared.notices import escape_markdown

MAX_RUNS = 50  # whose end is told by name; of more there is their number
MAX_LISTED = 12
NAME_CHARACTERS = 40
_VISITED, _AWAY, _ENDED_HERE = "visited_account", "ended_away", "ended_here"


def draw(runner: Runner, account: Account | None) -> None:
    """Tell what ended since the last visit.

    There is always a container, so that what follows keeps its place in the page, and what is being typed in it.
    """
    with st.container(key="since-last-visit"):
        lines, number = _unread(runner, account) if account else ([], 0)
        if account and lines:
            _draw(account, lines, number)


def _unread(runner: Runner, account: Account) -> tuple[list[RunLine], int]:
    """The endings to tell, and how many there are. What has ended meanwhile before the visitor's eyes is read."""
    lines, number = runner.run_table.unread_endings(account, MAX_RUNS)
    if st.session_state.get(_VISITED) != account.owner_id:
        st.session_state[_VISITED], st.session_state[_ENDED_HERE] = account.owner_id, []
        st.session_state[_AWAY] = {line.id for line in lines}
    away: set[str] = st.session_state[_AWAY]
    seen = [line for line in lines if line.id not in away and number <= MAX_RUNS]
    known = {line.id for line in ended_here()}
    st.session_state[_ENDED_HERE] += [line for line in seen[::-1] if line.id not in known]
    opened = [line.id for line in lines if line.id == st.query_params.get("run")]
    runner.run_table.mark_endings(account, [*(line.id for line in seen), *opened])
    left = [line for line in lines if line not in seen and line.id not in opened]
    return left, number - (len(lines) - len(left))


def ended_here() -> list[RunLine]:
    """Runs that ended while this page was open, in the order of their ends."""
    lines: list[RunLine] = st.session_state.get(_ENDED_HERE, [])
    return lines


def add_unseen(account: Account, run_ids: Iterable[str]) -> None:
    """Tell of runs as well that ended here while the page was out of sight."""
    ended = {line.id for line in ended_here()}
    unseen = [run_id for run_id in run_ids if run_id in ended and run_id not in st.session_state[_AWAY]]
    st.session_state[_AWAY].update(unseen)
    get_state().runner.run_table.mark_endings(account, unseen, read=False)


def _draw(account: Account, lines: Sequence[RunLine], number: int) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="away"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"While you were away, {tell(lines, number)}", width="content")
            if number == 1:
                _open_button(account, lines[0], "Open")
            else:
                with st.popover("Which", type="tertiary"):
                    _list(account, lines, number)
        st.button(
            "Read", key="read-endings", icon=":material/check:", type="tertiary", on_click=_read_all, args=(account,)
        )


def _list(account: Account, lines: Sequence[RunLine], number: int) -> None:
    for line in lines[:MAX_LISTED]:
        _open_button(account, line, f"{truncate(line.title, NAME_CHARACTERS)}: {line.words}")
    if number > MAX_LISTED:
        st.caption(f"{number - MAX_LISTED:,} more are in the list of runs.")


def _open_button(account: Account, line: RunLine, label: str) -> None:
    st.button(
        escape_markdown(label),
        key=f"ended-run-{line.id}",
        type="tertiary",
        on_click=_open,
        args=(account, line.id),
    )


def tell(lines: Sequence[RunLine], number: int) -> str:
    """What ended, in Markdown: "**invoices** ended: 301 of 320 rows good, 6 to decide." or "3 runs ended: …"."""
    if number == 1:
        return f"**{escape_markdown(truncate(lines[0].title, NAME_CHARACTERS))}** {escape_markdown(how(lines[0]))}."
    attention = sum(line.attention for line in lines)
    more = f"{attention:,} {'row needs' if attention == 1 else 'rows need'} attention" if attention else "all good"
    return f"**{escape_markdown(plural(number, 'run'))} ended**: {escape_markdown(more)}."


def how(line: RunLine) -> str:
    """How a run ended: "ended: 301 of 320 rows good, 6 to decide", "failed: the key was refused".

    Of one stopped at its budget: "stopped at its budget, 610 rows not sent: 301 of 911 rows good".
    """
    if line.state is RunState.CANCELLED:
        return f"was {line.words}"
    if line.state is RunState.FAILED:
        return line.words
    groups = group_counts(line.counts, line.rows)
    groups[OutcomeGroup.TRY_AGAIN] = max(0, groups[OutcomeGroup.TRY_AGAIN] - line.held_back_rows)  # told first
    ended = line.words if line.held_back_rows else "ended"
    others = [
        f"{groups[group]:,} {group}"
        for group in (OutcomeGroup.DECIDE, OutcomeGroup.LOST, OutcomeGroup.TRY_AGAIN)
        if groups[group]
    ]
    if not others and not line.held_back_rows:
        return f"ended: all {line.rows:,} rows good" if line.rows != 1 else "ended: its one row is good"
    good = f"{groups[OutcomeGroup.GOOD]:,} of {plural(line.rows, 'row')} good"
    return f"{ended}: {', '.join([good, *others])}"


def counts_line(line: RunLine) -> str:
    """How a run ended in numbers alone: "20 answered, 2 need attention"; what else is to be known comes first."""
    if line.held_back_rows or is_mostly_cut_off(line.counts, line.rows):
        return line.words
    if not any(line.counts.values()):
        return "nothing came back"
    return headline(ENDINGS[line.state], line.counts).partition(": ")[2]


def _read_all(account: Account) -> None:
    """Everything that is told of is read, also what there was no room for."""
    table = get_state().runner.run_table
    while lines := table.unread_endings(account, MAX_RUNS)[0]:
        table.mark_endings(account, [line.id for line in lines])


def _open(account: Account, run_id: str) -> None:
    get_state().runner.run_table.mark_endings(account, [run_id])
    selection.select(run_id)
