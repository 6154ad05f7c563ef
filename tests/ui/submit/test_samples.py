"""A sample is something that can be sent."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.page_driver import page_text, press
from ui.submit.samples import CARDS


@pytest.mark.parametrize("sample", ["A few prompts", "A service desk's day", "Everything that can go wrong"])
def test_a_sample_is_one_click_away_and_without_a_problem(composer: AppTest, sample: str) -> None:
    press(composer, sample)
    assert "requests can be sent" in page_text(composer) and not composer.error


@pytest.mark.parametrize("name", ["table", "scans", "pictures", "embeddings"])
def test_a_card_lays_down_what_can_be_sent_with_a_model_that_fits(composer: AppTest, name: str) -> None:
    composer.button(key=f"try-{name}").click()
    composer.run()
    assert not composer.exception and not composer.error
    assert "requests can be sent" in page_text(composer)
    kind = {card.name: card.kind for card in CARDS}[name]
    assert {"text": "flash", "image": "image", "embedding": "embedding"}[kind] in composer.session_state["model"]
    assert not [button for button in composer.button if str(button.key).startswith("try-")]


def test_a_text_sample_takes_a_text_model_again(composer: AppTest) -> None:
    composer.session_state["model"] = "gemini-embedding-2"
    composer.run()
    composer.button(key="try-table").click().run()
    assert composer.session_state["model"] == "gemini-3.8-flash"
