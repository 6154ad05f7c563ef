"""A pile of documents on the page: what is seen before there is an instruction, and what is sent."""

from __future__ import annotations

import json
from pathlib import Path

from streamlit.testing.v1 import AppTest

from lifecycle.core.models import Account
from lifecycle.runner import Runner
from tests.lifecycle.whole_requests import whole_requests
from tests.ui.page_driver import give_files, page_text, press, submit_button
from tests.ui.pile.piles import BROKEN, WORD, document, scan
from ui.shared import app_state

PILE = {"box/ledger.pdf": document(3), "turned.jpg": scan(form="JPEG", turned=True), "broken.pdf": BROKEN}


def plain_text(at: AppTest) -> str:
    return page_text(at).replace("\\", "")


def ask(at: AppTest, instruction: str) -> AppTest:
    at.text_area(key="file_instruction").set_value(instruction).run()
    assert not at.exception
    return at


def draft_keys(at: AppTest) -> list[str]:
    folder: Path = at.session_state["draft"][1].folder
    return [json.loads(line)["key"] for line in (folder / "requests.jsonl").read_text("utf-8").splitlines()]


def test_a_pile_is_told_before_there_is_an_instruction_and_priced_after(composer: AppTest) -> None:
    give_files(composer, PILE)
    text = plain_text(composer)
    assert "**3 files**" in text and "3 pages in documents" in text and "Write an instruction first" in text
    assert "**broken.pdf** cannot be read as a PDF." in text and "1 file was mended" in text
    assert not composer.error and "draft" not in composer.session_state

    looked_at = composer.session_state["examined_pile"].pile.folder
    ask(composer, "Summarise.")
    ask(composer, "Transcribe.")
    assert composer.session_state["examined_pile"].pile.folder == looked_at, "no file is read again"
    assert len(list(app_state.get_state().drafts.iterdir())) == 2, "the pile, and the newest draft of it"
    assert draft_keys(composer) == ["ledger.pdf#p0001", "ledger.pdf#p0002", "ledger.pdf#p0003", "turned.jpg"]
    assert "4 requests can be sent" in plain_text(composer) and not composer.error
    (detail,) = [group for group in composer.get("button_group") if group.key == "media_resolution"]
    assert len(detail.options) == 4 and all("$" in str(option) for option in detail.options)


def test_documents_are_sent_whole_or_by_page(composer: AppTest) -> None:
    ask(give_files(composer, PILE), "Transcribe.")
    composer.session_state["file_pages"] = "whole"
    composer.run()
    assert draft_keys(composer) == ["ledger.pdf", "turned.jpg"]


def test_files_with_problems_are_left_out_with_one_click_and_put_back(composer: AppTest) -> None:
    ask(give_files(composer, {**PILE, "minutes.docx": WORD}), "Transcribe.")
    assert submit_button(composer).disabled and "2 files need you first" in plain_text(composer)
    composer.button(key="leave-out-minutes.docx").click().run()
    assert "1 file needs you" in plain_text(composer) and "**3 files**" in plain_text(composer)
    press(composer, "Leave it out")
    assert "needs you" not in plain_text(composer) and "2 files are left out." in plain_text(composer)
    assert composer.session_state["draft"][1].problem_count == 0
    press(composer, "Put back")
    assert "2 files need you" in plain_text(composer)


def test_what_is_submitted_is_the_pile_as_it_is_shown(composer: AppTest, real_runner: Runner, account: Account) -> None:
    ask(give_files(composer, PILE), "Transcribe.")
    press(composer, "Leave it out")
    composer.session_state["media_resolution"] = "low"
    composer.run()
    press(composer, "Submit batch")
    assert not composer.error
    (run,) = real_runner.runs.list_recent(account)
    lines = whole_requests(real_runner.folder(run.id) / "requests.jsonl").splitlines()
    configs = [json.loads(line)["request"]["generationConfig"] for line in lines]
    assert run.rows == 4 and configs == [{"mediaResolution": "MEDIA_RESOLUTION_LOW"}] * 4
    assert len(list((real_runner.folder(run.id) / "blobs").iterdir())) == 4
    assert composer.session_state["media_resolution"] == "" and composer.session_state["dedupe"] is False

    press(composer, "Edit and run again")
    assert not composer.error and composer.text_area(key="file_instruction").value == "Transcribe."
    pages = [f"ledger page {number:04d}.pdf" for number in (1, 2, 3)]
    assert [key.partition("#")[0] for key in draft_keys(composer)] == [*pages, "turned.jpg"]
    assert composer.session_state["media_resolution"] == "low"


def test_the_same_content_is_sent_once_and_single_pages_need_no_choice(composer: AppTest) -> None:
    give_files(composer, {"a.png": scan(), "b.png": scan(), "c.pdf": document(1)})
    assert "file_pages" not in [group.key for group in composer.get("button_group")]
    assert composer.session_state["dedupe"] is True
    give_files(composer, {"a.png": scan()})
    assert composer.session_state["dedupe"] is False


def test_an_archive_that_cannot_be_opened_is_said_once_and_can_be_removed(composer: AppTest) -> None:
    give_files(composer, {"scans.zip": b"PK\x03\x04 and nothing more"})
    assert [error.value.replace("\\", "") for error in composer.error] == [
        "scans.zip cannot be read as a ZIP archive. Pack it again."
    ]
    press(composer, "Remove")
    assert not composer.error
