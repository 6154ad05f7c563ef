"""An explicit cache by hand: choose one that exists, or make one of the shared context, its price shown first."""

from __future__ import annotations

import streamlit as st

from batch.formatting import money, plural
from batch.model import model_id
from cache_utils import CachedText
from lifecycle.core.models import Account
from lifecycle.planning.cache_estimate import CacheEstimate
from lifecycle.runner import Runner
from lifecycle.services.caches import CacheInfo
from ui.account import caches
from ui.shared import background, notices
from ui.shared.format import duration
from ui.shared.notices import escape_markdown

HOURS = (1, 6, 24, 48)
RUN_OWNED = "The run makes its own and deletes them"
_SELECTED, _PENDING = "use_cache", "use_cache_pending"


def selected() -> str:
    """`cachedContents/…` of the cache chosen; "" if the run is to make its own."""
    return str(st.session_state.get(_PENDING, st.session_state.get(_SELECTED)) or "")


def select(name: str) -> None:
    """Choose a cache for all requests the next time that the page is drawn."""
    st.session_state[_PENDING] = name


def draw_selector(runner: Runner, account: Account, model: str) -> None:
    """Choose among the caches that this model can use."""
    if _PENDING in st.session_state:
        st.session_state[_SELECTED] = st.session_state.pop(_PENDING)
    result = caches.request_caches(runner, account)
    usable = {cache.name: cache for cache in result.value or () if not cache.expired and cache.model == model_id(model)}
    names = ["", *usable]
    if selected() and selected() not in usable:
        names.append(selected())
    st.selectbox("Cache", names, key=_SELECTED, format_func=lambda name: _label(name, usable), persist_state="session")
    if not result.future.done():
        background.draw_pending(caches.NAME, "Looking for caches…")
    elif error := result.error:
        notices.draw_error(error)


def draw_form(runner: Runner, account: Account, contents: CachedText, name: str) -> None:
    """Say what a cache would cost, and make it."""
    with st.container(border=True, key="make-cache"):
        st.markdown("**Make a cache to keep**")
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.text_input("Name", key="cache_name", placeholder=name, max_chars=80, width=220)
            hours = st.selectbox("Keep for", HOURS, key="cache_hours", format_func=_format_hours, width=130)
            pressed = st.button("Create cache", key="create-cache")
        estimate = runner.forecasts.estimate_cache(account, contents, hours)
        st.caption(escape_markdown(_describe_price(estimate)))
        if estimate.too_small:
            st.warning(f"This model takes caches from {estimate.minimum:,} tokens. Share more text.")
        notices.draw("context")
    if pressed:
        cache_name = str(st.session_state.get("cache_name") or "").strip() or name
        _create(runner, account, contents, cache_name, hours)


def _create(runner: Runner, account: Account, contents: CachedText, name: str, hours: int) -> None:
    """Create once, whatever is clicked meanwhile: the same contents under the same name are one cache."""
    notices.clear("context")
    with notices.errors_to_notice("context"), st.spinner("Uploading and creating the cache…"):
        cache = runner.caches.create(account, contents, name, hours * 3600)
        select(cache.name)
    background.invalidate(caches.NAME)
    st.rerun()


def _describe_price(estimate: CacheEstimate) -> str:
    """What making and keeping it costs, and when that pays."""
    qualifier = "At least" if estimate.size_unknown else "About"
    text = f"{qualifier} {plural(estimate.tokens, 'token')}: {money(estimate.usd_to_make)} to make, "
    text += f"{money(estimate.usd_per_hour)} an hour to keep."
    if estimate.break_even_requests is not None and not estimate.size_unknown:
        text += f" Pays from {plural(estimate.break_even_requests, 'request')} on, "
        text += f"if kept {_format_hours(round(estimate.hours))}."
    return text


def _label(name: str, usable: dict[str, CacheInfo]) -> str:
    cache = usable.get(name)
    if cache is None:
        return name or RUN_OWNED
    size = "" if cache.tokens is None else f" · {plural(cache.tokens, 'token')}"
    time_left = "" if cache.seconds_left is None else f" · {duration(cache.seconds_left)} left"
    return f"{cache.label}{size}{time_left}"


def _format_hours(number: int) -> str:
    return plural(number, "hour")
