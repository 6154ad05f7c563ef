"""A first model is chosen that is known; settings are checked and go into every request."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from lifecycle.core.models import Account, ModelChoice
from lifecycle.runner import Runner
from tests.ui.conftest import CookieJar
from tests.ui.fakes import MODELS, FakeAccounts, FakeRunner
from tests.ui.page_driver import KEY, Open, press, submit_button
from tests.ui.submit.conftest import submitted_rows
from ui.shared.app_state import AppState


def test_settings_that_cannot_be_are_said_at_once(composer: AppTest, real_runner: Runner, account: Account) -> None:
    composer.text_area(key="response_schema").set_value("{not json").run()
    assert composer.sidebar.error
    composer.text_area(key="prompts").set_value("one").run()
    assert submit_button(composer).disabled and real_runner.runs.list_recent(account) == []


def test_settings_go_into_every_request(composer: AppTest, real_runner: Runner, account: Account) -> None:
    composer.number_input(key="temperature").set_value(0.5)
    composer.text_area(key="system_instruction").set_value("Be brief.")
    composer.text_area(key="prompts").set_value("one").run()
    press(composer, "Submit batch")
    request = submitted_rows(real_runner, account)[0]["request"]
    assert isinstance(request, dict)
    assert request["generationConfig"] == {"temperature": 0.5}
    assert request["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
    assert real_runner.runs.list_recent(account)[0].spec.generation.temperature == 0.5


class UnsortedAccounts(FakeAccounts):
    """A service whose list begins with a model that the catalog does not know."""

    def models(self, account: Account | None) -> list[ModelChoice]:
        pictures = ModelChoice("some-image-model", "Pictures", None, None, None, "price unknown")
        return [pictures, *MODELS[::-1]] if account else MODELS


def test_the_first_choice_is_a_model_of_the_catalog(
    page: Open, state: AppState, runner: FakeRunner, cookies: CookieJar
) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    runner.accounts = UnsortedAccounts(runner)
    at = page()
    assert at.selectbox(key="model").options[0] == "Pictures"
    assert at.session_state["model"] == MODELS[0].id
