"""Rows answered before are told of, and taken over or asked again as the user says."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lifecycle.core.models import Account, RunSpec
from lifecycle.inputs.drafts import Draft
from lifecycle.reuse.answers import EarlierAnswers
from lifecycle.reuse.search import search
from lifecycle.reuse.take_over import AnsweringRun, take_over
from tests.lifecycle.run_fixture import RunFixture, answer
from tests.ui.fakes import FakeEarlierAnswers
from tests.ui.page_driver import give_files, press
from tests.ui.pricing_runner import PricingRunner
from tests.ui.submit.conftest import part_texts, plain_text, submitted_requests

ASKED_BEFORE = "Who?"


class OneEarlierRun(FakeEarlierAnswers):
    """One run has answered one question."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        request = {"contents": [{"role": "user", "parts": [{"text": ASKED_BEFORE}]}]}
        run = RunFixture(folder / "r1").send(["k"], request=lambda _: request)
        files = run.receive([{"key": "k", **answer("nobody")}]).build().files
        self.run = AnsweringRun("r1", "Last week", 1_795_000_000.0, run.folder, files)

    def could_have(self, account: Account, spec: RunSpec) -> bool:
        return True

    def find(self, account: Account, draft: Draft, spec: RunSpec) -> EarlierAnswers:
        return EarlierAnswers(draft, search(draft.folder, [self.run.folder]), (self.run,))

    def use(self, earlier: EarlierAnswers) -> Draft:
        return take_over(earlier.draft, earlier.found, earlier.runs, self.folder / "drafts" / "rest")


@pytest.fixture
def knowing(runner: PricingRunner, at: AppTest, tmp_path: Path) -> AppTest:
    runner.earlier_answers = OneEarlierRun(tmp_path / "earlier")
    return at.run()


def test_prompts_typed_again_are_asked_again_unless_the_user_wants_the_answers(
    knowing: AppTest, runner: PricingRunner
) -> None:
    text = plain_text(knowing)
    assert "1 of 2 rows was answered before, by the same request, in the run Last week of 18 Nov 2026." in text
    assert "2 rows will be sent and paid" in text
    knowing.session_state[f"earlier-{knowing.session_state['draft'][1].folder.name}"] = "Use these answers"
    knowing.run()
    assert "1 row will be sent. The results hold all 2 rows." in plain_text(knowing)
    press(knowing, "Submit batch")
    assert [part_texts(request) for request in submitted_requests(runner)] == [["Where?"]]


def test_a_table_given_again_is_sent_for_its_new_rows(knowing: AppTest, runner: PricingRunner) -> None:
    give_files(knowing, {"table.csv": b"question\nWho?\nWhy?\nHow?\n"})
    assert "2 rows will be sent. The results hold all 3 rows." in plain_text(knowing)
    press(knowing, "Submit batch")
    assert [part_texts(request) for request in submitted_requests(runner)] == [["Why?"], ["How?"]]


def test_who_is_answered_whole_pays_nothing(knowing: AppTest) -> None:
    give_files(knowing, {"table.csv": b"question\nWho?\n"})
    assert "Nothing is sent, and nothing is paid" in plain_text(knowing)


def test_without_earlier_runs_nothing_is_said(at: AppTest) -> None:
    assert "answered before" not in plain_text(at)
