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

INITIAL_WAIT_SECONDS = 1.5
MAX_AGE_SECONDS = 60.0
MAX_ACCOUNTS = 200


@dataclass
class _ModelRequest:
    """One question to the service: when it was asked, and what was known before."""

    previous: Sequence[ModelChoice]
    at: float = field(default_factory=time.monotonic)
    future: Future[Sequence[ModelChoice]] = field(default_factory=Future)


_requests: dict[str, _ModelRequest] = {}
_lock = threading.Lock()


def available_models(account: Account | None) -> Sequence[ModelChoice]:
    """The service's models if it tells them soon; else what it told before, or the catalog's."""
    runner = get_state().runner
    if account is None:
        return runner.accounts.models(None)
    model_request = _current_request(runner, account)
    if not model_request.previous:
        wait([model_request.future], max(0.0, model_request.at + INITIAL_WAIT_SECONDS - time.monotonic()))
    return (
        model_request.future.result()
        if model_request.future.done()
        else model_request.previous or runner.accounts.models(None)
    )


def _current_request(runner: Runner, account: Account) -> _ModelRequest:
    """The question under way or lately answered, else a new one."""
    with _lock:
        latest = _requests.get(account.owner_id)
        if latest and (not latest.future.done() or time.monotonic() - latest.at < MAX_AGE_SECONDS):
            return latest
        if len(_requests) >= MAX_ACCOUNTS:
            _requests.clear()
        previous = latest.future.result() if latest and not latest.future.exception() else ()
        model_request = _requests[account.owner_id] = _ModelRequest(previous)
    threading.Thread(target=_fetch, args=(runner, account, model_request.future), name="models", daemon=True).start()
    return model_request


def _fetch(runner: Runner, account: Account, future: Future[Sequence[ModelChoice]]) -> None:
    try:
        future.set_result(runner.accounts.models(account))
    except BaseException as error:  # handed on to whoever waits for the answer
        future.set_exception(error)
