"""Spreads in words and pictures."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lifecycle.core.models import JobView
from lifecycle.results.read.histogram import Bin, Spread
from tests.ui.conftest import Jar
from tests.ui.fakes import NOW, FakeRunner, a_run, ended
from tests.ui.shared.test_session import KEY, texts
from tests.ui.small_results import small_results
from ui.results.distributions import durations, jobs_words, picture, said, words
from ui.shared.app_state import AppState

TOKENS = Spread(100, 1, 50.5, 95, 12_000, (Bin(0, 50, 49), Bin(50, math.inf, 51)))


def test_a_spread_in_words() -> None:
    assert words(TOKENS, said("output_tokens")) == "1 to 12,000; 50 in the middle, 95 or less in 95 %."
    assert words(TOKENS._replace(low=3, high=3), said("output_tokens")) == "3 in each of 100 rows."
    cost = Spread(20, 0.001, 0.002, 0.01, 0.5, ())
    assert words(cost, said("cost_usd")) == "$0.0010 to $0.50; $0.0020 in the middle, $0.010 or less in 95 %."


def test_the_picture_names_the_open_end() -> None:
    drawn = picture(TOKENS, said("output_tokens"))
    assert drawn["xAxis"]["data"] == ["0", "50 or more"] and drawn["series"][0]["data"] == [49, 51]
    assert json.loads(json.dumps(drawn)) == drawn


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        ([200], "The batch job took 3 min 20 s."),
        ([60, 7200], "2 batch jobs took 1 min to 2 h."),
        ([60, 7200, 600], "3 batch jobs took 1 min to 2 h, 10 min in the middle."),
    ],
)
def test_how_long_jobs_took(seconds: list[int], said: str) -> None:
    jobs = [
        JobView(n, "b", "JOB_STATE_SUCCEEDED", 1, None, NOW, NOW + timedelta(seconds=s)) for n, s in enumerate(seconds)
    ]
    under_way = JobView(9, "b", "JOB_STATE_RUNNING", 1, None, NOW, None)
    assert jobs_words(durations([*jobs, under_way])) == said


@pytest.mark.parametrize(("rows", "shown"), [(30, True), (5, False)])
def test_the_drawer_is_there_where_there_are_many_rows(
    page: Callable[[], AppTest],
    runner: FakeRunner,
    state: AppState,
    cookies: Jar,
    tmp_path: Path,
    rows: int,
    shown: bool,
) -> None:
    cookies["gbr_key"] = state.vault.seal(KEY)
    runner.runs_of["owner-of-ab12"] = [ended(a_run("r1"))]
    runner.tables["r1"] = small_results(tmp_path / "r1", {f"k{n}": f"answer {n}" for n in range(rows)})
    at = page()
    at.session_state["distributions"] = True
    at.run()
    assert not at.exception
    assert (f"5 in each of {rows} rows." in texts(at).replace("\\", "")) is shown
