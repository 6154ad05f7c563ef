"""The bar tells whenever calls do not go to Google."""

from __future__ import annotations

from tests.ui.fakes import FakeRunner
from tests.ui.page_driver import KEY, Open, page_text
from tests.ui.shared.test_session import type_key


def test_the_page_says_where_calls_go_when_not_to_google(page: Open, runner: FakeRunner) -> None:
    runner.destination = "http://127.0.0.1:9"
    at = type_key(page(), KEY)
    assert "not to Google" in page_text(at)
