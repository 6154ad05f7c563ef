"""A sample is something that can be sent."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.page_driver import page_text, press


@pytest.mark.parametrize("sample", ["A few prompts", "A service desk's day", "Everything that can go wrong"])
def test_a_sample_is_one_click_away_and_without_a_problem(composer: AppTest, sample: str) -> None:
    press(composer, sample)
    assert "requests can be sent" in page_text(composer) and not composer.error
