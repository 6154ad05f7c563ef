"""A few counts correct many estimates, and the stated interval holds."""

from __future__ import annotations

from typing import Any

import pytest

from batch.pricing import sampling
from batch.pricing.sampling import Interval

approx: Any = pytest.approx  # stands for a number inside values that are compared


def test_intervals_add_as_independent_totals() -> None:
    assert Interval(100, 3) + Interval(50, 4) == Interval(150, 5)
    assert (Interval(100, 3).low, Interval(100, 3).high, Interval(1, 5).low) == (97, 103, 0)


@pytest.mark.parametrize(
    ("freedom", "table"), [(1, 12.706), (7, 2.365), (8, 2.306), (10, 2.228), (30, 2.042), (100, 1.984)]
)
def test_the_factor_of_the_interval_is_students(freedom: int, table: float) -> None:
    assert sampling._t_quantile(freedom) == approx(table, abs=0.01)


def test_a_canary_corrects_an_estimate_in_proportion_and_says_how_surely() -> None:
    exact = sampling.ratio_estimate([110, 220, 330], [100, 200, 300], 10_000)
    assert exact == Interval(approx(11_000), approx(0, abs=1e-6))
    # ratio 1; residuals 10, -10, 0: variance 100; error sqrt(100/3)/100; t(2) = 4.303
    rough = sampling.ratio_estimate([110, 90, 100], [100, 100, 100], 1_000)
    assert rough == Interval(approx(1_000), approx(4.303 * (100 / 3) ** 0.5 * 10))


@pytest.mark.parametrize(
    ("observed", "predicted"), [([], []), ([1, 2], [1, 2]), ([1, 2, 3], [1, 2]), ([0] * 3, [0] * 3)]
)
def test_too_few_rows_correct_nothing(observed: list[int], predicted: list[int]) -> None:
    assert sampling.ratio_estimate(observed, predicted, 100) is None


def test_the_mean_of_a_few_values_is_as_sure_as_they_agree() -> None:
    # mean 20, standard deviation 10, t(2) = 4.303
    assert sampling.mean_estimate([10, 20, 30]) == Interval(20, approx(4.303 * 10 / 3**0.5))
    assert sampling.mean_estimate([50]) == Interval(50, 50)
    assert sampling.mean_estimate([7, 7]) == Interval(7, 0)
