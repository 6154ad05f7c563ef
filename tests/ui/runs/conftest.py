"""The place of runs before forty runs of seven kinds, on a real runner that works on none of them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

import pytest
from streamlit.testing.v1 import AppTest

from lifecycle.core.models import Account
from lifecycle.runner import Runner
from tests.seed_runs import seed
from tests.ui.conftest import CookieJar
from tests.ui.page_driver import KEY, Open
from ui.shared import app_state
from ui.shared.app_state import AppState
from ui.shared.cookie_crypto import CookieCipher


class Place(NamedTuple):
    """The open place, and the runner behind it."""

    at: AppTest
    runner: Runner
    account: Account

    def tick(self, *run_ids: str) -> None:
        """Tick runs; a click on a canvas cannot be tested here."""
        self.at.session_state["runs_ticked"] = list(run_ids)
        self.at.run()


@pytest.fixture
def place(real_runner: Runner, account: Account, page: Open, cookies: CookieJar, tmp_path: Path) -> Place:
    seed(real_runner._context.store, account.owner_id, real_runner.folder, time.time(), 12)
    state = AppState(runner=real_runner, cookie_cipher=CookieCipher("secret"), data_dir=tmp_path / "data")
    app_state.set_state(state)
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    return Place(page(place="runs"), real_runner, account)
