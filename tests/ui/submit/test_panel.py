"""What is composed is checked before it is sent, sent once, and told by line where it cannot be."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from lifecycle.core.models import Account
from lifecycle.runner import Runner
from tests.ui.page_driver import Open, give_files, open_new, press
from tests.ui.submit.conftest import submitted_rows
from ui.shared.app_state import AppState


def test_prompts_are_sent_one_per_line(composer: AppTest, real_runner: Runner, account: Account) -> None:
    composer.text_area(key="prompts").set_value("one\n\ntwo\n")
    press(composer, "Submit batch")
    texts_sent = [row["request"]["contents"][0]["parts"][0]["text"] for row in submitted_rows(real_runner, account)]  # type: ignore[index]
    assert texts_sent == ["one", "two"]
    assert composer.query_params["run"] == real_runner.runs.list_recent(account)[0].id
    assert open_new(composer).run().text_area(key="prompts").value == ""


def test_a_submission_empties_the_composer_so_that_another_click_sends_nothing(
    composer: AppTest, real_runner: Runner, account: Account
) -> None:
    composer.text_area(key="prompts").set_value("one").run()
    idempotency_key = composer.session_state["submit_idempotency_key"]
    press(composer, "Submit batch")
    assert composer.session_state["submit_idempotency_key"] != idempotency_key
    press(open_new(composer).run(), "Submit batch")
    assert len(real_runner.runs.list_recent(account)) == 1
    assert "There is nothing to send yet" in composer.error[-1].value.replace("\\", "")


def test_a_bad_file_is_told_by_line_and_only_its_good_part_can_be_sent(
    composer: AppTest, real_runner: Runner, account: Account
) -> None:
    good = '{"key": "a", "request": {"contents": [{"parts": [{"text": "fine"}]}]}}'
    give_files(composer, {"bad.jsonl": f"{good}\n{good}\nnot json\n".encode()})
    listed = next(code.value for code in composer.code if "Line 2" in code.value)
    assert "Line 3" in listed
    press(composer, "Submit batch")
    assert real_runner.runs.list_recent(account) == [] and "Nothing was sent" in composer.error[0].value
    composer.text_area(key="system_instruction").set_value("Be brief.").run()
    assert not composer.error, "what was said of an input does not outlive it"
    press(composer, "Submit the 1 good row")
    assert [row["key"] for row in submitted_rows(real_runner, account)] == ["a"]


def test_without_an_account_nothing_can_be_sent(page: Open, state: AppState) -> None:
    at = page()
    assert next(element for element in at.button if element.label == "Submit batch").disabled
