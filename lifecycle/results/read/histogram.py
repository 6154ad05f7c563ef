"""How a number is spread over the rows of a result: its middle, its ends, and a histogram with round bounds."""

from __future__ import annotations

import math
from typing import NamedTuple

from lifecycle.results.read.table import ResultTable
from lifecycle.results.store import sql

BINS = 24


class Bin(NamedTuple):
    """Rows from `low` up to, not including, `high`; of the last bin `high` is infinite if larger values are in it."""

    low: float
    high: float
    rows: int


class Distribution(NamedTuple):
    """Of all rows that have the number; `p95` is what 95 % of them do not exceed."""

    rows: int
    low: float
    median: float
    p95: float
    high: float
    bins: tuple[Bin, ...]


def distribution(table: ResultTable, column: str, *, integers: bool = True) -> Distribution | None:
    """The spread of a column of numbers over the rows shown, each at its answer; None if no row has one.

    `integers`: numbers are whole, and no bin is narrower than one. The dearest hundredth shares the last bin, so that
    one outlier does not squeeze all the others into the first.
    """
    source = f"(SELECT {sql.quoted(column)}::DOUBLE AS v FROM {sql.parquet(table.results)} WHERE v IS NOT NULL)"
    with sql.cursor() as db:
        summary = db.execute(
            f"""SELECT count(*), min(v), quantile_cont(v, 0.5), quantile_disc(v, 0.95), quantile_disc(v, 0.99), max(v)
                FROM {source}"""
        ).fetchone()
        if summary is None or not summary[0]:
            return None
        rows, low, median, p95, p99, high = summary
        step = nice_step((p99 - low) / BINS, integers=integers)
        start = math.floor(low / step) * step
        last = max(0, math.floor((p99 - start) / step))
        counted = dict(
            db.execute(
                f"""SELECT greatest(0, least(floor((v - ?) / ?), ?))::INTEGER AS bin, count(*) FROM {source}
                    GROUP BY bin""",
                [start, step, last],
            ).fetchall()
        )
    bins = [Bin(start + n * step, start + (n + 1) * step, counted.get(n, 0)) for n in range(last + 1)]
    if high >= bins[-1].high:
        bins[-1] = bins[-1]._replace(high=math.inf)
    return Distribution(rows, low, median, p95, high, tuple(bins))


def nice_step(step: float, *, integers: bool) -> float:
    """The next larger 1, 2 or 5 times a power of ten; at least 1 for whole numbers."""
    if step <= 0:
        return 1.0 if integers else 1e-6
    power = 10.0 ** math.floor(math.log10(step))
    nice = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= step * (1 - 1e-9))
    return max(1.0, nice) if integers else nice
