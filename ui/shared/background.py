"""Questions that may take a while, answered beside the page: it is drawn without the answer, and again with it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import streamlit as st

from batch.errors import BatchRunnerError

INITIAL_WAIT_SECONDS = 1.5
LOOK_SECONDS = 0.05
POLL_SECONDS = 0.5
T = TypeVar("T")


@dataclass
class BackgroundResult(Generic[T]):
    """One question of a browser session. `cache_key` is everything that the answer depends on.

    `previous` is what the same question was answered last time, None the first time.
    """

    cache_key: object
    previous: T | None = None
    future: Future[T] = field(default_factory=Future)
    started_at: float = field(default_factory=time.monotonic)

    @property
    def value(self) -> T | None:
        """The answer, None while there is none; a question that failed has none."""
        return self.future.result() if self.future.done() and not self.future.exception() else None

    @property
    def last_known(self) -> T | None:
        """The answer, or while there is none the one of last time."""
        return self.previous if self.value is None else self.value

    @property
    def error(self) -> BatchRunnerError | None:
        """Why there is no answer, None if there may yet be one; a bug is raised."""
        fault = self.future.exception() if self.future.done() else None
        if fault is not None and not isinstance(fault, BatchRunnerError):
            raise fault
        return fault


def latest(name: str) -> BackgroundResult[T] | None:
    """The question asked last under this name."""
    result: BackgroundResult[T] | None = st.session_state.get(_session_key(name))
    return result


def run_once(
    name: str, cache_key: object, task: Callable[[], T], max_age_seconds: float = math.inf
) -> BackgroundResult[T]:
    """Ask once about the same thing while the answer is fresh, and wait a moment for it.

    `task` runs in another thread and must not touch Streamlit.
    """
    result = run_without_waiting(name, cache_key, task, max_age_seconds)
    while (left := result.started_at + INITIAL_WAIT_SECONDS - time.monotonic()) > 0 and not result.future.done():
        wait([result.future], min(left, LOOK_SECONDS))
        latest(name)  # a click meanwhile ends this run here
    return result


def run_without_waiting(
    name: str, cache_key: object, task: Callable[[], T], max_age_seconds: float = math.inf
) -> BackgroundResult[T]:
    """The same for an answer that need not be the newest."""
    result: BackgroundResult[T] | None = latest(name)
    same = result if result is not None and result.cache_key == cache_key else None
    if same is not None and (not same.future.done() or time.monotonic() - same.started_at <= max_age_seconds):
        return same
    result = BackgroundResult(cache_key, same.last_known if same is not None else None)
    st.session_state[_session_key(name)] = result
    threading.Thread(target=_run_task, args=(result.future, task), name=name, daemon=True).start()
    return result


def invalidate(name: str) -> None:
    """Ask anew the next time."""
    st.session_state.pop(_session_key(name), None)


def draw_pending(name: str, message: str) -> None:
    """Say what is waited for, and draw the page again once it is there."""

    @st.fragment(run_every=POLL_SECONDS, key=f"waiting-{name}")
    def pending() -> None:
        st.caption(message)
        result: BackgroundResult[object] | None = latest(name)
        if result is None or result.future.done():
            st.rerun()

    pending()


def _session_key(name: str) -> str:
    return f"background-{name}"


def _run_task(future: Future[T], task: Callable[[], T]) -> None:
    try:
        future.set_result(task())
    except BaseException as error:  # handed on to whoever waits for the answer
        future.set_exception(error)
