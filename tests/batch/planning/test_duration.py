"""Learning from past jobs: shrunken, bounded, and worth having."""

from __future__ import annotations

import random

import pytest

from batch.planning.duration import MAX_JOB_HOURS, JobObservation, learn_duration, learn_implicit_rate


def test_without_history_four_hours_are_assumed() -> None:
    duration = learn_duration([])
    assert duration.mean == 4.0 and duration.jobs == 0
    assert 8.0 < duration.p95 < 24.0
    assert "assumed" in str(duration) and "4.0 h" in str(duration)


def test_the_mean_is_shrunken_by_three_observations_of_four_hours() -> None:
    assert learn_duration([1.0]).mean == pytest.approx((12.0 + 1.0) / 4)
    assert learn_duration([1.0] * 97).mean == pytest.approx((12.0 + 97.0) / 100)
    assert "97 finished jobs" in str(learn_duration([1.0] * 97))


def test_no_duration_exceeds_the_life_of_a_job() -> None:
    duration = learn_duration([1_000.0] * 50)
    assert 40.0 < duration.mean < MAX_JOB_HOURS and duration.p95 == MAX_JOB_HOURS


def test_the_mean_is_planned_with_not_the_median() -> None:
    """Eight jobs of twenty minutes and two of a night: the nights count, since storage is paid by the hour."""
    duration = learn_duration([0.33] * 80 + [17.0] * 20)
    assert 3.0 < duration.mean < 4.5 and duration.p95 > duration.mean


def test_one_in_twenty_takes_longer_than_p95() -> None:
    source = random.Random(2)
    draws = [source.lognormvariate(0.0, 1.0) for _ in range(4_000)]
    duration = learn_duration(draws[:400])
    assert 0.02 < sum(draw > duration.p95 for draw in draws[400:]) / 3_600 < 0.08


def test_odd_observations_are_bounded() -> None:
    duration = learn_duration([0.0, -1.0, float("inf")])
    assert 0.0 < duration.mean < MAX_JOB_HOURS and duration.mean <= duration.p95 <= MAX_JOB_HOURS


def test_implicit_hits_are_hardly_expected_until_they_are_seen() -> None:
    assert learn_implicit_rate([]) == pytest.approx(0.05)
    assert learn_implicit_rate([JobObservation(10_000, 0.0)] * 10) < 0.01
    assert learn_implicit_rate([JobObservation(10_000, 1.0)] * 10) > 0.8
    assert learn_implicit_rate([JobObservation(2, 1.0)]) < 0.15
    assert learn_implicit_rate([JobObservation(10_000, 9.9)] * 99) <= 1.0


def test_the_last_jobs_count_most() -> None:
    """Hits come and go with the service; ten quiet jobs after ten lucky ones bring the rate down."""
    lucky, quiet = [JobObservation(100, 0.9)] * 10, [JobObservation(100, 0.0)] * 10
    assert learn_implicit_rate([*lucky, *quiet]) < learn_implicit_rate([*quiet, *lucky]) / 2
