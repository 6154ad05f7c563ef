"""A few lives of the real terminal, cut short by SIGKILL; `make crash` lives through hundreds."""

from __future__ import annotations

import pytest

from tests.crash import trouble_scenario
from tests.crash.crash_scenario import crash_points, describe, make_scenario
from tests.crash.harness import run_scenarios, run_troubles

SAMPLE = ("after create", "after last picture chunk", "after create cache")


@pytest.mark.slow
def test_a_run_that_is_killed_is_finished_by_another_process_and_paid_once() -> None:
    points = {str(point): point for point in crash_points()}
    results = run_scenarios(
        [make_scenario(n, points[name], seed=12) for n, name in enumerate(SAMPLE)], workers=3, quiet=True
    )
    assert [story.said for story in results if not story.killed] == []
    assert [describe(story) for story in results if story.violations] == []


@pytest.mark.slow
def test_a_process_that_slept_and_a_list_that_lags_leave_one_job_or_tell_of_the_other() -> None:
    scenarios = [trouble_scenario.make_scenario(0, "woken with a job", seed=3)]
    results = run_troubles(scenarios, workers=1, quiet=True)
    assert [trouble_scenario.describe(story) for story in results if story.violations] == []
    assert results[0].strays == 1
