"""Caches: what is kept at Google under this key, what it costs, what needs it; extend or delete."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from batch.formatting import money, plural
from lifecycle.core.models import Account
from lifecycle.runner import Runner
from lifecycle.services.caches import CacheInfo
from ui.shared import background, notices, session
from ui.shared.app_state import get_state
from ui.shared.format import Colour, duration, truncate
from ui.shared.notices import escape_markdown

NAME = "caches"
MAX_AGE_SECONDS = 30.0
CACHES_PER_PAGE = 8
HOURS = (1, 6, 24, 48)


def request_caches(runner: Runner, account: Account) -> background.BackgroundResult[list[CacheInfo]]:
    """All caches under this key, asked for at most twice a minute."""
    return background.run_once(NAME, account.owner_id, lambda: runner.caches.list_all(account), MAX_AGE_SECONDS)


def draw(runner: Runner, account: Account | None) -> None:
    """Draw the expander. Nothing is asked of Google before it is opened."""
    with st.container(key="caches-drawer"):
        if account is not None:
            _draw_content(runner, account)


def _draw_content(runner: Runner, account: Account) -> None:
    with st.expander("Caches at Google", key="caches", on_change="rerun") as drawer:
        if not drawer.open:
            return
        notices.draw("caches")
        result = request_caches(runner, account)
        if not result.future.done():
            background.draw_pending(NAME, "Looking for caches…")
        elif error := result.error:
            notices.draw_error(error)
        else:
            _draw_list(result.future.result())
        st.button("Look again", key="look-again", on_click=_refresh)


def _draw_list(caches: Sequence[CacheInfo]) -> None:
    alive = [cache for cache in caches if not cache.expired]
    idle = [cache.name for cache in alive if not cache.runs]
    st.caption(escape_markdown(_describe_total(alive, len(idle))))
    pages = max(1, -(-len(caches) // CACHES_PER_PAGE))
    page = min(int(st.session_state.get("caches_page") or 1), pages)
    for cache in caches[(page - 1) * CACHES_PER_PAGE : page * CACHES_PER_PAGE]:
        _draw_one(cache)
    if pages > 1:
        st.pagination(pages, key="caches_page")
    if len(idle) > 1:
        _draw_delete_idle(idle)


def _describe_total(alive: Sequence[CacheInfo], idle: int) -> str:
    """What all of them cost."""
    if not alive:
        return "There are no caches under this key, so nothing is charged for storage."
    hourly_prices = [cache.usd_per_hour for cache in alive]
    hourly = None if None in hourly_prices else sum(usd for usd in hourly_prices if usd is not None)
    unused = f", {idle:,} idle: no run under way needs {'it' if idle == 1 else 'them'}" if idle else ""
    return f"{plural(len(alive), 'cache')}, {money(hourly)} an hour{unused}."


def _draw_one(cache: CacheInfo) -> None:
    with st.container(border=True, gap="small", key=f"cache-{cache.name.rpartition('/')[2]}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{escape_markdown(truncate(cache.label, 60))}**", width="content")
            label, colour = _state(cache)
            st.badge(label, color=colour)
            st.caption(escape_markdown(cache.name), width="content")
        st.caption(escape_markdown(_facts(cache)))
        if not cache.expired:
            _draw_actions(cache)


def _state(cache: CacheInfo) -> tuple[str, Colour]:
    """What a glance should tell."""
    if cache.expired:
        return "expired", "gray"
    return (f"needed by {plural(len(cache.runs), 'run')}", "blue") if cache.runs else ("idle", "orange")


def _facts(cache: CacheInfo) -> str:
    """Model, size, age, what is left, what it costs, who made and who needs it."""
    facts = [
        cache.model,
        "size not known" if cache.tokens is None else plural(cache.tokens, "token"),
        "" if cache.age_hours is None else f"{duration(cache.age_hours * 3600)} old",
        "" if cache.seconds_left is None or cache.expired else f"expires in {duration(cache.seconds_left)}",
        "" if cache.expired else f"{money(cache.usd_per_hour)} an hour",
        f"{money(cache.usd_so_far)} so far",
        "made by a run" if cache.ours else "",
        f"needed by {', '.join(cache.runs)}" if cache.runs else "",
    ]
    return " · ".join(fact for fact in facts if fact)


def _draw_actions(cache: CacheInfo) -> None:
    hour_choices = [hours for hours in HOURS if hours * 3600 > (cache.seconds_left or 0)]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if hour_choices:
            hours = st.selectbox(
                "Extend to",
                hour_choices,
                key=f"hours-{cache.name}",
                format_func=lambda number: f"{plural(number, 'hour')} from now",
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


def _draw_delete_idle(names: Sequence[str]) -> None:
    """Delete all that no run needs; asked twice."""
    if st.session_state.get("confirming_idle_delete"):
        with st.container(horizontal=True, gap="small"):
            label = f"Delete {plural(len(names), 'cache')} for good"
            st.button(label, key="delete-idle", type="primary", on_click=_delete, args=(tuple(names),))
            st.button("Keep them", key="keep-idle", on_click=_set_confirming, args=(False,))
    else:
        st.button("Delete all that no run needs", key="ask-idle", on_click=_set_confirming, args=(True,))


def _set_confirming(confirming: bool) -> None:
    st.session_state["confirming_idle_delete"] = confirming


def _extend(name: str, hours: int) -> None:
    with notices.errors_to_notice("caches"):
        get_state().runner.caches.extend(session.require_account(), name, hours * 3600)
        notices.show("caches", "good", f"The cache lives another {plural(hours, 'hour')}.")
    background.invalidate(NAME)


def _delete(names: Sequence[str]) -> None:
    notices.clear("caches")
    with notices.errors_to_notice("caches"):
        for name in names:
            get_state().runner.caches.delete(session.require_account(), name)
        notices.show("caches", "good", f"{plural(len(names), 'cache')} deleted.")
    _set_confirming(False)
    background.invalidate(NAME)


def _refresh() -> None:
    notices.clear("caches")
    background.invalidate(NAME)
