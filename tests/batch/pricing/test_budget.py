"""What a job costs by the estimate, and by the jobs that have ended."""

from __future__ import annotations

from typing import Any

import pytest

from batch.pricing.budget import JobCost, Price, corrected, rows_per_job, run_prices

ESTIMATE: dict[str, Any] = {
    "usd": {"expected": 10.0, "worst": 20.0},
    "uncached_usd": {"expected": 13.0, "worst": 24.0},
    "prompt_usd": {"expected": 2.0, "worst": 3.0},
    "caches_usd": {"expected": 1.0, "worst": 2.0},
}


def test_jobs_share_the_prompts_by_tokens_and_the_answers_by_rows() -> None:
    prices = run_prices(ESTIMATE, 1_000, 100)
    assert prices is not None and prices.caches == (1.0, 2.0)
    assert prices.of_job(500, 10) == pytest.approx((1.0 + 0.7, 1.5 + 1.5))
    assert prices.of_job(1_000, 100) + prices.caches == pytest.approx((10.0, 20.0))
    assert prices.of_job(1_000, 100, cached=False) == pytest.approx((13.0, 24.0))


@pytest.mark.parametrize("left_out", list(ESTIMATE))
def test_a_price_that_is_not_known_makes_none(left_out: str) -> None:
    assert run_prices({**ESTIMATE, left_out: {"expected": None, "worst": 1.0}}, 10, 10) is None
    assert run_prices({name: value for name, value in ESTIMATE.items() if name != left_out}, 10, 10) is None


def test_what_came_back_corrects_both_figures() -> None:
    half = JobCost(usd=0.5, rows=50, rows_usd=0.5, squares=50 * 0.01**2)  # each row a cent; two had been expected
    price = corrected(Price(1.0, 3.0), 50, [(half, Price(1.0, 3.0), 50)])
    assert price == pytest.approx((0.5, 0.55))
    spread = half._replace(squares=50 * 0.01**2 * 5)
    assert corrected(Price(1.0, 3.0), 5, [(spread, Price(1.0, 3.0), 50)]).worst > 1.0


def test_a_few_rows_or_none_with_a_price_correct_nothing() -> None:
    few, free = JobCost(0.1, 10, 0.1, 0.001), JobCost(0.0, 0, 0.0, 0.0)
    for cost in (few, free):
        assert corrected(Price(1.0, 3.0), 50, [(cost, Price(1.0, 3.0), 50)]) == (1.0, 3.0)


def test_jobs_are_small_only_where_a_budget_may_stop_the_run() -> None:
    assert rows_per_job(15.0, ESTIMATE, 1_000) == 50 and rows_per_job(15.0, ESTIMATE, 7) == 1
    assert rows_per_job(20.0, ESTIMATE, 1_000) == rows_per_job(None, ESTIMATE, 1_000) == rows_per_job(1.0, {}, 5) == 0
