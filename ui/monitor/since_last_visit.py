"""Finished while you were away: which runs have ended since this browser last looked, and how.

What a browser has seen is one of its preferences, for each account: when the last ended run that it knew had ended, and
the endings that were shown and not dismissed. With cookies blocked every visit is the first, and shows nothing.

A browser writes its cookie some time after the click, and a reload may come before it. So the server keeps what a
browser has dismissed, and a cookie that is late brings nothing back.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import streamlit as st

from batch.errors import NotFound
from batch.formatting import plural
from batch.responses.spreadsheet_text import headline
from lifecycle.core.models import Account, RunView
from lifecycle.runner import Runner
from ui.shared import preferences, selection
from ui.shared.app_state import get_state
from ui.shared.format import COLOURS, ENDINGS, truncate
from ui.shared.notices import escape_markdown

PREFIX = "ended-"
MAX_RUNS = 12  # as many ids as a preference has room for
MAX_SHOWN = 5
MAX_ACCOUNTS = 5
_VISITED, _ENDED_HERE = "visited_account", "ended_here"


class SeenRuns(NamedTuple):
    """Runs that ended up to `until` (milliseconds) are known to this browser; `unseen` are yet to be shown."""

    until: int = 0
    unseen: tuple[str, ...] = ()


def parse_seen(text: str) -> SeenRuns | None:
    """A preference as it was written; None for anything else, since anyone can edit it."""
    until, *unseen = text.split(".")
    if not until.isdecimal() or len(until) > 15 or not all(name.isalnum() for name in unseen):
        return None
    return SeenRuns(int(until), tuple(unseen[:MAX_RUNS]))


def format_seen(seen: SeenRuns) -> str:
    return ".".join([str(seen.until), *seen.unseen[:MAX_RUNS]])


def ended_at_ms(run: RunView) -> int:
    """When a run ended, rounded up, so that it is not taken for a later one."""
    return math.ceil(run.ended_at.timestamp() * 1000) if run.ended_at else 0


def draw(runner: Runner, account: Account | None) -> None:
    """Remember what has ended, and show what ended since the last visit.

    There is always a container, so that what follows keeps its place in the page, and what is being typed in it.
    """
    with st.container(key="since-last-visit"):
        runs = _unseen_runs(runner, account) if account else []
        if account and runs:
            _draw(account, runs)


def _unseen_runs(runner: Runner, account: Account) -> list[RunView]:
    """The endings to show; what the browser has seen is brought up to date."""
    seen, browser = parse_seen(preferences.recall(_preference_name(account))), preferences.browser_id()
    is_first_visit = st.session_state.get(_VISITED) != account.owner_id
    st.session_state[_VISITED] = account.owner_id
    if is_first_visit:
        st.session_state[_ENDED_HERE] = []
    ended = runner.runs.ended_since(account, seen.until / 1000 if seen else 0.0, MAX_RUNS)
    unseen = seen.unseen if seen else ()
    if seen and is_first_visit:
        unseen = (*(run.id for run in ended), *unseen)[:MAX_RUNS]
    elif not is_first_visit:
        st.session_state[_ENDED_HERE] += ended[::-1]
    dismissed = runner.runs.dismissed_endings(account, browser) if unseen else ()
    runs = list(_existing(runner, account, (run_id for run_id in unseen if run_id not in dismissed)))
    until = max([seen.until if seen else 0, *map(ended_at_ms, ended)])
    _save_seen(account, SeenRuns(until, tuple(run.id for run in runs)))
    return runs


def ended_here() -> list[RunView]:
    """Runs that ended while this page was open, in the order of their ends."""
    runs: list[RunView] = st.session_state.get(_ENDED_HERE, [])
    return runs


def add_unseen(account: Account, run_ids: Iterable[str]) -> None:
    """Show runs as well that ended here while the page was out of sight."""
    seen = parse_seen(preferences.recall(_preference_name(account))) or SeenRuns()
    ended_ids = {run.id for run in ended_here()}
    new_ids = [name for name in run_ids if name in ended_ids and name not in seen.unseen]
    _save_seen(account, seen._replace(unseen=(*new_ids, *seen.unseen)[:MAX_RUNS]))


def dismiss(account: Account, run_id: str = "") -> None:
    """Stop showing one run's ending, or all."""
    seen = parse_seen(preferences.recall(_preference_name(account))) or SeenRuns()
    dismissed = [name for name in seen.unseen if run_id in ("", name)]
    get_state().runner.runs.dismiss_endings(account, preferences.browser_id(), dismissed)
    _save_seen(account, seen._replace(unseen=tuple(name for name in seen.unseen if name not in dismissed)))


def _draw(account: Account, runs: Sequence[RunView]) -> None:
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            more = " or more" if len(runs) == MAX_RUNS else ""
            st.markdown(f"**While you were away, {plural(len(runs), 'run')}{more} ended.**", width="content")
            st.button("Dismiss", key="dismiss-endings", type="tertiary", on_click=dismiss, args=(account,))
        for run in runs[:MAX_SHOWN]:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                name = escape_markdown(truncate(run.name or run.id, 40))
                st.button(name, key=f"ended-run-{run.id}", type="tertiary", on_click=_open, args=(account, run.id))
                st.badge(escape_markdown(run.status_text), color=COLOURS[run.state])
                st.caption(escape_markdown(describe_ending(run)), width="content")
        if len(runs) > MAX_SHOWN:
            st.caption(f"{len(runs) - MAX_SHOWN} more stand in Monitor.")


def describe_ending(run: RunView) -> str:
    """How a run ended; why, if nothing came back."""
    return counts_line(run) if any(run.counts.values()) or not run.error else run.error


def counts_line(run: RunView) -> str:
    """How a run ended in numbers alone: "20 answered, 2 need attention"."""
    if not any(run.counts.values()):
        return "nothing came back"
    return headline(ENDINGS[run.state], run.counts).partition(": ")[2]


def _open(account: Account, run_id: str) -> None:
    dismiss(account, run_id)
    selection.select(run_id)


def _existing(runner: Runner, account: Account, run_ids: Iterable[str]) -> Iterable[RunView]:
    """Those that were not deleted."""
    for run_id in dict.fromkeys(run_ids):
        try:
            yield runner.runs.get(account, run_id)
        except NotFound:
            continue


def _preference_name(account: Account) -> str:
    return PREFIX + hashlib.sha256(account.owner_id.encode()).hexdigest()[:8]


def _save_seen(account: Account, seen: SeenRuns) -> None:
    """Keep it for the next visit, and of other accounts those that were seen last."""
    others = {name: parse_seen(preferences.recall(name)) or SeenRuns() for name in preferences.names(PREFIX)}
    others.pop(_preference_name(account), None)
    for name in sorted(others, key=lambda name: -others[name].until)[MAX_ACCOUNTS - 1 :]:
        preferences.forget(name)
    preferences.remember(**{_preference_name(account): format_seen(seen)})
