"""The price is one figure, and says what it rests on."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from batch.pricing.estimate import CostEstimate, CostRange
from batch.pricing.sampling import Interval
from ui.pricing.price_bar import describe_range, describe_rows, describe_saving, describe_source, headline, tries_usd


def usd(low: float | None, expected: float | None, worst: float | None = None) -> CostRange:
    return CostRange(low, expected, worst)


ESTIMATE = CostEstimate(
    rows=2417,
    prompt=Interval(0),
    cached=0,
    output=usd(1, 2, 3),
    usd=usd(0.9, 1.02, 4.8),
    likely_high_usd=1.21,
    caches_usd=usd(0, 0, 0),
    uncached=usd(1.1, 1.33, 5),
    standard=usd(1.8, 2.05, 9),
    worst_prompt_usd=None,
    output_token_usd=None,
    assumptions=(),
)
UNKNOWN = replace(ESTIMATE, usd=usd(None, None), likely_high_usd=None, uncached=usd(None, None))


def test_the_figure_and_its_range() -> None:
    assert headline(ESTIMATE) == "About $1.02" and describe_range(ESTIMATE) == "between $0.90 and $1.21"
    assert headline(replace(ESTIMATE, open_fees=True)) == "At least $1.02"
    assert headline(UNKNOWN) == "Price not known" and describe_range(UNKNOWN) == ""
    assert describe_saving(ESTIMATE) == " A cache saves $0.31." and describe_saving(UNKNOWN) == ""


def test_the_rows_and_what_they_would_cost_one_by_one() -> None:
    assert describe_rows(ESTIMATE) == "2,417 rows, half the price of single calls ($2.05)."
    assert describe_rows(replace(ESTIMATE, standard=usd(1, 3))) == "2,417 rows; $3.00 as single calls."
    assert describe_rows(replace(UNKNOWN, rows=1)) == "1 row."
    assert tries_usd(ESTIMATE, 5) == pytest.approx(2.05 / 2417 * 5)


@pytest.mark.parametrize(("tries", "said"), [(0, "A guess from rows like these"), (5, "Measured on your 5 tries.")])
def test_where_the_figure_comes_from(tries: int, said: str) -> None:
    forecast: Any = SimpleNamespace(tries=tries, estimate=ESTIMATE)
    assert describe_source(forecast).startswith(said)
