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

PATIENCE_SECONDS = 1.5
LOOK_AGAIN_SECONDS = 0.5
T = TypeVar("T")


@dataclass
class Asked(Generic[T]):
    """One question of a browser session. `about` is everything that the answer hangs on."""

    about: object
    answer: Future[T] = field(default_factory=Future)
    at: float = field(default_factory=time.monotonic)

    @property
    def found(self) -> T | None:
        """The answer, None while there is none; a question that failed has none."""
        return self.answer.result() if self.answer.done() and not self.answer.exception() else None

    @property
    def trouble(self) -> BatchRunnerError | None:
        """Why there is no answer, None if there may yet be one; a bug is raised."""
        fault = self.answer.exception() if self.answer.done() else None
        if fault is not None and not isinstance(fault, BatchRunnerError):
            raise fault
        return fault


def last(name: str) -> Asked[T] | None:
    """The question asked last under this name."""
    known: Asked[T] | None = st.session_state.get(f"asked-{name}")
    return known


def ask(name: str, about: object, question: Callable[[], T], fresh_seconds: float = math.inf) -> Asked[T]:
    """Ask once about the same thing while the answer is fresh, and wait a moment for it.

    `question` runs in another thread and must not touch Streamlit.
    """
    known: Asked[T] | None = last(name)
    if known is None or known.about != about or time.monotonic() - known.at > fresh_seconds:
        known = st.session_state[f"asked-{name}"] = Asked(about)
        threading.Thread(target=_answer, args=(known.answer, question), name=name, daemon=True).start()
    wait([known.answer], max(0.0, known.at + PATIENCE_SECONDS - time.monotonic()))
    return known


def forget(name: str) -> None:
    """Ask anew the next time."""
    st.session_state.pop(f"asked-{name}", None)


def draw_waiting(name: str, words: str) -> None:
    """Say what is waited for, and draw the page again once it is there."""

    @st.fragment(run_every=LOOK_AGAIN_SECONDS, key=f"waiting-{name}")
    def waiting() -> None:
        st.caption(words)
        known: Asked[object] | None = last(name)
        if known is None or known.answer.done():
            st.rerun()

    waiting()


def _answer(answer: Future[T], question: Callable[[], T]) -> None:
    try:
        answer.set_result(question())
    except BaseException as fault:  # handed on to whoever waits for the answer
        answer.set_exception(fault)
