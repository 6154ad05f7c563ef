"""What a job of a run costs by the run's estimate, and by the jobs that have ended: what a budget is held by. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

MIN_MEASURED_ROWS = 20  # from which on what came back tells more than the estimate
MIN_TOLD_ROWS = 3  # the same for what a person is told, of whom nothing is held back by it
WORST_DEVIATIONS = 2.6  # of the mean of a job's rows: 1 of 200 exceeds it
WORST_MARGIN = 1.1  # at least, since the rows of another job may be of another kind
JOBS_UNDER_BUDGET = 20  # so many jobs at least where a budget may stop a run: each is a step of a twentieth
TOLERANCE = 1e-9  # USD


class Price(NamedTuple):
    """What something costs in USD: probably, and in a bad case."""

    expected: float
    worst: float

    def __add__(self, other: object) -> Price:
        return Price(self.expected + other.expected, self.worst + other.worst) if isinstance(other, Price) else self

    def times(self, factor: float) -> Price:
        return Price(self.expected * factor, self.worst * factor)


class JobCost(NamedTuple):
    """What came back of a job: its price, of so many rows that told their usage, and the sum of their squared prices.

    `usd` has more in it than those rows where nothing came back for some that may be billed.
    """

    usd: float
    rows: int
    rows_usd: float
    squares: float


@dataclass(frozen=True)
class RunPrices:
    """What an estimate says of one prompt token and of one row's answer; `caches` is for all of the run's."""

    token: Price
    row: Price
    caches: Price
    uncached_token: Price

    def of_job(self, tokens: int, rows: int, *, cached: bool = True) -> Price:
        """What a job of so many prompt tokens and rows costs by the estimate."""
        return (self.token if cached else self.uncached_token).times(tokens) + self.row.times(rows)


def run_prices(estimate: Mapping[str, Any], tokens: int, rows: int) -> RunPrices | None:
    """The prices of a run with so many prompt tokens and rows by what it remembers of its estimate.

    None where a price is not known, or where a version wrote it that did not remember the parts.
    """
    usd, prompt = _price(estimate.get("usd")), _price(estimate.get("prompt_usd"))
    caches, uncached = _price(estimate.get("caches_usd")), _price(estimate.get("uncached_usd"))
    if usd is None or prompt is None or caches is None or uncached is None or rows < 1:
        return None
    answers = Price(*(max(0.0, u - p - c) for u, p, c in zip(usd, prompt, caches, strict=True)))
    plain = Price(*(max(0.0, u - a) for u, a in zip(uncached, answers, strict=True)))
    per_token, per_row = 1.0 / max(1, tokens), 1.0 / rows
    return RunPrices(prompt.times(per_token), answers.times(per_row), caches, plain.times(per_token))


def corrected(
    price: Price, rows: int, ended: Iterable[tuple[JobCost, Price, int]], min_rows: int = MIN_MEASURED_ROWS
) -> Price:
    """The price of a job of so many rows, by jobs that have ended: their cost, what was foreseen, and their rows.

    As it is while fewer than `min_rows` have told their usage.
    """
    measured_rows, usd, squares, foreseen = 0, 0.0, 0.0, 0.0
    for cost, estimated, job_rows in ended:
        measured_rows += cost.rows
        usd += cost.rows_usd
        squares += cost.squares
        foreseen += estimated.expected * cost.rows / max(1, job_rows)
    if measured_rows < min_rows or usd <= 0 or foreseen <= 0:
        return price
    mean = usd / measured_rows
    deviation = math.sqrt(max(0.0, squares / measured_rows - mean**2)) / mean
    likely = price.expected * usd / foreseen
    margin = 1 + WORST_DEVIATIONS * deviation * math.sqrt(1 / max(1, rows) + 1 / measured_rows)
    return Price(likely, likely * max(WORST_MARGIN, margin))


def round_up(usd: float) -> float:
    """The next amount with two digits that is at least this one: 6.83 is 6.9, and 0.00123 is 0.0013."""
    if usd <= 0:
        return 0.0
    decimals = 1 - math.floor(math.log10(usd))
    return round(math.ceil(usd * 10.0**decimals - TOLERANCE) / 10.0**decimals, max(0, decimals))


def rows_per_job(max_usd: float | None, estimate: Mapping[str, Any], rows: int) -> int:
    """How many rows a job may have under a budget that may stop the run; 0 where it cannot."""
    usd = _price(estimate.get("usd"))
    if max_usd is None or usd is None or usd.worst <= max_usd:
        return 0
    return max(1, math.ceil(rows / JOBS_UNDER_BUDGET))


def _price(figures: Mapping[str, Any] | None) -> Price | None:
    expected, worst = (figures or {}).get("expected"), (figures or {}).get("worst")
    return None if expected is None or worst is None else Price(expected, worst)
