"""The price is one figure, and says what it rests on and what a budget does."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from batch.pricing.estimate import CostEstimate, CostRange
from batch.pricing.sampling import Interval
from batch.pricing.workload import OutputAssumption
from ui.pricing.price_words import (
    describe_budget,
    describe_range,
    describe_rows,
    describe_saving,
    describe_source,
    describe_unbounded,
    headline,
    is_plan_worth_opening,
    offers_tries_first,
    tries_usd,
)


def usd(low: float | None, expected: float | None, worst: float | None = None) -> CostRange:
    return CostRange(low, expected, worst)


ESTIMATE = CostEstimate(
    rows=2417,
    prompt=Interval(0),
    cached=0,
    output=usd(1, 2, 3),
    usd=usd(0.9, 1.02, 1.3),
    likely_high_usd=1.21,
    caches_usd=usd(0, 0, 0),
    uncached=usd(1.1, 1.33, 5),
    standard=usd(1.8, 2.05, 9),
    prompt_usd=usd(0.5, 0.5, 0.5),
    unbounded_usd=4.8,
    answers=OutputAssumption(1, 2, ""),
    assumptions=(),
    caps=((1_024, 2_417),),
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


@pytest.mark.parametrize(
    ("source", "count", "said"),
    [
        ("guess", 0, "A guess from rows like these. Trying 5 makes it sure."),
        ("tries", 5, "Measured on your 5 tries."),
        ("runs", 3, "Learned from your last 3 runs like this."),
        ("runs", 1, "Learned from your last run like this."),
        ("rows", 40, "Measured on rows of this run."),
    ],
)
def test_where_the_figure_comes_from(source: Any, count: int, said: str) -> None:
    answers = OutputAssumption(1, 2, "", source=source, measured_on=count)
    assert describe_source(priced(answers=answers)) == said
    assert describe_source(priced(answers=replace(answers, has_output=False))) == ""


def test_the_plan_opens_by_itself_only_where_a_cache_saves_a_tenth() -> None:
    assert is_plan_worth_opening(ESTIMATE)
    assert not is_plan_worth_opening(replace(ESTIMATE, uncached=usd(1, 1.1)))
    assert not is_plan_worth_opening(UNKNOWN)


def test_every_answer_at_its_limit_is_told_and_beside_the_price_where_it_exceeds_the_budget() -> None:
    at_the_limit = "If every answer ran to its limit of 1,024 tokens: $4.80."
    assert describe_unbounded(ESTIMATE) == at_the_limit
    assert describe_budget(ESTIMATE, None) == describe_budget(ESTIMATE, 1.0) == ""
    assert describe_budget(ESTIMATE, 5.0) == "Stops sending at $5.00."
    assert describe_budget(ESTIMATE, 1.5) == f"Stops sending at $1.50. {at_the_limit}"
    assert describe_budget(ESTIMATE, 1.2).startswith("It may come to $1.30. Sending stops at $1.20")


def test_a_dear_run_that_nobody_measured_is_tried_first() -> None:
    tried = OutputAssumption(1, 2, "", source="tries", measured_on=5)
    assert offers_tries_first(priced(), 1.0) and not offers_tries_first(priced(), 5.0)
    assert not offers_tries_first(priced(answers=tried), 1.0)


def priced(**changes: Any) -> Any:
    return SimpleNamespace(estimate=replace(ESTIMATE, **changes))
