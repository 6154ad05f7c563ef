"""The page without a server: a fake runner behind it, and cookies that tests choose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import PropertyMock, patch

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from batch.pricing import catalog
from lifecycle.core.models import Account
from lifecycle.runner import Runner, Setup
from tests.patience import PATIENCE_SECONDS
from tests.ui.fakes import FakeRunner
from tests.ui.page_driver import KEY, Open
from ui.shared import app_state
from ui.shared.app_state import AppState
from ui.shared.cookie_crypto import CookieCipher

NOWHERE = "http://127.0.0.1:9"
PAGE = Path(__file__).resolve().parents[2] / "ui" / "page.py"


class CookieJar(dict[str, Any]):
    """Cookies as Streamlit hands them out."""

    def to_dict(self) -> dict[str, Any]:
        return dict(self)


@pytest.fixture(scope="session", autouse=True)
def installed_components() -> Iterator[None]:
    """Streamlit looks through all that is installed for each page that is opened; a second look finds the same."""
    found = manifest_scanner.scan_component_manifests()
    with patch.object(manifest_scanner, "scan_component_manifests", return_value=found):
        yield


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture
def state(runner: FakeRunner, tmp_path: Path) -> AppState:
    new_state = AppState(runner=runner, cookie_cipher=CookieCipher("secret"), data_dir=tmp_path)
    app_state.set_state(new_state)
    return new_state


@pytest.fixture
def cookies() -> Iterator[CookieJar]:
    jar = CookieJar()
    with patch.object(ContextProxy, "cookies", new_callable=PropertyMock, return_value=jar):
        yield jar


@pytest.fixture
def page(state: AppState, cookies: CookieJar) -> Callable[..., AppTest]:
    """Open the page in a new browser session that sends the cookies: page(run="r1") with ?run=r1 in the address."""

    def open_page(**query: str) -> AppTest:
        at = AppTest.from_file(str(PAGE), default_timeout=PATIENCE_SECONDS)
        for name, value in query.items():
            at.query_params[name] = value
        at.run()
        assert not at.exception
        return at

    return open_page


@pytest.fixture
def real_runner(tmp_path: Path) -> Runner:
    """A runner that records and never works: it is not started, and what it would ask answers nothing."""
    return Runner(
        Setup(
            data_dir=tmp_path / "data",
            database_url=f"sqlite:///{tmp_path / 'runs.db'}",
            catalog=catalog.load(),
            rehearsal_url=lambda: NOWHERE,
            base_url=NOWHERE,
            request_timeout_seconds=1,
        )
    )


@pytest.fixture
def account(real_runner: Runner) -> Account:
    return real_runner.accounts.register_key(KEY)


@pytest.fixture
def composer(real_runner: Runner, tmp_path: Path, page: Open, cookies: CookieJar) -> AppTest:
    state = AppState(runner=real_runner, cookie_cipher=CookieCipher("secret"), data_dir=tmp_path / "data")
    app_state.set_state(state)
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    return page()
