"""Which place of the page is open, and which run: the address says so, so that reload, back and links find it again."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import streamlit as st

from ui.shared import browser_actions, notices, preferences


class Place(StrEnum):
    """A place of the page. One is open and comes first; the others are a line each."""

    NEW = "new"
    RUNS = "runs"
    RUN = "run"


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


def forget_run(run_id: str) -> None:
    """Offer a run no longer as the one opened last."""
    if last_run() == run_id:
        st.session_state.pop(_LAST_RUN, None)
        preferences.remember(run="")


def _go(address: dict[str, str]) -> None:
    """Change the address in one step, so that "back" takes one, too."""
    here = st.query_params.to_dict()
    if {name: here[name] for name in ("run", "place") if name in here} != address:
        st.query_params.from_dict(address)
        st.session_state[_VISITS] = int(st.session_state.get(_VISITS) or 0) + 1
        browser_actions.request("scroll", "top-bar")
    change_page()
