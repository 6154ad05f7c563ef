"""The models to choose from, asked for beside the page, so that a slow answer never holds it up."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field

from lifecycle.core.models import Account, ModelChoice
from lifecycle.runner import Runner
from ui.shared.app_state import get_state

PATIENCE_SECONDS = 1.5
FRESH_SECONDS = 60.0
MOST_ACCOUNTS = 200


@dataclass
class _Question:
    """One question to the service: when it was asked, and what was known before."""

    before: Sequence[ModelChoice]
    at: float = field(default_factory=time.monotonic)
    answer: Future[Sequence[ModelChoice]] = field(default_factory=Future)


_questions: dict[str, _Question] = {}
_lock = threading.Lock()


def offered(account: Account | None) -> Sequence[ModelChoice]:
    """The service's models if it tells them soon; else what it told before, or the catalog's."""
    runner = get_state().runner
    if account is None:
        return runner.accounts.models(None)
    question = _question(runner, account)
    if not question.before:
        wait([question.answer], max(0.0, question.at + PATIENCE_SECONDS - time.monotonic()))
    return question.answer.result() if question.answer.done() else question.before or runner.accounts.models(None)


def _question(runner: Runner, account: Account) -> _Question:
    """The question under way or lately answered, else a new one."""
    with _lock:
        known = _questions.get(account.owner)
        if known and (not known.answer.done() or time.monotonic() - known.at < FRESH_SECONDS):
            return known
        if len(_questions) >= MOST_ACCOUNTS:
            _questions.clear()
        before = known.answer.result() if known and not known.answer.exception() else ()
        asked = _questions[account.owner] = _Question(before)
    threading.Thread(target=_ask, args=(runner, account, asked.answer), name="models", daemon=True).start()
    return asked


def _ask(runner: Runner, account: Account, answer: Future[Sequence[ModelChoice]]) -> None:
    try:
        answer.set_result(runner.accounts.models(account))
    except BaseException as fault:  # handed on to whoever waits for the answer
        answer.set_exception(fault)
