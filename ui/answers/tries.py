"""Rows that were tried before all are sent: asked beside the page, and kept for as long as the same input is here."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from lifecycle.core.models import Account, RunSpec
from lifecycle.inputs.drafts import Draft
from lifecycle.planning.tried_rows import Tries
from lifecycle.runner import Runner
from ui.shared import background, notices

NAME = "tries"
MAX_KEPT = 20
_KEPT, _PENDING, _WORDINGS = "tries_kept", "tries_pending", "tries_wordings"


@dataclass(frozen=True)
class Wording:
    """What a draft asks. `source` tells one input from another, `asked` is all that is asked apart from the `cap` of
    output tokens, and `instruction` is for people.
    """

    source: str
    asked: str
    cap: int | None
    instruction: str


@dataclass(frozen=True)
class TrySet:
    """Rows tried together, and what was asked of them."""

    wording: Wording
    tries: Tries


def register(draft: Draft, wording: Wording) -> None:
    """Remember what a new draft asks; there is one draft at a time."""
    st.session_state[_WORDINGS] = {str(draft.folder): wording}


def follow(draft: Draft | None, whole: Draft | None, otherwise: str = "") -> None:
    """A draft that was made of another asks what that does; `otherwise` says by what it asks so in another way."""
    if draft is not None and whole is not None and (wording := _wording(whole)) is not None:
        asked = f"{wording.asked} {otherwise}" if otherwise else wording.asked
        st.session_state[_WORDINGS][str(draft.folder)] = replace(wording, asked=asked)


def start(runner: Runner, account: Account, draft: Draft, spec: RunSpec) -> None:
    """Ask for some rows of a draft; not again while they are asked. For callbacks."""
    wording = _wording(draft)
    if is_pending() or wording is None:
        return
    number = int(st.session_state.get(f"{NAME}_number") or 0) + 1
    st.session_state[f"{NAME}_number"] = number
    background.run_without_waiting(NAME, number, lambda: runner.tries.try_rows(account, draft, spec))
    st.session_state[_PENDING] = (wording, str(draft.folder))


def is_pending(folder: str = "") -> bool:
    """Whether rows are being asked; with a `folder`, whether those of the draft that is there."""
    pending: tuple[Wording, str] | None = st.session_state.get(_PENDING)
    return pending is not None and folder in ("", pending[1])


def collect() -> None:
    """Take over the answers when they are all there; say why there are none."""
    pending: tuple[Wording, str] | None = st.session_state.get(_PENDING)
    result: background.BackgroundResult[Tries] | None = background.latest(NAME)
    if pending is None or result is None or not result.future.done():
        return
    st.session_state[_PENDING] = None
    if result.error is not None:
        notices.show("submit", "bad", f"Nothing was tried. {result.error.describe()}")
    elif result.value is not None:
        kept: list[TrySet] = st.session_state.get(_KEPT) or []
        st.session_state[_KEPT] = [*kept, TrySet(pending[0], result.value)][-MAX_KEPT:]


def of_source(source: str) -> list[TrySet]:
    """All that was tried of one input, the first first."""
    kept: list[TrySet] = st.session_state.get(_KEPT) or []
    return [one for one in kept if one.wording.source == source]


def of_draft(draft: Draft) -> Tries | None:
    """The newest tries that measure what this draft will use; None without any.

    Those under another limit of output tokens do, unless it cut answers off.
    """
    wording = _wording(draft)
    kept: list[TrySet] = st.session_state.get(_KEPT) or []
    for one in reversed(kept):
        is_same = wording is not None and one.wording.asked == wording.asked
        if wording is not None and is_same and (one.wording.cap == wording.cap or not one.tries.cut_off):
            return one.tries
    return None


def clear() -> None:
    """Forget what was tried."""
    st.session_state[_KEPT] = []


def _wording(draft: Draft) -> Wording | None:
    wordings: dict[str, Wording] = st.session_state.get(_WORDINGS) or {}
    return wordings.get(str(draft.folder))
