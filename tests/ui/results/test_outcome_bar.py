"""The outcomes at a glance."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.ui.page_driver import press
from tests.ui.results.conftest import rows


def test_one_click_shows_what_needs_attention(results: AppTest) -> None:
    press(results, "Only the 3 rows that need attention")
    assert rows(results) == ["blocked", "failed", "lost"]
