"""The caches drawer: what is kept at Google under this key, what it costs, what needs it; extend or delete."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from batch.formatting import count
from lifecycle.core.models import Account
from lifecycle.runner import Runner
from lifecycle.services.caches import CacheInfo
from ui.shared import background, notices, session
from ui.shared.app_state import get_state
from ui.shared.format import Colour, clipped, duration, money
from ui.shared.notices import plain

NAME = "caches"
FRESH_SECONDS = 30.0
A_PAGE = 8
HOURS = (1, 6, 24, 48)


def ask(runner: Runner, account: Account) -> background.Asked[list[CacheInfo]]:
    """All caches under this key, asked for at most twice a minute."""
    return background.ask(NAME, account.owner, lambda: runner.caches.caches(account), FRESH_SECONDS)


def draw(runner: Runner, account: Account | None) -> None:
    """Draw the drawer. Nothing is asked of Google before it is opened."""
    with st.container(key="caches-drawer"):
        if account is not None:
            _drawer(runner, account)


def _drawer(runner: Runner, account: Account) -> None:
    with st.expander("Caches at Google", key="caches", on_change="rerun") as drawer:
        if not drawer.open:
            return
        notices.draw("caches")
        asked = ask(runner, account)
        if not asked.answer.done():
            background.draw_waiting(NAME, "Looking for caches…")
        elif fault := asked.trouble:
            st.error(plain(f"{fault} {fault.remedy}".strip()))
        else:
            _list(asked.answer.result())
        st.button("Look again", key="look-again", on_click=_look_again)


def _list(found: Sequence[CacheInfo]) -> None:
    alive = [cache for cache in found if not cache.expired]
    idle = [cache.name for cache in alive if not cache.runs]
    st.caption(plain(_total(alive, len(idle))))
    pages = max(1, -(-len(found) // A_PAGE))
    page = min(int(st.session_state.get("caches_page") or 1), pages)
    for cache in found[(page - 1) * A_PAGE : page * A_PAGE]:
        _draw_one(cache)
    if pages > 1:
        st.pagination(pages, key="caches_page")
    if len(idle) > 1:
        _delete_idle(idle)


def _total(alive: Sequence[CacheInfo], idle: int) -> str:
    """What all of them cost."""
    if not alive:
        return "There are no caches under this key, so nothing is charged for storage."
    known = [cache.usd_per_hour for cache in alive]
    hourly = None if None in known else sum(usd for usd in known if usd is not None)
    unused = f", {idle:,} idle: no run under way needs {'it' if idle == 1 else 'them'}" if idle else ""
    return f"{count(len(alive), 'cache')}, {money(hourly)} an hour{unused}."


def _draw_one(cache: CacheInfo) -> None:
    with st.container(border=True, gap="small", key=f"cache-{cache.name.rpartition('/')[2]}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{plain(clipped(cache.label, 60))}**", width="content")
            words, colour = _state(cache)
            st.badge(words, color=colour)
            st.caption(plain(cache.name), width="content")
        st.caption(plain(_facts(cache)))
        if not cache.expired:
            _deeds(cache)


def _state(cache: CacheInfo) -> tuple[str, Colour]:
    """What a glance should tell."""
    if cache.expired:
        return "expired", "gray"
    return (f"needed by {count(len(cache.runs), 'run')}", "blue") if cache.runs else ("idle", "orange")


def _facts(cache: CacheInfo) -> str:
    """Model, size, age, what is left, what it costs, who made and who needs it."""
    facts = [
        cache.model,
        "size not known" if cache.tokens is None else count(cache.tokens, "token"),
        "" if cache.age_hours is None else f"{duration(cache.age_hours * 3600)} old",
        "" if cache.seconds_left is None or cache.expired else f"expires in {duration(cache.seconds_left)}",
        "" if cache.expired else f"{money(cache.usd_per_hour)} an hour",
        f"{money(cache.usd_so_far)} so far",
        "made by a run" if cache.ours else "",
        f"needed by {', '.join(cache.runs)}" if cache.runs else "",
    ]
    return " · ".join(fact for fact in facts if fact)


def _deeds(cache: CacheInfo) -> None:
    longer = [hours for hours in HOURS if hours * 3600 > (cache.seconds_left or 0)]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if longer:
            hours = st.selectbox(
                "Extend to",
                longer,
                key=f"hours-{cache.name}",
                format_func=lambda number: f"{count(number, 'hour')} from now",
                label_visibility="collapsed",
                width=190,
            )
            st.button("Extend", key=f"extend-{cache.name}", on_click=_extend, args=(cache.name, hours))
        st.button(
            "Delete",
            key=f"delete-{cache.name}",
            on_click=_delete,
            args=((cache.name,),),
            disabled=bool(cache.runs),
            help="A run under way needs it." if cache.runs else None,
        )


def _delete_idle(names: Sequence[str]) -> None:
    """Delete all that no run needs; asked twice."""
    if st.session_state.get("sure_of_idle"):
        with st.container(horizontal=True, gap="small"):
            words = f"Delete {count(len(names), 'cache')} for good"
            st.button(words, key="delete-idle", type="primary", on_click=_delete, args=(tuple(names),))
            st.button("Keep them", key="keep-idle", on_click=_sure, args=(False,))
    else:
        st.button("Delete all that no run needs", key="ask-idle", on_click=_sure, args=(True,))


def _sure(sure: bool) -> None:
    st.session_state["sure_of_idle"] = sure


def _extend(name: str, hours: int) -> None:
    with notices.telling("caches"):
        get_state().runner.caches.extend_cache(session.required(), name, hours * 3600)
        notices.tell("caches", "good", f"The cache lives another {count(hours, 'hour')}.")
    background.forget(NAME)


def _delete(names: Sequence[str]) -> None:
    notices.hush("caches")
    with notices.telling("caches"):
        for name in names:
            get_state().runner.caches.delete_cache(session.required(), name)
        notices.tell("caches", "good", f"{count(len(names), 'cache')} deleted.")
    _sure(False)
    background.forget(NAME)


def _look_again() -> None:
    notices.hush("caches")
    background.forget(NAME)
