"""What the page says of the money of a run that has ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from batch.pricing.costs import RunCost
from tests.ui.conftest import CookieJar
from tests.ui.fakes import FakeRunner, finished_run, make_run
from tests.ui.page_driver import KEY, page_text
from tests.ui.small_results import small_results
from ui.results.run_cost import describe_cost, format_amount
from ui.shared.app_state import AppState

# $0.20 at standard price, half of it in a batch; caches saved 0.04 of that and cost 0.01.
COST = RunCost("r1", "", "flash", 10, rows_usd=0.06, caches_usd=0.01, uncached_usd=0.1, standard_usd=0.2,
            first_usd=0.05, expected_usd=0.05, worst_usd=0.5)  # fmt: skip
SAVED = "65 % less than $0.20, the standard price without caches: batch saved $0.10, caching saved $0.030."
PARTS = "Requests $0.060, caches $0.010."
OFF = "40 % more than expected; $0.50 was the worst case. A row cost $0.0070, $0.0050 was expected."
RETRY = replace(COST, run="r2", parent="r1", rows=2, rows_usd=0.02, caches_usd=0.0,
                uncached_usd=0.02, standard_usd=0.04, first_usd=0.03, expected_usd=0.03, worst_usd=0.1)  # fmt: skip


@pytest.mark.parametrize(
    ("costs", "expected"),
    [
        ([COST], [OFF, SAVED, PARTS]),
        (
            [replace(COST, first_usd=0.14)],
            [OFF, "Before the first rows had answered, $0.14 was expected: 50 % less than expected.", SAVED, PARTS],
        ),
        (
            [replace(COST, expected_usd=0.0699, first_usd=0.0699, worst_usd=None, rows=1)],
            ["As expected.", SAVED, PARTS],
        ),
        (
            [replace(COST, worst_usd=0.06)],
            [
                "40 % more than expected, and more than the $0.060 estimated as the worst case. A row cost $0.0070, "
                "$0.0050 was expected.",
                SAVED,
                PARTS,
            ],
        ),
        (
            [replace(COST, finished=False)],
            [
                "The estimate was for all rows, and nothing came back for some: the two cannot be compared.",
                SAVED,
                PARTS,
            ],
        ),
        (  # the cache cost more than it saved, and more than the batch saved
            [replace(COST, rows_usd=0.02, caches_usd=0.03, uncached_usd=0.025, standard_usd=0.045)],
            [
                "As expected; $0.50 was the worst case. A row cost $0.0050, $0.0050 was expected.",
                "11 % more than $0.045, the standard price without caches: batch saved $0.020, caching lost $0.025.",
                "Requests $0.020, caches $0.030.",
            ],
        ),
        (
            [COST, RETRY],
            [
                "12 % more than expected; $0.60 was the worst case. A row cost $0.0075, $0.0067 was expected.",
                "62 % less than $0.24, the standard price without caches: batch saved $0.12, caching saved $0.030.",
                "Requests $0.080, caches $0.010.",
                "First sending $0.070, 1 retry $0.020.",
            ],
        ),
        (
            [replace(COST, rows_usd=None, uncached_usd=None, standard_usd=None, expected_usd=None)],
            ["The price of flash is not known. Give it in CATALOG_FILE."],
        ),
        ([replace(COST, caches_usd=None)], ["Requests $0.060; what their caches cost is not known."]),
        (
            [replace(COST, unpriced=1, caches_usd=0.0, standard_usd=None, expected_usd=None)],
            ["Of 1 line the cost is not known in full: no usage came back, or search fees are not included."],
        ),
        (
            [replace(COST, unreturned=3, uncached_usd=None, standard_usd=None)],
            [
                "The estimate was for all rows, and nothing came back for some: the two cannot be compared.",
                "Requests $0.060, caches $0.010. Maybe more: nothing came back for 3 rows sent, "
                "and what Google had finished of them may be billed.",
            ],
        ),
        (
            [replace(COST, caches_usd=0.0, borrowed=True, expected_usd=None, uncached_usd=0.06)],
            [
                "70 % less than $0.20, the standard price without caches: batch saved $0.14, caching saved nothing.",
                "Caches that you made yourself were read; making and keeping them is not in these figures.",
            ],
        ),
        ([RunCost("r1", rows=5)], []),
    ],
)
def test_a_cost_in_words(costs: Sequence[RunCost], expected: list[str]) -> None:
    assert describe_cost(costs) == expected


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        (COST, "$0.070"),
        (replace(COST, unpriced=3), "at least $0.070"),
        (replace(COST, unreturned=3), "at least $0.070"),
        (replace(COST, caches_usd=None, unpriced=3), "not known"),
        (RunCost(), "$0.00"),
    ],
)
def test_an_amount_says_what_it_does_not_know(cost: RunCost, expected: str) -> None:
    assert format_amount(cost) == expected


@pytest.mark.parametrize("rehearsal", [True, False])
def test_results_show_the_money_and_in_rehearsal_nothing_did_cost(
    page: Callable[..., AppTest],
    runner: FakeRunner,
    state: AppState,
    cookies: CookieJar,
    tmp_path: Path,
    rehearsal: bool,
) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    runner.runs_of["owner-of-ab12"] = [finished_run(make_run("r1", rehearsal=rehearsal))]
    runner.costs_of["owner-of-ab12"] = [COST, RETRY]
    runner.tables["r1"] = small_results(tmp_path / "r1", {"k": "answer"})
    at = page(run="r1")
    shown = {metric.label: metric.value for metric in at.metric}
    assert shown == {
        f"{'Would have cost' if rehearsal else 'Cost'} with 1 retry": "$0.090",
        "Expected": "$0.080",
        "Saved": "$0.15",
    }
    assert "First sending $0.070, 1 retry $0.020." in page_text(at).replace("\\", "")
