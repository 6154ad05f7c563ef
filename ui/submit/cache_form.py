"""An explicit cache by hand: choose one that exists, or make one of the shared context, its price said before."""

from __future__ import annotations

import streamlit as st

from batch.formatting import count
from cache_utils import CachedText
from lifecycle.core.models import Account
from lifecycle.planning.cache_estimate import CacheOffer
from lifecycle.runner import Runner
from lifecycle.services.caches import CacheInfo
from ui.account import caches
from ui.shared import background, notices
from ui.shared.format import duration, money
from ui.shared.notices import plain

HOURS = (1, 6, 24, 48)
OWN = "The run makes its own and deletes them"
_CHOSEN, _NEXT = "use_cache", "use_cache_next"


def chosen() -> str:
    """`cachedContents/…` of the cache chosen; "" if the run is to make its own."""
    return str(st.session_state.get(_NEXT, st.session_state.get(_CHOSEN)) or "")


def choose(name: str) -> None:
    """Choose a cache for all requests the next time that the page is drawn."""
    st.session_state[_NEXT] = name


def draw_choice(runner: Runner, account: Account, model: str) -> None:
    """Choose among the caches that this model can use."""
    if _NEXT in st.session_state:
        st.session_state[_CHOSEN] = st.session_state.pop(_NEXT)
    asked = caches.ask(runner, account)
    fitting = {cache.name: cache for cache in asked.found or () if not cache.expired and cache.model == _bare(model)}
    names = ["", *fitting]
    if chosen() and chosen() not in fitting:
        names.append(chosen())
    st.selectbox("Cache", names, key=_CHOSEN, format_func=lambda name: _label(name, fitting), persist_state="session")
    if not asked.answer.done():
        background.draw_waiting(caches.NAME, "Looking for caches…")
    elif fault := asked.trouble:
        st.error(plain(f"{fault} {fault.remedy}".strip()))


def draw_maker(runner: Runner, account: Account, wanted: CachedText, name: str) -> None:
    """Say what a cache would cost, and make it."""
    with st.container(border=True, key="make-cache"):
        st.markdown("**Make a cache to keep**")
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.text_input("Name", key="cache_name", placeholder=name, max_chars=80, width=220)
            hours = st.selectbox("Keep for", HOURS, key="cache_hours", format_func=_hours, width=130)
            pressed = st.button("Create cache", key="create-cache")
        offered = runner.forecasts.offer_cache(account, wanted, hours)
        st.caption(plain(_price(offered)))
        if offered.too_small:
            st.warning(f"This model takes caches from {offered.minimum:,} tokens. Share more text.")
        notices.draw("context")
    if pressed:
        called = str(st.session_state.get("cache_name") or "").strip() or name
        _make(runner, account, wanted, called, hours)


def _make(runner: Runner, account: Account, wanted: CachedText, name: str, hours: int) -> None:
    """Create once, whatever is clicked meanwhile: the same contents under the same name are one cache."""
    notices.hush("context")
    with notices.telling("context"), st.spinner("Uploading and creating the cache…"):
        made = runner.caches.create_cache(account, wanted, name, hours * 3600)
        choose(made.name)
    background.forget(caches.NAME)
    st.rerun()


def _price(offered: CacheOffer) -> str:
    """What making and keeping it costs, and when that pays."""
    about = "At least" if offered.unknown else "About"
    words = f"{about} {count(offered.tokens, 'token')}: {money(offered.usd_to_make)} to make, "
    words += f"{money(offered.usd_per_hour)} an hour to keep."
    if offered.pays_from is not None and not offered.unknown:
        words += f" Pays from {count(offered.pays_from, 'request')} on, if kept {_hours(round(offered.hours))}."
    return words


def _label(name: str, known: dict[str, CacheInfo]) -> str:
    cache = known.get(name)
    if cache is None:
        return name or OWN
    size = "" if cache.tokens is None else f" · {count(cache.tokens, 'token')}"
    left = "" if cache.seconds_left is None else f" · {duration(cache.seconds_left)} left"
    return f"{cache.label}{size}{left}"


def _hours(number: int) -> str:
    return count(number, "hour")


def _bare(model: str) -> str:
    return model.removeprefix("models/")
