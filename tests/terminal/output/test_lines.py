"""What people read of runs, caches, jobs and spending."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from batch.model import RunState
from batch.pricing.costs import Spend
from lifecycle.core.foreign_jobs import ForeignJob
from terminal.output.lines import foreign_job_line, run_line, spend_line
from tests.ui.fakes import make_run

SPEND = Spend(date(2026, 11, 24), "m", 2, 1_000, 1.5, 0, False, 0.25, 0.5)


def test_a_run_is_one_line_with_its_counts_and_cost() -> None:
    run = make_run(
        "r1", state=RunState.FINISHED, status_text="finished", counts={"answered": 1_200, "empty": 0}, rows=1_200
    )
    assert run_line(run) == "r1  finished  gemini-3-flash  1,200 rows  1,200 answered  run r1"
    mixed = replace(run, counts={"answered": 1_190, "refused": 10}, tags=("a", "b"))
    assert run_line(mixed).startswith("r1  finished, 10 to decide  10 need attention  gemini-3-flash")
    assert run_line(mixed).endswith("run r1  [a, b]")
    assert "  $0.50  " in run_line(replace(run, actual_usd=0.5))
    assert "at least $0.50" in run_line(replace(run, actual_usd=0.5, cost_is_lower_bound=True))
    assert run_line(replace(run, error="No key.")).endswith("No key.")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ["2026-11-24", "2 runs", "1,000 rows", "$1.50", "saved $0.75"]),
        ({"day": None, "model": ""}, ["all days", "all models"]),
        ({"at_least": True}, ["at least $1.50"]),
        ({"saved_by_caching": -1.0}, ["lost $0.50"]),
        ({"runs_of_unknown_cost": 1}, ["1 run of unknown cost"]),
        ({"usd": None, "saved_by_caching": None}, ["2 runs", "not known"]),
    ],
)
def test_spending_says_what_is_known(changes: dict[str, object], words: list[str]) -> None:
    line = spend_line(replace(SPEND, **changes))  # type: ignore[arg-type]  # fields of the tests
    assert [word for word in words if word not in line] == []


def test_a_job_made_elsewhere_may_not_tell_its_size() -> None:
    job = ForeignJob("batches/1", "nightly", "m", "JOB_STATE_RUNNING", None, datetime(2026, 11, 24, tzinfo=UTC))
    assert "an unknown number of requests" in foreign_job_line(job)
    assert "1,200 requests" in foreign_job_line(replace(job, requests=1_200))
