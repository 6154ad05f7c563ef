"""Finished while you were away: which runs have ended since this browser last looked, and how.

What a browser has seen is one of its preferences, for each account: when the last ended run that it knew had ended, and
the endings that it was told of and has not put aside. With cookies blocked every visit is the first, and says nothing.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import streamlit as st

from batch.errors import NotFound
from batch.formatting import count
from batch.responses.spreadsheet_text import headline
from lifecycle.core.models import Account, RunView
from lifecycle.runner import Runner
from ui.shared import preferences, selection
from ui.shared.format import COLOURS, ENDINGS, clipped
from ui.shared.notices import plain

PREFIX = "ended-"
MOST_RUNS = 12  # as many ids as a preference has room for
MOST_SHOWN = 5
MOST_ACCOUNTS = 5
_LOOKED, _HERE = "away_looked", "ended_here"


class Seen(NamedTuple):
    """Runs that ended up to `until` (milliseconds) are known to this browser; `untold` are yet to be shown."""

    until: int = 0
    untold: tuple[str, ...] = ()


def parsed(text: str) -> Seen | None:
    """A preference as it was written; None for anything else, since anyone can edit it."""
    until, *untold = text.split(".")
    if not until.isdecimal() or len(until) > 15 or not all(name.isalnum() for name in untold):
        return None
    return Seen(int(until), tuple(untold[:MOST_RUNS]))


def written(seen: Seen) -> str:
    return ".".join([str(seen.until), *seen.untold[:MOST_RUNS]])


def milliseconds(run: RunView) -> int:
    """When a run ended, rounded up, so that it is not taken for a later one."""
    return math.ceil(run.ended_at.timestamp() * 1000) if run.ended_at else 0


def draw(runner: Runner, account: Account | None) -> None:
    """Take note of what has ended, and tell what ended while nobody looked.

    There is always a container, so that what follows keeps its place in the page, and what is being typed in it.
    """
    with st.container(key="away"):
        runs = _untold(runner, account) if account else []
        if account and runs:
            _draw(account, runs)


def _untold(runner: Runner, account: Account) -> list[RunView]:
    """The endings to be told; what the browser has seen is brought up to date."""
    seen = parsed(preferences.recall(_name(account)))
    first = st.session_state.get(_LOOKED) != account.owner
    st.session_state[_LOOKED] = account.owner
    if first:
        st.session_state[_HERE] = []
    ended = runner.runs.ended_since(account, seen.until / 1000 if seen else 0.0, MOST_RUNS)
    untold = seen.untold if seen else ()
    if seen and first:
        untold = (*(run.id for run in ended), *untold)[:MOST_RUNS]
    elif not first:
        st.session_state[_HERE] += ended[::-1]
    runs = list(_alive(runner, account, untold))
    until = max([seen.until if seen else 0, *map(milliseconds, ended)])
    _remember(account, Seen(until, tuple(run.id for run in runs)))
    return runs


def ended_here() -> list[RunView]:
    """Runs that ended while this page was open, in the order of their ends."""
    found: list[RunView] = st.session_state.get(_HERE, [])
    return found


def add(account: Account, run_ids: Iterable[str]) -> None:
    """Runs that ended here while the page was out of sight are to be told as well."""
    seen = parsed(preferences.recall(_name(account))) or Seen()
    here = {run.id for run in ended_here()}
    new = [name for name in run_ids if name in here and name not in seen.untold]
    _remember(account, seen._replace(untold=(*new, *seen.untold)[:MOST_RUNS]))


def put_aside(account: Account, run_id: str = "") -> None:
    """Say no more of one run, or of any."""
    seen = parsed(preferences.recall(_name(account))) or Seen()
    kept = tuple(name for name in seen.untold if run_id and name != run_id)
    _remember(account, seen._replace(untold=kept))


def _draw(account: Account, runs: Sequence[RunView]) -> None:
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            more = " or more" if len(runs) == MOST_RUNS else ""
            st.markdown(f"**While you were away, {count(len(runs), 'run')}{more} ended.**", width="content")
            st.button("Dismiss", key="away-dismiss", type="tertiary", on_click=put_aside, args=(account,))
        for run in runs[:MOST_SHOWN]:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                name = plain(clipped(run.name or run.id, 40))
                st.button(name, key=f"away-{run.id}", type="tertiary", on_click=_open, args=(account, run.id))
                st.badge(plain(run.words), color=COLOURS[run.state])
                st.caption(plain(how(run)), width="content")
        if len(runs) > MOST_SHOWN:
            st.caption(f"{len(runs) - MOST_SHOWN} more stand in Monitor.")


def how(run: RunView) -> str:
    """How a run ended; why, if nothing came back."""
    return numbers(run) if any(run.counts.values()) or not run.error else run.error


def numbers(run: RunView) -> str:
    """How a run ended in numbers alone: "20 answered, 2 need attention"."""
    if not any(run.counts.values()):
        return "nothing came back"
    return headline(ENDINGS[run.state], run.counts).partition(": ")[2]


def _open(account: Account, run_id: str) -> None:
    put_aside(account, run_id)
    selection.select(run_id)


def _alive(runner: Runner, account: Account, run_ids: Iterable[str]) -> Iterable[RunView]:
    """Those that were not deleted."""
    for run_id in dict.fromkeys(run_ids):
        try:
            yield runner.runs.run(account, run_id)
        except NotFound:
            continue


def _name(account: Account) -> str:
    return PREFIX + hashlib.sha256(account.owner.encode()).hexdigest()[:8]


def _remember(account: Account, seen: Seen) -> None:
    """Keep it for the next visit, and of other accounts those that were seen last."""
    others = {name: parsed(preferences.recall(name)) or Seen() for name in preferences.names(PREFIX)}
    others.pop(_name(account), None)
    for name in sorted(others, key=lambda name: -others[name].until)[MOST_ACCOUNTS - 1 :]:
        preferences.forget(name)
    preferences.remember(**{_name(account): written(seen)})
