"""Rows that were tried before all are sent: asked beside the page, and kept for as long as the same input is here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st

from batch.errors import BatchRunnerError
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


@dataclass(frozen=True)
class _Answered:
    """The answers to rows of one or more drafts, in their order, and what ended the asking early."""

    tries: tuple[Tries, ...]
    error: BatchRunnerError | None = None


def start(runner: Runner, account: Account, drafts: Sequence[Draft], spec: RunSpec) -> None:
    """Ask for the same rows of some drafts, one draft after the other; not again while they are asked. For callbacks.

    What was answered is kept when a later draft fails: it was paid for.
    """
    wordings = [wording for draft in drafts if (wording := _wording(draft)) is not None]
    if is_pending() or len(wordings) < len(drafts):
        return
    number = int(st.session_state.get(f"{NAME}_number") or 0) + 1
    st.session_state[f"{NAME}_number"] = number

    def ask() -> _Answered:
        answered: list[Tries] = []
        for draft in drafts:
            try:
                answered.append(runner.tries.try_rows(account, draft, spec))
            except BatchRunnerError as error:
                return _Answered(tuple(answered), error)
        return _Answered(tuple(answered))

    background.run_without_waiting(NAME, number, ask)
    st.session_state[_PENDING] = (tuple(wordings), tuple(str(draft.folder) for draft in drafts))


def is_pending(folder: str = "") -> bool:
    """Whether rows are being asked; with a `folder`, whether those of the draft that is there."""
    pending: tuple[tuple[Wording, ...], tuple[str, ...]] | None = st.session_state.get(_PENDING)
    return pending is not None and folder in ("", *pending[1])


def collect() -> None:
    """Take over the answers when they are all there; say why there are none."""
    pending: tuple[tuple[Wording, ...], tuple[str, ...]] | None = st.session_state.get(_PENDING)
    result: background.BackgroundResult[_Answered] | None = background.latest(NAME)
    if pending is None or result is None or not result.future.done():
        return
    st.session_state[_PENDING] = None
    answered = result.value
    error = answered.error if answered is not None else result.error
    if answered is not None:
        new = [TrySet(wording, tries) for wording, tries in zip(pending[0], answered.tries, strict=False)]
        kept: list[TrySet] = st.session_state.get(_KEPT) or []
        st.session_state[_KEPT] = [*kept, *new][-MAX_KEPT:]
    if error is not None:
        what = "Nothing was tried." if answered is None or not answered.tries else "The other way was not tried."
        notices.show("submit", "bad", f"{what} {error.describe()}")


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
