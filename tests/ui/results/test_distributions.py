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
from lifecycle.results.read.histogram import Bin, Distribution
from tests.ui.conftest import CookieJar
from tests.ui.fakes import NOW, FakeRunner, finished_run, make_run
from tests.ui.page_driver import KEY, page_text
from tests.ui.small_results import small_results
from ui.results.distributions import chart_options, describe, describe_jobs, durations, formatter_for
from ui.shared.app_state import AppState

TOKENS = Distribution(100, 1, 50.5, 95, 12_000, (Bin(0, 50, 49), Bin(50, math.inf, 51)))


def test_a_spread_in_words() -> None:
    assert describe(TOKENS, formatter_for("output_tokens")) == "1 to 12,000; 50 in the middle, 95 or less in 95 %."
    assert describe(TOKENS._replace(low=3, high=3), formatter_for("output_tokens")) == "3 in each of 100 rows."
    cost = Distribution(20, 0.001, 0.002, 0.01, 0.5, ())
    assert (
        describe(cost, formatter_for("cost_usd")) == "$0.0010 to $0.50; $0.0020 in the middle, $0.010 or less in 95 %."
    )


def test_the_picture_names_the_open_end() -> None:
    rendered = chart_options(TOKENS, formatter_for("output_tokens"))
    assert rendered["xAxis"]["data"] == ["0", "50 or more"] and rendered["series"][0]["data"] == [49, 51]
    assert json.loads(json.dumps(rendered)) == rendered


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ([200], "The batch job took 3 min 20 s."),
        ([60, 7200], "2 batch jobs took 1 min to 2 h."),
        ([60, 7200, 600], "3 batch jobs took 1 min to 2 h, 10 min in the middle."),
    ],
)
def test_how_long_jobs_took(seconds: list[int], expected: str) -> None:
    jobs = [
        JobView(n, "b", "JOB_STATE_SUCCEEDED", 1, None, NOW, NOW + timedelta(seconds=s)) for n, s in enumerate(seconds)
    ]
    under_way = JobView(9, "b", "JOB_STATE_RUNNING", 1, None, NOW, None)
    assert describe_jobs(durations([*jobs, under_way])) == expected


@pytest.mark.parametrize(("rows", "shown"), [(30, True), (5, False)])
def test_the_drawer_is_there_where_there_are_many_rows(
    page: Callable[..., AppTest],
    runner: FakeRunner,
    state: AppState,
    cookies: CookieJar,
    tmp_path: Path,
    rows: int,
    shown: bool,
) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    runner.runs_of["owner-of-ab12"] = [finished_run(make_run("r1"))]
    runner.tables["r1"] = small_results(tmp_path / "r1", {f"k{n}": f"answer {n}" for n in range(rows)})
    at = page(run="r1")
    at.session_state["distributions"] = True
    at.run()
    assert not at.exception
    assert (f"5 in each of {rows} rows." in page_text(at).replace("\\", "")) is shown
