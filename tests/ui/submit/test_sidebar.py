"""Settings are checked and go into every request."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from lifecycle.core.models import Account
from lifecycle.runner import Runner
from tests.ui.page_driver import press
from tests.ui.submit.conftest import submitted_rows


def test_settings_that_cannot_be_are_said_at_once(composer: AppTest, real_runner: Runner, account: Account) -> None:
    composer.text_area(key="response_schema").set_value("{not json").run()
    assert composer.sidebar.error
    composer.text_area(key="prompts").set_value("one")
    press(composer, "Submit batch")
    assert real_runner.runs.list_recent(account) == []


def test_settings_go_into_every_request(composer: AppTest, real_runner: Runner, account: Account) -> None:
    composer.number_input(key="temperature").set_value(0.5)
    composer.text_area(key="system_instruction").set_value("Be brief.")
    composer.text_area(key="prompts").set_value("one")
    press(composer, "Submit batch")
    request = submitted_rows(real_runner, account)[0]["request"]
    assert isinstance(request, dict)
    assert request["generationConfig"] == {"temperature": 0.5}
    assert request["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
    assert real_runner.runs.list_recent(account)[0].spec.generation.temperature == 0.5
