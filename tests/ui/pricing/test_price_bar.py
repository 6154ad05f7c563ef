"""A limit that is too low is told beside the price, and one click raises it."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.ui.page_driver import page_text, press
from tests.ui.pricing.conftest import compose, without_exception


def test_a_limit_that_cuts_answers_off_is_told_and_raised_by_a_click(at: AppTest) -> None:
    at.session_state["max_output_tokens"] = 256
    text = page_text(compose(at)).replace("\\", "")
    assert "A limit of 256 tokens would probably cut" in text and "fits 99 of 100." in text
    (label,) = [button.label for button in at.button if str(button.key).startswith("use-better-")]
    press(at, label)
    assert at.session_state["max_output_tokens"] == int(label.removeprefix("Use ").replace(",", ""))
    assert "would probably cut" not in page_text(without_exception(at.run()))
