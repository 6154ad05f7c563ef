"""Which place of the page is open, and which run: the address says so, so that reload, back and links find it again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from ui.shared import browser_actions, notices, preferences


class Place(StrEnum):
    """A place of the page. One is open and comes first; the others are a line each."""

    NEW = "new"
    RUNS = "runs"
    RUN = "run"


class _Move(NamedTuple):
    """The page was led from one address to another, by a click or because a run was sent."""

    before: dict[str, str]
    after: dict[str, str]
    at: float


CATCH_UP_SECONDS = 30.0
_MOVE = "move"
_CHANGED, _DEFAULT, _SWITCH, _LAST_RUN = "page_changed", "default_place", "place", "last_run"
_VISITS = "visits"  # how often another place was opened


def page_changed() -> bool:
    """Whether a button inside a fragment changed something outside it; asking takes the answer back."""
    return bool(st.session_state.pop(_CHANGED, False))


def change_page() -> None:
    """Let a fragment draw the whole page again when it is next drawn."""
    st.session_state[_CHANGED] = True


def settle(owner_id: str, *, has_runs: bool, composing: bool) -> Place:
    """The open place: what the address names, else Runs if this account had any when it came, else New.

    Who is composing stays there when an account is connected.
    """
    known: tuple[str, Place] | None = st.session_state.get(_DEFAULT)
    if known is None or known[0] != owner_id:
        default = Place.RUNS if has_runs and not composing else Place.NEW
        st.session_state[_DEFAULT] = (owner_id, default)
    if run := run_in_address():
        st.session_state[_LAST_RUN] = run  # a link opened it, and the switch leads back to it
    return current()


def current() -> Place:
    """The open place."""
    named = st.query_params.get("place", "")
    if run_in_address():
        return Place.RUN
    if named in (Place.NEW, Place.RUNS):
        return Place(named)
    default: Place = st.session_state.get(_DEFAULT, ("", Place.NEW))[1]
    return default


def run_in_address() -> str:
    """The id of the run that the address names, "" if it names none."""
    return str(st.query_params.get("run", ""))


def last_run() -> str:
    """The run that is open, or was opened last in this browser; "" if none was."""
    return run_in_address() or str(st.session_state.get(_LAST_RUN) or "") or preferences.recall("run")


def select(run_id: str) -> None:
    """Open a run."""
    notices.clear("monitor")
    notices.clear("results")
    st.session_state[_LAST_RUN] = run_id
    preferences.remember(run=run_id)
    _go({"run": run_id})


def open_place(place: Place) -> None:
    """Open one of the places; for a run, the one that was open last."""
    if place is Place.RUN:
        select(last_run())
    else:
        _go({"place": place.value})


def arrived(place: Place, run_id: str = "") -> Mapping[str, str]:
    """How a place was looked at when its address was opened, by the names that `keep_view` was given."""
    if current() is not place or run_in_address() != run_id:
        return {}
    return {name: value[:500] for name, value in st.query_params.to_dict().items() if name not in ("run", "place")}


def keep_view(place: Place, view: Mapping[str, str], run_id: str = "") -> None:
    """Have the address say how a place is looked at; only what is not as it is at first."""
    named = {"run": run_id} if place is Place.RUN else {"place": place.value}
    browser_actions.draw_address(named, view, int(st.session_state.get(_VISITS) or 0))


def close_run() -> None:
    """Have no run open: the account has changed, and with it the runs that there are."""
    forget_run(last_run())
    if run_in_address():
        st.query_params.clear()
        st.session_state.pop(_MOVE, None)


def forget_run(run_id: str) -> None:
    """Offer a run no longer as the one opened last."""
    if last_run() == run_id:
        st.session_state.pop(_LAST_RUN, None)
        preferences.remember(run="")


def catch_up() -> None:
    """Stay where the page was led to while the browser still names where it was; before anything is drawn."""
    if is_behind():
        st.query_params.from_dict(st.session_state[_MOVE].after)


def is_behind() -> bool:
    """Whether the address is the one of before the last move, because the browser has not been told of it yet.

    What the browser sends meanwhile, a tick or a click, names the old address; on a busy machine that sent a person
    who had just submitted back to an empty form. Who goes back in the browser's history is not behind.
    """
    move: _Move | None = st.session_state.get(_MOVE)
    if move is None:
        return False
    context, here = get_script_run_ctx(), _place_in_address()
    went_back = context is not None and context.is_history_navigation
    if went_back or here not in (move.before, move.after) or time.monotonic() - move.at > CATCH_UP_SECONDS:
        del st.session_state[_MOVE]
        return False
    return here == move.before


def _place_in_address() -> dict[str, str]:
    address = st.query_params.to_dict()
    return {name: address[name] for name in ("run", "place") if name in address}


def _go(address: dict[str, str]) -> None:
    """Change the address in one step, so that "back" takes one, too."""
    here = _place_in_address()
    if here != address:
        st.query_params.from_dict(address)
        st.session_state[_MOVE] = _Move(here, address, time.monotonic())
        st.session_state[_VISITS] = int(st.session_state.get(_VISITS) or 0) + 1
        browser_actions.request("scroll", "top-bar")
    change_page()
