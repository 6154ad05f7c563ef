"""Runs are shown as they are, only to whom they belong, and a failed check says so and changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from batch.model import RunState
from lifecycle.core.models import JobView
from tests.ui.conftest import CookieJar
from tests.ui.fakes import NOW, FakeRunner, finished_run, make_run
from tests.ui.page_driver import KEY, OWNER, Open, page_text, press


def menu(at: AppTest) -> list[str]:
    """What the menu of the run that is open offers."""
    return [str(option) for option in at.get("menu_button")[0].options]


def choose(at: AppTest, option: str) -> AppTest:
    at.get("menu_button")[0].click(option)
    return at.run()


def test_without_runs_the_page_says_what_to_do(page: Open) -> None:
    assert "No runs yet" in page_text(page())


def test_a_run_shows_its_state_in_words_and_in_googles(page: Open, runner: FakeRunner) -> None:
    runner.runs_of[OWNER] = [make_run("r1", name="Invoices *of* May")]
    text = page_text(page(run="r1"))
    assert "Invoices \\*of\\* May" in text and "JOB\\_STATE\\_RUNNING" in text
    assert "gemini\\-3\\-flash" in text


def test_jobs_in_different_states_are_counted(page: Open, runner: FakeRunner) -> None:
    jobs = [JobView(n, f"batches/{n}", state, 5, None, NOW, None) for n, state in enumerate(["A", "A", "B"])]
    runner.runs_of[OWNER] = [make_run("r1", jobs=tuple(jobs))]
    assert "2 × A, 1 × B" in page_text(page(run="r1"))


def test_a_failed_check_and_a_failed_job_say_so_in_the_services_words(page: Open, runner: FakeRunner) -> None:
    failed = JobView(0, "batches/1", "JOB_STATE_FAILED", 5, None, NOW, NOW, error="Quota of [Google](x)")
    runner.runs_of[OWNER] = [
        make_run("r1", note="Could not check, trying again in 8 s.", error="The job failed.", jobs=(failed,))
    ]
    at = page(run="r1")
    assert "Could not check, trying again in 8 s" in page_text(at).replace("\\", "")
    assert [error.value for error in at.error] == ["The job failed\\.", "Quota of \\[Google\\]\\(x\\)"]


def test_a_run_that_is_chosen_opens_and_the_address_has_it(page: Open, runner: FakeRunner) -> None:
    runner.runs_of[OWNER] = [make_run("r2"), make_run("r1")]
    at = page()
    at.button(key="open-r1").click()
    at.run()
    assert at.query_params["run"] == "r1"
    assert [heading.value for heading in at.header] == ["Results", "Monitor", "Submit", "Configuration"]
    assert "run r1" in page_text(at)


def test_the_last_run_seen_in_this_browser_is_offered_again(page: Open, runner: FakeRunner, cookies: CookieJar) -> None:
    runner.runs_of[OWNER] = [make_run("r2"), make_run("r1")]
    cookies["gbr_preferences"] = '{"run":"r1"}'
    at = page()
    assert "run r1\\: " in page_text(at)
    assert at.button(key="open-run").click().run().query_params["run"] == "r1"


@pytest.mark.parametrize("run_id", ["r9", "nonsense", "../../etc/passwd"])
def test_anothers_run_and_an_absent_one_are_the_same_words(page: Open, runner: FakeRunner, run_id: str) -> None:
    runner.runs_of["owner-of-somebody-else"] = [make_run("r9", name="secret plans")]
    at = page(run=run_id)
    assert "No run here has this link. It may belong to another key." in page_text(at)
    assert "secret" not in page_text(at) and press(at, "Show runs").query_params.get("run") is None


def test_a_cancel_is_asked_for_once_and_not_assumed(page: Open, runner: FakeRunner) -> None:
    runner.runs_of[OWNER] = [make_run("r1")]
    at = press(page(run="r1"), "Cancel")
    assert runner.calls == [("cancel", "r1")]
    runner.runs_of[OWNER] = [make_run("r1", cancel_requested=True)]
    waiting = at.run().button(key="cancel")
    assert waiting.label == "Cancelling…" and waiting.disabled
    assert runner.runs.get(runner.accounts.register_key(KEY), "r1").state is RunState.ACTIVE


def test_a_run_that_waits_for_google_is_resumed_at_once_when_asked(page: Open, runner: FakeRunner) -> None:
    waiting = {"state": RunState.WAITING_FOR_CAPACITY, "status_text": "paused until the account at Google is in order"}
    runner.runs_of[OWNER] = [make_run("r1", **waiting), make_run("r2")]
    press(page(run="r1"), "Resume now")
    assert runner.calls == [("poll_now", "r1")]
    assert "Resume now" not in [button.label for button in page(run="r2").button]


def test_deleting_asks_first(page: Open, runner: FakeRunner) -> None:
    runner.runs_of[OWNER] = [finished_run(make_run("r1"))]
    at = choose(page(run="r1"), "Delete")
    assert runner.calls == [] and "cannot be undone" in page_text(at)
    assert "Delete for good" not in [element.label for element in press(at, "Keep").button]
    press(choose(at, "Delete"), "Delete for good")
    assert runner.calls == [("delete", "r1")]


def test_deleting_a_run_with_retries_says_what_becomes_of_them(page: Open, runner: FakeRunner) -> None:
    retries = [replace(finished_run(make_run(f"c{n}")), parent_id="r1") for n in range(2)]
    runner.runs_of[OWNER] = [finished_run(make_run("r1")), *retries]
    assert "2 retries stay as runs of their own" in page_text(choose(page(run="r1"), "Delete"))
    assert "of their own" not in page_text(choose(page(run="c1"), "Delete"))


def test_a_run_that_is_deleted_already_is_deleted_without_alarm(page: Open, runner: FakeRunner) -> None:
    runner.runs_of[OWNER] = [finished_run(make_run("r1")), finished_run(make_run("r2"))]
    at = choose(page(run="r1"), "Delete")
    runner.runs_of[OWNER] = runner.runs_of[OWNER][1:]  # by a second tab, or the first of two clicks
    at = press(at, "Delete for good")
    assert not at.error and not at.warning and "no such run" not in page_text(at)


def test_a_run_under_way_cannot_be_deleted_nor_an_ended_one_cancelled(page: Open, runner: FakeRunner) -> None:
    runner.runs_of[OWNER] = [make_run("r1")]
    at = page(run="r1")
    assert "Cancel" in {one.label for one in at.button} and "Delete" not in menu(at)
    runner.runs_of[OWNER] = [finished_run(make_run("r1"))]
    at = page(run="r1")
    assert "Cancel" not in {one.label for one in at.button} and "Delete" in menu(at)


def test_five_hundred_runs_are_shown_a_page_at_a_time(page: Open, runner: FakeRunner) -> None:
    runner.runs_of[OWNER] = [replace(finished_run(make_run(f"r{n}")), name=f"run {n}") for n in range(500)]
    at = page()
    assert "500 runs, none under way" in page_text(at)
    assert [len(table.value) for table in at.dataframe] == [25] and "1 to 25 of 500 ended runs" in page_text(at)


def test_the_page_ticks_only_while_something_is_under_way(
    page: Open, runner: FakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    intervals: dict[str, float | None] = {}
    real = st.fragment

    def fragment(*given: Any, run_every: float | None = None, key: str = "") -> Any:
        intervals[key] = run_every
        return real(*given, run_every=run_every, key=key or None)

    monkeypatch.setattr(st, "fragment", fragment)
    runner.runs_of[OWNER] = [finished_run(make_run("r1"))]
    page()
    assert [intervals["live"]] == [None]
    runner.runs_of[OWNER] = [make_run("r2"), finished_run(make_run("r1"))]
    page()
    assert [intervals[name] for name in ("live", "run-table")] == [2.0, None], "the table does not tick"
