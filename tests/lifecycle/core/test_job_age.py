"""How a run's jobs stand in time, by Google's clock."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lifecycle.core import job_age
from lifecycle.core.job_age import oldest_job_age, typical_duration
from lifecycle.core.models import JobAge
from lifecycle.core.run_progress import RunProgress
from lifecycle.core.run_records import ShardRecord, ShardStage

HOUR = 3600.0
NOW = 1_800_000_000.0


def a_shard(
    n: int, created_hours_ago: float | None, stage: ShardStage = ShardStage.SUBMITTED, state: str = "JOB_STATE_RUNNING"
) -> ShardRecord:
    created = None if created_hours_ago is None else NOW - created_hours_ago * HOUR
    blank = ShardRecord(run_id="r", n=n, rows=1, size_bytes=1, tokens=1, transport="file", groups=[], display_name="s")
    return replace(blank, stage=stage, job_state=state, job_created_at=created)


@pytest.mark.parametrize(("hours", "left"), [(11.9, None), (12, "36"), (24, "24"), (36, "12"), (47, "1")])
def test_old_jobs_are_warned_about_with_the_time_left(hours: float, left: str | None) -> None:
    said = job_age.warning(hours * HOUR)
    assert (f"{left} hours are left" in said) if left else said == ""


def test_a_job_past_its_expiry_is_not_said_to_have_time_left() -> None:
    assert "left" not in job_age.warning(49 * HOUR)


def test_the_clock_is_that_of_the_oldest_open_job() -> None:
    shards = [a_shard(0, 40, ShardStage.ENDED), a_shard(1, 13), a_shard(2, 25), a_shard(3, None, ShardStage.WAITING)]
    clock = oldest_job_age(RunProgress(), shards, NOW)
    assert clock is not None
    assert (clock.age_seconds, clock.seconds_left, clock.warn_hours) == (25 * HOUR, 23 * HOUR, 24)


@pytest.mark.parametrize(
    ("seconds", "warned"),
    [(12 * HOUR - 1, 0), (12 * HOUR, 12), (24 * HOUR - 1, 12), (24 * HOUR, 24), (36 * HOUR - 1, 24), (36 * HOUR, 36)],
)
def test_a_warning_comes_at_its_hour_and_not_later(seconds: float, warned: int) -> None:
    assert JobAge("JOB_STATE_RUNNING", seconds, 0.0).warn_hours == warned


def test_without_an_open_job_there_is_no_clock() -> None:
    assert (
        oldest_job_age(RunProgress(), [a_shard(0, 40, ShardStage.ENDED), a_shard(1, None, ShardStage.WAITING)], NOW)
        is None
    )


def test_ages_are_counted_by_googles_clock() -> None:
    clock = oldest_job_age(RunProgress(clock_skew=12 * HOUR), [a_shard(0, 1)], NOW)
    assert clock is not None and clock.age_seconds == 13 * HOUR


def test_the_time_in_a_state_begins_when_it_was_seen_or_when_the_job_was_made() -> None:
    data = RunProgress(state_since={0: NOW - 2 * HOUR})
    seen, unseen = oldest_job_age(data, [a_shard(0, 5)], NOW), oldest_job_age(RunProgress(), [a_shard(0, 5)], NOW)
    assert seen is not None and unseen is not None
    assert (seen.state_seconds, unseen.state_seconds) == (2 * HOUR, 5 * HOUR)


def test_what_is_usual_is_the_median_of_the_users_own_jobs() -> None:
    assert typical_duration([]) is None
    assert typical_duration([1.0, 30.0, 2.0]) == (2 * HOUR, 3)
