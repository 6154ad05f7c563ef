"""A few lives of the real terminal, cut short by SIGKILL; `make crash` lives through hundreds."""

from __future__ import annotations

import pytest

from tests.crash.harness import live
from tests.crash.story import chosen_points, imagine, show

SAMPLE = ("after create", "during upload chunk", "after create cache")


@pytest.mark.slow
def test_a_run_that_is_killed_is_finished_by_another_process_and_paid_once() -> None:
    points = {str(point): point for point in chosen_points()}
    told = live([imagine(n, points[name], seed=12) for n, name in enumerate(SAMPLE)], workers=3, quiet=True)
    assert all(story.killed for story in told)
    assert [show(story) for story in told if story.wrong] == []
