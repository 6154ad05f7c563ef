"""The drawer of all that was spent, and what it says of what it does not know."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from batch.pricing.costs import RunCost, by_day_and_model, by_model, sum_spend
from tests.ui.conftest import CookieJar
from tests.ui.fakes import FakeRunner, finished_run, make_run
from tests.ui.page_driver import KEY, page_text
from ui.account.spend import chart_options, describe_spend, format_amount
from ui.shared.app_state import AppState

DAY = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
COST = RunCost("r1", "", "flash", 10, DAY, rows_usd=0.06, caches_usd=0.01, uncached_usd=0.1, standard_usd=0.2)
MYSTERY = replace(COST, run="r2", model="mystery", rows_usd=None, uncached_usd=None, standard_usd=None)
LOSS = replace(COST, rows_usd=0.02, caches_usd=0.03, uncached_usd=0.025, standard_usd=0.045)
GOING = make_run("r9", estimate_usd=0.5)


@pytest.mark.parametrize(
    ("costs", "runs", "rehearsal", "expected"),
    [
        (
            [COST],
            [],
            False,
            "1 run with 10 rows: cost $0.070. That is $0.13 less than at standard price without caches: batch saved"
            " $0.10, caching saved $0.030.",
        ),
        (
            [LOSS],
            [],
            True,
            "1 run with 10 rows: would have cost $0.050. That is $0.0050 more than at standard price without caches:"
            " batch saved $0.020, caching lost $0.025.",
        ),
        ([MYSTERY], [], False, "1 run with 10 rows: cost not known."),
        (
            [COST, MYSTERY],
            [GOING, make_run("r8", estimate_usd=None)],
            False,
            "2 runs with 20 rows: cost at least $0.070 (1 run not known). That is $0.13 less than at standard price"
            " without caches: batch saved $0.10, caching saved $0.030. 2 runs under way are not in"
            " it.",
        ),
        ([], [GOING], False, "1 run under way, $0.50 expected, is not in it."),
        ([], [], False, "No run has ended yet."),
    ],
)
def test_all_of_it_in_words(costs: list[RunCost], runs: list[object], rehearsal: bool, expected: str) -> None:
    assert describe_spend(costs, runs, rehearsal=rehearsal) == expected  # type: ignore[arg-type]


def test_the_picture_stacks_models_by_day_and_folds_small_ones_together() -> None:
    costs = [replace(COST, model=f"m{n}", rows_usd=float(n), ended_at=DAY + 86_400 * (n % 3)) for n in range(8)]
    rendered = chart_options(sum_spend(costs, by_day_and_model))
    assert rendered["xAxis"]["data"] == ["23 Nov", "24 Nov", "25 Nov"]
    assert [series["name"] for series in rendered["series"]] == ["m7", "m6", "m5", "m4", "others"]
    total = [sum(at) for at in zip(*(series["data"] for series in rendered["series"]), strict=True)]
    assert total == [pytest.approx(0 + 3 + 6 + 0.03), pytest.approx(1 + 4 + 7 + 0.03), pytest.approx(2 + 5 + 0.02)]
    assert json.loads(json.dumps(rendered)) == rendered


def test_the_drawer_adds_up_only_when_it_is_opened(
    page: Callable[[], AppTest], runner: FakeRunner, state: AppState, cookies: CookieJar
) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    runner.runs_of["owner-of-ab12"] = [finished_run(make_run("r1"))]
    runner.costs_of["owner-of-ab12"] = [COST, MYSTERY]
    at = page()
    assert "1 run not known" not in page_text(at)
    at.session_state["spend"] = True
    at.run()
    assert "1 run not known" in page_text(at).replace("\\", "")
    shown = next(frame.value for frame in at.dataframe if "Saved" in frame.value)
    assert list(shown["Cost"]) == ["$0.070", "not known"] and list(shown["Saved"]) == ["$0.13", "not known"]


def test_an_amount_says_how_many_runs_are_not_in_it() -> None:
    assert [format_amount(line) for line in sum_spend([COST, replace(COST, unpriced=1), MYSTERY], by_model)] == [
        "at least $0.14",
        "not known",
    ]
