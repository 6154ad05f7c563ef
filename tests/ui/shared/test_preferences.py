"""What a browser remembered is there on the first run, and read with suspicion."""

from __future__ import annotations

import pytest

from tests.ui.conftest import CookieJar
from tests.ui.page_driver import Open


def test_what_was_chosen_last_time_is_chosen_on_the_first_run(page: Open, cookies: CookieJar) -> None:
    cookies["gbr_preferences"] = "%7B%22model%22%3A%22gemini-typed%22%2C%22mode%22%3A%22File%20(JSONL)%22%7D"
    at = page()
    assert at.selectbox(key="model").value == "gemini-typed"
    assert at.session_state["mode"] == "File (JSONL)"


@pytest.mark.parametrize("text", ["[1]", '{"mode": 5, "model": {"a": 1}}', '{"mode": "Sideways"}', "{", '{"run":"x"}'])
def test_preferences_that_somebody_edited_do_no_harm(page: Open, cookies: CookieJar, text: str) -> None:
    cookies["gbr_preferences"] = text
    assert page().session_state["mode"] == "Inline"
