"""A visitor who is signed in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from lifecycle.core.models import RunView
from tests.ui.conftest import CookieJar
from tests.ui.fakes import NOW, finished_run, make_run
from tests.ui.page_driver import KEY
from ui.shared.app_state import AppState


@pytest.fixture(autouse=True)
def signed_in(state: AppState, cookies: CookieJar) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)


def ended_run(run_id: str, minutes: int, **changes: Any) -> RunView:
    """A run that ended so many minutes after NOW."""
    counts = {"answered": 20, "truncated": 2}
    base = finished_run(make_run(run_id, counts=counts))
    return type(base)(**{**vars(base), "ended_at": NOW + timedelta(minutes=minutes), **changes})
