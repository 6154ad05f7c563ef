"""What is composed is checked before it is sent, sent once, and told by line where it cannot be."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from batch.requests.input_formats import LINES
from lifecycle.core.models import Account
from lifecycle.runner import Runner
from tests.ui.page_driver import Open, give_files, open_new, page_text, press, submit_button
from tests.ui.submit.conftest import submitted_rows
from ui.files import check_progress
from ui.shared.app_state import AppState
from ui.submit import prompts_form


def test_prompts_are_sent_one_per_line(composer: AppTest, real_runner: Runner, account: Account) -> None:
    composer.text_area(key="prompts").set_value("one\n\ntwo\n").run()
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
    assert submit_button(open_new(composer).run()).disabled and "Nothing to send yet" in page_text(composer)
    assert len(real_runner.runs.list_recent(account)) == 1


def test_a_bad_file_is_told_by_line_and_only_its_good_part_can_be_sent(
    composer: AppTest, real_runner: Runner, account: Account
) -> None:
    good = '{"key": "a", "request": {"contents": [{"parts": [{"text": "fine"}]}]}}'
    give_files(composer, {"bad.jsonl": f"{good}\n{good}\nnot json\n".encode()})
    listed = next(code.value for code in composer.code if "Line 2" in code.value)
    assert "Line 3" in listed
    assert submit_button(composer).disabled and "2 rows need you first" in page_text(composer)
    press(composer, "Submit the 1 good row")
    assert [row["key"] for row in submitted_rows(real_runner, account)] == ["a"]


def test_without_an_account_nothing_can_be_sent(page: Open, state: AppState) -> None:
    at = page()
    at.text_area(key="prompts").set_value("one").run()
    assert submit_button(at).disabled and "Connect a key or rehearse first" in page_text(at)


def test_a_check_that_was_stopped_is_not_begun_again_by_itself(composer: AppTest) -> None:
    given = composer.text_area(key="prompts")
    given.set_value("one").run()
    composer.session_state["check_stopped"] = check_progress._digest(prompts_form.PromptsInput("two", LINES))
    composer.text_area(key="prompts").set_value("two").run()
    assert "The check of the prompts was stopped" in page_text(composer)
    assert "1 request can be sent" in page_text(press(composer, "Check again"))


def test_a_first_visitor_sees_what_comes_back_until_there_is_a_run(
    composer: AppTest, real_runner: Runner, account: Account
) -> None:
    assert "half the price of single calls" in page_text(composer) and "What comes back" in page_text(composer)
    composer.text_area(key="prompts").set_value("one").run()
    press(composer, "Submit batch")
    assert "What comes back" not in page_text(open_new(composer).run())
