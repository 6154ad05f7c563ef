"""What a run will ask for, and what a canary or tries teach about it."""

from __future__ import annotations

from typing import get_args

import pytest

from batch.model import Usage
from batch.pricing.sampling import Interval
from batch.pricing.workload import (
    GUESS_FACTOR,
    CachePlan,
    Case,
    TierTotals,
    Workload,
    apply_canary,
    apply_tries,
    assumed_output,
    canary_rows,
    tried_rows,
)


@pytest.mark.parametrize(
    ("rows", "size", "tried", "canary"),
    [
        (10, 1, [0], [5]),
        (10, 3, [0, 4, 9], [1, 5, 8]),
        (2, 5, [0, 1], [0, 1]),
        (0, 5, [], []),
        (10, 0, [], []),
        (10, -1, [], []),
    ],
)
def test_rows_are_spread_over_the_input(rows: int, size: int, tried: list[int], canary: list[int]) -> None:
    assert tried_rows(rows, size) == tried
    assert canary_rows(rows, size) == canary


def test_the_sums_of_both_tiers() -> None:
    workload = Workload(
        short=TierTotals(rows=3, prompt=300, cached=30, output_cap=900, extra_answers=3),
        long=TierTotals(rows=1, prompt=250_000, cached=1_000, output_cap=None),
        caches=(CachePlan(4_096, 1.0, 2.0, 24.0, 48.0),),
    )
    assert (workload.rows, workload.estimated_prompt, workload.cached) == (4, 250_300, 1_030)
    assert workload.output_cap is None
    assert workload.short.answers == 6
    assert [workload.caches[0].hours_for(case) for case in get_args(Case)] == [1.0, 2.0, 2.0, 24.0, 48.0]
    assert workload.without_caches().caches == ()
    assert workload.without_caches().cached == 0


def test_an_output_that_nobody_measured_may_be_far_longer() -> None:
    thinking, plain = assumed_output(), assumed_output(thinking=False)
    assert thinking.expected > plain.expected
    assert plain.high == plain.worst == GUESS_FACTOR * plain.expected
    assert "assumed" in plain.description


OBSERVED = [Usage(prompt=110, candidates=20), Usage(prompt=220, candidates=22), Usage(prompt=165, candidates=21)]


def workload(cached: int = 0) -> Workload:
    return Workload(short=TierTotals(rows=10, prompt=1_500, cached=cached), prompt=Interval(1_500, 600))


def test_a_canary_measures_output_and_corrects_prompts_in_proportion() -> None:
    corrected = apply_canary(workload(), OBSERVED, [100, 200, 150])
    assert corrected.output.expected == pytest.approx(21)
    assert corrected.output.per_row
    assert corrected.prompt.total == pytest.approx(1_650)
    assert "the canary's 3 rows" in corrected.output.description


def test_a_canary_that_read_nothing_from_a_cache_promises_no_reads() -> None:
    assert apply_canary(workload(cached=1_000), OBSERVED).cached == 0
    read = [Usage(prompt=110, cached=50, candidates=20)]
    assert apply_canary(workload(cached=1_000), read).cached == 1_000
    # Tries are asked one by one, outside the run's caches.
    assert apply_tries(workload(cached=1_000), OBSERVED).cached == 1_000


def test_nothing_observed_teaches_nothing() -> None:
    assert apply_canary(workload(), []) == workload() == apply_tries(workload(), [])
