"""What is composed is checked before it is sent, sent once, and told by line where it cannot be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from batch.pricing import catalog
from lifecycle.core.models import Account
from lifecycle.runner import Runner, Setup
from tests.ui.conftest import CookieJar
from tests.ui.shared.test_session import KEY, page_text, press
from ui.shared import app_state
from ui.shared.app_state import AppState
from ui.shared.cookie_crypto import CookieCipher

Open = Callable[..., AppTest]
NOWHERE = "http://127.0.0.1:9"


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


def submitted_rows(real: Runner, account: Account) -> list[dict[str, object]]:
    """The requests of the newest run."""
    folder = real.folder(real.runs.list_recent(account)[0].id)
    return [json.loads(line) for line in (folder / "requests.jsonl").read_text().splitlines()]


def test_prompts_are_sent_one_per_line(composer: AppTest, real_runner: Runner, account: Account) -> None:
    composer.text_area(key="prompts").set_value("one\n\ntwo\n")
    press(composer, "Submit batch")
    texts_sent = [row["request"]["contents"][0]["parts"][0]["text"] for row in submitted_rows(real_runner, account)]  # type: ignore[index]
    assert texts_sent == ["one", "two"]
    assert composer.query_params["run"] == real_runner.runs.list_recent(account)[0].id
    assert composer.text_area(key="prompts").value == ""


def test_prompts_can_be_blocks(composer: AppTest, real_runner: Runner, account: Account) -> None:
    composer.session_state["split"] = "blocks"
    composer.text_area(key="prompts").set_value("one\nstill one\n\ntwo").run()
    press(composer, "Submit batch")
    assert len(submitted_rows(real_runner, account)) == 2


def test_a_submission_empties_the_composer_so_that_another_click_sends_nothing(
    composer: AppTest, real_runner: Runner, account: Account
) -> None:
    composer.text_area(key="prompts").set_value("one").run()
    idempotency_key = composer.session_state["submit_idempotency_key"]
    press(composer, "Submit batch")
    assert composer.session_state["submit_idempotency_key"] != idempotency_key
    press(composer, "Submit batch")
    assert len(real_runner.runs.list_recent(account)) == 1
    assert "There is nothing to send yet" in composer.error[-1].value.replace("\\", "")


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


def test_a_bad_file_is_told_by_line_and_only_its_good_part_can_be_sent(
    composer: AppTest, real_runner: Runner, account: Account
) -> None:
    good = '{"key": "a", "request": {"contents": [{"parts": [{"text": "fine"}]}]}}'
    composer.session_state["mode"] = "File (JSONL)"
    composer.run()
    composer.file_uploader[0].upload("bad.jsonl", f"{good}\n{good}\nnot json\n".encode(), "application/jsonl").run()
    listed = next(code.value for code in composer.code if "Line 2" in code.value)
    assert "Line 3" in listed
    press(composer, "Submit batch")
    assert real_runner.runs.list_recent(account) == [] and "Nothing was sent" in composer.error[0].value
    composer.text_area(key="system_instruction").set_value("Be brief.").run()
    assert not composer.error, "what was said of an input does not outlive it"
    press(composer, "Submit the 1 good row")
    assert [row["key"] for row in submitted_rows(real_runner, account)] == ["a"]


def test_a_file_whose_name_tells_nothing_is_refused_in_words(composer: AppTest, state: AppState) -> None:
    composer.session_state["mode"] = "File (JSONL)"
    stray = app_state.get_state().uploads / "x.pdf"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"%PDF")
    composer.session_state["file"] = (str(stray), "x.pdf")
    composer.run()
    assert "is not an input" in composer.error[0].value


def test_an_uploaded_file_lies_on_disk_only_and_goes_when_it_is_removed(composer: AppTest) -> None:
    composer.session_state["mode"] = "File (JSONL)"
    composer.run()
    composer.file_uploader[0].upload("t.csv", b"city\nBern\n", "text/csv").run()
    uploads = app_state.get_state().uploads
    assert [path.read_bytes() for path in uploads.iterdir()] == [b"city\nBern\n"]
    composer.text_area(key="template").set_value("Where is {{city}}?").run()
    assert "Where is Bern?" in [code.value for code in composer.code]
    press(composer, "Remove")
    assert list(uploads.iterdir()) == [] and composer.file_uploader


@pytest.mark.parametrize("sample", ["A few prompts", "A service desk's day", "Everything that can go wrong"])
def test_a_sample_is_one_click_away_and_without_a_problem(composer: AppTest, sample: str) -> None:
    press(composer, sample)
    assert "requests can be sent" in page_text(composer) and not composer.error


def test_a_run_can_be_edited_and_sent_again(composer: AppTest, real_runner: Runner, account: Account) -> None:
    composer.text_area(key="prompts").set_value("one\ntwo")
    composer.number_input(key="temperature").set_value(0.5)
    press(composer, "Submit batch")
    composer.number_input(key="temperature").set_value(None)
    press(composer, "Edit and run again")
    assert composer.text_area(key="prompts").value == "one\ntwo"
    assert composer.number_input(key="temperature").value == 0.5


def test_a_run_of_a_file_comes_back_as_a_file(composer: AppTest, real_runner: Runner, account: Account) -> None:
    press(composer, "Everything that can go wrong")
    press(composer, "Submit batch")
    first = submitted_rows(real_runner, account)
    press(composer, "Edit and run again")
    press(composer, "Submit batch")
    assert len(real_runner.runs.list_recent(account)) == 2 and submitted_rows(real_runner, account) == first


def test_without_an_account_nothing_can_be_sent(page: Open, state: AppState) -> None:
    at = page()
    assert next(element for element in at.button if element.label == "Submit batch").disabled
