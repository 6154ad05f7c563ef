"""A job that takes long is warned about, and nothing is done by itself."""

from __future__ import annotations

from typing import Any

import pytest

from lifecycle.core import job_age
from lifecycle.core.job_age import TypicalDuration
from lifecycle.core.models import JobAge, RunView
from tests.ui.fakes import FakeRunner, make_run
from tests.ui.page_driver import OWNER, Open, page_text, press


def slow_run(hours: float, **changes: Any) -> RunView:
    clock = JobAge("JOB_STATE_PENDING", hours * 3600, hours * 3600)
    return make_run("r1", job_age=clock, warning=job_age.warning(hours * 3600), **changes)


def test_the_age_what_is_left_and_what_is_usual_stand_beside_each_other(page: Open, runner: FakeRunner) -> None:
    clock = JobAge("JOB_STATE_RUNNING", age_seconds=5 * 3600, state_seconds=2 * 3600)
    runner.runs_of[OWNER] = [make_run("r1", job_age=clock)]
    runner.typical_for["gemini-3-flash"] = TypicalDuration(5400.0, 7)
    text = page_text(page(run="r1")).replace("\\", "")
    assert "Job running for 2 h, made 5 h ago · 43 h 0 min left until Google ends it" in text
    assert "your jobs on this model usually take 1 h 30 min (median of 7)" in text


@pytest.mark.parametrize("hours", [12, 24, 36])
def test_a_warning_offers_three_ways_and_takes_none_by_itself(page: Open, runner: FakeRunner, hours: int) -> None:
    runner.runs_of[OWNER] = [slow_run(hours)]
    at = page(run="r1")
    assert f"{48 - hours} hours are left" in page_text(at).replace("\\", "")
    labels = [element.label for element in at.button]
    assert [label for label in labels if label.startswith(("Keep", "Cancel"))] == [
        "Keep waiting",
        "Cancel it",
        "Cancel and submit elsewhere…",
    ]
    at.run()
    assert runner.calls == []


def test_keep_waiting_silences_a_warning_until_the_next_one(page: Open, runner: FakeRunner) -> None:
    runner.runs_of[OWNER] = [slow_run(13)]
    at = press(page(run="r1"), "Keep waiting")
    assert "hours are left" not in page_text(at) and "Cancel" in [element.label for element in at.button]
    runner.runs_of[OWNER] = [slow_run(25)]
    assert "23 hours are left" in page_text(at.run()).replace("\\", "")


def test_the_rest_is_submitted_elsewhere_once_and_comes_into_view(page: Open, runner: FakeRunner) -> None:
    runner.runs_of[OWNER] = [slow_run(13)]
    at = press(page(run="r1"), "Cancel and submit elsewhere…")
    at.selectbox(key="resubmit-model-r1").select("gemini-mystery").run()
    assert "$3.00 at worst" in page_text(at).replace("\\", "")
    at = press(at, "Cancel and submit the rest")
    child = runner.runs_of[OWNER][0]
    assert (child.parent_id, child.model, at.query_params["run"]) == ("r1", "gemini-mystery", child.id)
