"""Runs are shown as they are, only to whom they belong, and a failed check says so and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from batch.model import RunState
from lifecycle.core import job_age
from lifecycle.core.job_age import JobAge, TypicalDuration
from lifecycle.core.models import CacheView, JobView, RunView
from tests.ui.conftest import CookieJar
from tests.ui.fakes import NOW, FakeRunner, finished_run, make_run
from tests.ui.shared.test_session import KEY, page_text, press
from ui.shared.app_state import AppState

Open = Callable[..., AppTest]
OWNER = "owner-of-ab12"


@pytest.fixture(autouse=True)
def signed_in(state: AppState, cookies: CookieJar) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)


def test_without_runs_the_page_says_what_to_do(page: Open) -> None:
    assert "No runs yet" in page_text(page())


def test_a_run_shows_its_state_in_words_and_in_googles(page: Open, runner: FakeRunner) -> None:
    runner.runs_of[OWNER] = [make_run("r1", name="Invoices *of* May")]
    text = page_text(page())
    assert "Invoices \\*of\\* May" in text and "JOB\\_STATE\\_RUNNING" in text
    assert "gemini\\-3\\-flash" in text


def test_jobs_in_different_states_are_counted(page: Open, runner: FakeRunner) -> None:
    jobs = [JobView(n, f"batches/{n}", state, 5, None, NOW, None) for n, state in enumerate(["A", "A", "B"])]
    runner.runs_of[OWNER] = [make_run("r1", jobs=tuple(jobs))]
    assert "2 × A, 1 × B" in page_text(page())


def test_a_failed_check_and_a_failed_job_say_so_in_the_services_words(page: Open, runner: FakeRunner) -> None:
    failed = JobView(0, "batches/1", "JOB_STATE_FAILED", 5, None, NOW, NOW, error="Quota of [Google](x)")
    runner.runs_of[OWNER] = [
        make_run("r1", note="Could not check, trying again in 8 s.", error="The job failed.", jobs=(failed,))
    ]
    at = page()
    assert "Could not check, trying again in 8 s" in page_text(at).replace("\\", "")
    assert [error.value for error in at.error] == ["The job failed\\.", "Quota of \\[Google\\]\\(x\\)"]


def test_the_newest_run_is_shown_and_another_can_be_chosen(page: Open, runner: FakeRunner) -> None:
    runner.runs_of[OWNER] = [make_run("r2"), make_run("r1")]
    at = page()
    assert at.button(key="open-r2").label == "**run r2**"
    at.button(key="open-r1").click()
    at.run()
    assert at.query_params["run"] == "r1" and at.button(key="open-r1").label == "**run r1**"


def test_the_run_in_the_address_is_found_again(page: Open, runner: FakeRunner) -> None:
    runner.runs_of[OWNER] = [make_run("r2"), make_run("r1")]
    assert page(run="r1").button(key="open-r1").label == "**run r1**"


def test_the_last_run_seen_in_this_browser_is_found_again(page: Open, runner: FakeRunner, cookies: CookieJar) -> None:
    runner.runs_of[OWNER] = [make_run("r2"), make_run("r1")]
    cookies["gbr_preferences"] = '{"run":"r1"}'
    assert page().button(key="open-r1").label == "**run r1**"


@pytest.mark.parametrize("run_id", ["r9", "nonsense", "../../etc/passwd"])
def test_anothers_run_and_an_absent_one_are_the_same_words(page: Open, runner: FakeRunner, run_id: str) -> None:
    runner.runs_of["owner-of-somebody-else"] = [make_run("r9", name="secret plans")]
    at = page(run=run_id)
    assert [error.value for error in at.error] == ["There is no such run under this key\\."]
    assert "secret" not in page_text(at) and "run" not in at.query_params


def test_a_cancel_is_asked_for_once_and_not_assumed(page: Open, runner: FakeRunner) -> None:
    runner.runs_of[OWNER] = [make_run("r1")]
    at = press(page(), "Cancel")
    assert runner.calls == [("cancel", "r1")]
    runner.runs_of[OWNER] = [make_run("r1", cancel_requested=True)]
    waiting = at.run().button(key="cancel")
    assert waiting.label == "Cancelling…" and waiting.disabled
    assert runner.runs.get(runner.accounts.register_key(KEY), "r1").state is RunState.ACTIVE


def test_deleting_asks_first(page: Open, runner: FakeRunner) -> None:
    runner.runs_of[OWNER] = [finished_run(make_run("r1"))]
    at = press(page(), "Delete")
    assert runner.calls == [] and "cannot be undone" in page_text(at)
    assert "Delete for good" not in [element.label for element in press(at, "Keep").button]
    press(press(at, "Delete"), "Delete for good")
    assert runner.calls == [("delete", "r1")]


def test_a_run_under_way_cannot_be_deleted_nor_an_ended_one_cancelled(page: Open, runner: FakeRunner) -> None:
    runner.runs_of[OWNER] = [make_run("r1")]
    labels = {element.label for element in page().button}
    assert "Cancel" in labels and "Delete" not in labels
    runner.runs_of[OWNER] = [finished_run(make_run("r1"))]
    labels = {element.label for element in page().button}
    assert "Cancel" not in labels and "Delete" in labels


def test_five_hundred_runs_are_shown_a_page_at_a_time(page: Open, runner: FakeRunner) -> None:
    runner.runs_of[OWNER] = [replace(finished_run(make_run(f"r{n}")), name=f"run {n}") for n in range(500)]
    at = page()
    assert "500 runs, none under way" in page_text(at)
    assert sum(element.key is not None and element.key.startswith("open-") for element in at.button) <= 10


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
    assert intervals["live"] is None
    runner.runs_of[OWNER] = [make_run("r2"), finished_run(make_run("r1"))]
    page()
    assert intervals["live"] == 1.0


def slow_run(hours: float, **changes: Any) -> RunView:
    clock = JobAge("JOB_STATE_PENDING", hours * 3600, hours * 3600)
    return make_run("r1", job_age=clock, warning=job_age.warning(hours * 3600), **changes)


def test_the_age_what_is_left_and_what_is_usual_stand_beside_each_other(page: Open, runner: FakeRunner) -> None:
    clock = JobAge("JOB_STATE_RUNNING", age_seconds=5 * 3600, state_seconds=2 * 3600)
    runner.runs_of[OWNER] = [make_run("r1", job_age=clock)]
    runner.typical_for["gemini-3-flash"] = TypicalDuration(5400.0, 7)
    text = page_text(page()).replace("\\", "")
    assert "Job running for 2 h, made 5 h ago · 43 h 0 min left until Google ends it" in text
    assert "your jobs on this model usually take 1 h 30 min (median of 7)" in text


@pytest.mark.parametrize("hours", [12, 24, 36])
def test_a_warning_offers_three_ways_and_takes_none_by_itself(page: Open, runner: FakeRunner, hours: int) -> None:
    runner.runs_of[OWNER] = [slow_run(hours)]
    at = page()
    assert f"{48 - hours} hours are left" in page_text(at).replace("\\", "")
    labels = [element.label for element in at.button]
    assert [label for label in labels if label.startswith(("Keep", "Cancel"))] == [
        "Keep waiting",
        "Cancel it",
        "Cancel and submit elsewhere…",
    ]
    at.run()
    assert runner.calls == []


def test_keep_waiting_hushes_a_warning_until_the_next_one(page: Open, runner: FakeRunner) -> None:
    runner.runs_of[OWNER] = [slow_run(13)]
    at = press(page(), "Keep waiting")
    assert "hours are left" not in page_text(at) and "Cancel" in [element.label for element in at.button]
    runner.runs_of[OWNER] = [slow_run(25)]
    assert "23 hours are left" in page_text(at.run()).replace("\\", "")


def test_the_rest_is_submitted_elsewhere_once_and_comes_into_view(page: Open, runner: FakeRunner) -> None:
    runner.runs_of[OWNER] = [slow_run(13)]
    at = press(page(), "Cancel and submit elsewhere…")
    at.selectbox(key="resubmit-model-r1").select("gemini-mystery").run()
    assert "$3.00 at worst" in page_text(at).replace("\\", "")
    at = press(at, "Cancel and submit the rest")
    child = runner.runs_of[OWNER][0]
    assert (child.parent_id, child.model, at.query_params["run"]) == ("r1", "gemini-mystery", child.id)


def test_a_job_is_recovered_by_its_name_or_the_reason_is_told(page: Open, runner: FakeRunner) -> None:
    at = page()
    at.session_state["import-job"] = True
    at.run()
    at.text_input(key="import-job-name").input("nothing").run()
    at = press(at, "Recover")
    assert "Google finds no batch job nothing" in page_text(at).replace("\\", "")
    at.text_input(key="import-job-name").input("batches/abc").run()
    at.text_input(key="import-job-field").input("custom_id").run()
    at = press(at, "Recover")
    assert runner.calls[-1] == ("import-job", "batches/abc", "None", "custom_id")
    assert at.query_params["run"] == runner.imported["batches/abc"]


def test_a_recovered_run_without_inputs_says_so_and_is_not_offered_again(page: Open, runner: FakeRunner) -> None:
    runner.runs_of[OWNER] = [finished_run(make_run("r1", imported_job="batches/abc", inputs_known=False))]
    at = page()
    assert "What it was asked is not known here" in page_text(at)
    assert not {"Run again", "Edit and run again"}.intersection(element.label for element in at.button)


def test_ages_of_jobs_files_and_caches_are_told(page: Open, runner: FakeRunner) -> None:
    later = NOW + timedelta(hours=3)
    job = JobView(0, "batches/a", "JOB_STATE_RUNNING", 5, None, NOW, None, state_since=NOW + timedelta(hours=1))
    job = replace(job, file="files/f", file_until=NOW + timedelta(hours=48))
    cache = CacheView("g", "cachedContents/c", 4000, later + timedelta(minutes=20), None, None, created_at=NOW)
    runner.runs_of[OWNER] = [make_run("r1", jobs=(job,), caches=(cache,), google_now=later)]
    text = page_text(page()).replace("\\", "")
    assert "JOB_STATE_RUNNING (running) for 2 h · made 3 h ago · batches/a" in text
    assert "Input file of job 1: Google deletes it in 45 h 0 min · files/f" in text
    assert "Cache of 4,000 tokens · made 3 h ago · expires in 20 min unless it is renewed" in text


def test_where_results_are_kept_is_told(page: Open, runner: FakeRunner) -> None:
    run = finished_run(
        make_run("r1", imported_job="batches/abc", google_now=NOW, results_until=NOW + timedelta(days=2))
    )
    runner.runs_of[OWNER] = [run]
    assert "saved on this computer" in (text := page_text(page()).replace("\\", ""))
    assert "Google deletes it in 48 h 0 min" in text
