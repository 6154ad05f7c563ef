"""Bills added up: what is not known stays not known, and nothing is counted twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from batch.pricing.costs import RunCost, by_day_and_model, by_model, overall, relative_error, sum_run_costs, sum_spend


def moment(day: int, hour: int = 12) -> float:
    return datetime(2026, 11, day, hour, tzinfo=UTC).timestamp()


# 0.03 for requests and 0.01 for a cache; without the cache 0.10, at standard price 0.20. Expected were 0.05.
ONE = RunCost("r1", "", "flash", 10, moment(23), rows_usd=0.03, caches_usd=0.01, uncached_usd=0.1, standard_usd=0.2,
           first_usd=0.08, expected_usd=0.05, worst_usd=0.5)  # fmt: skip
# A cache for nothing: 0.02 for requests and 0.03 for the cache, although without it the same costs 0.025.
DEAR = replace(ONE, run="r2", rows_usd=0.02, caches_usd=0.03, uncached_usd=0.025, standard_usd=0.045, expected_usd=0.04)
UNKNOWN = replace(
    ONE, run="r3", model="mystery", rows_usd=None, uncached_usd=None, standard_usd=None, expected_usd=None
)


@pytest.mark.parametrize(
    ("bill", "usd", "by_caching", "by_batching", "saved", "error", "first_error"),
    [
        (ONE, 0.04, 0.06, 0.10, 0.16, -0.2, -0.5),
        (DEAR, 0.05, -0.025, 0.02, -0.005, 0.25, -0.375),
        (UNKNOWN, None, None, None, None, None, None),
        (replace(ONE, caches_usd=None), None, None, 0.10, None, None, None),
        (replace(ONE, finished=False), 0.04, 0.06, 0.10, 0.16, None, None),
        (replace(ONE, expected_usd=0.0), 0.04, 0.06, 0.10, 0.16, None, -0.5),
        (RunCost(), 0.0, 0.0, 0.0, 0.0, None, None),
    ],
)
def test_one_bill(
    bill: RunCost,
    usd: float | None,
    by_caching: float | None,
    by_batching: float | None,
    saved: float | None,
    error: float | None,
    first_error: float | None,
) -> None:
    def about(value: float | None) -> object:
        return value if value is None else pytest.approx(value, abs=1e-12)

    assert bill.usd == about(usd)
    assert (bill.saved_by_caching, bill.saved_by_batching, bill.saved) == (
        about(by_caching),
        about(by_batching),
        about(saved),
    )
    assert (bill.estimate_error, bill.first_estimate_error) == (about(error), about(first_error))


@pytest.mark.parametrize(
    ("actual", "expected", "off"),
    [(0.25, 0.2, 0.25), (0.1, 0.2, -0.5), (0.2, 0.2, 0), (0.2, 0, None), (0.2, None, None), (None, 0.2, None)],
)
def test_an_estimates_error_is_a_share_of_the_estimate(
    actual: float | None, expected: float | None, off: float | None
) -> None:
    assert relative_error(actual, expected) == (off if off is None else pytest.approx(off))


def test_a_run_and_its_retries_are_one_sum_and_unknown_as_soon_as_one_is() -> None:
    both = sum_run_costs([ONE, replace(DEAR, parent="r1", unpriced=2)])
    assert (both.run, both.rows, both.unpriced, both.finished) == ("r1", 20, 2, True)
    assert both.usd == pytest.approx(0.09)
    assert (both.saved_by_caching, both.saved_by_batching) == (pytest.approx(0.035), pytest.approx(0.12))
    assert (both.expected_usd, both.estimate_error) == (pytest.approx(0.09), pytest.approx(0.0))
    assert sum_run_costs([ONE, UNKNOWN]).usd is None and sum_run_costs([ONE, UNKNOWN]).caches_usd == pytest.approx(0.02)
    assert sum_run_costs([ONE, replace(ONE, finished=False, borrowed=True)]).estimate_error is None
    assert sum_run_costs([ONE, replace(ONE, borrowed=True)]).borrowed


def test_spend_is_told_by_day_and_model_and_says_what_is_not_in_it() -> None:
    late, early = replace(ONE, ended_at=moment(23, 23)), replace(ONE, ended_at=moment(24, 0))
    found = sum_spend([late, DEAR, early, UNKNOWN], by_day_and_model)
    assert [(one.day, one.model, one.runs) for one in found] == [
        (date(2026, 11, 24), "flash", 1),
        (date(2026, 11, 23), "flash", 2),
        (date(2026, 11, 23), "mystery", 1),
    ]
    assert [one.runs_of_unknown_cost for one in found] == [0, 0, 1]
    assert found[1].usd == pytest.approx(0.09) and found[1].saved == pytest.approx(0.155)
    assert (found[2].usd, found[2].saved) == (None, None)
    flash, mystery = sum_spend([ONE, DEAR, UNKNOWN], by_model)
    assert (flash.usd, mystery.usd, flash.day) == (pytest.approx(0.09), None, None)


def test_a_sum_over_known_and_unknown_runs_is_of_the_known_ones_and_says_so() -> None:
    (whole,) = sum_spend([ONE, UNKNOWN, replace(DEAR, unpriced=1)], overall)
    assert (whole.usd, whole.runs_of_unknown_cost, whole.at_least, whole.rows) == (pytest.approx(0.09), 1, True, 30)
    assert (whole.saved_by_caching, whole.saved_by_batching) == (pytest.approx(0.035), pytest.approx(0.12))
    assert not sum_spend([ONE, replace(UNKNOWN, unpriced=5)], overall)[0].at_least
    assert sum_spend([], overall) == []
