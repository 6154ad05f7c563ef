"""What runs have cost, beside what was expected and what the same would have cost otherwise. Pure.

Money is in USD. None is not known, and is never counted as zero: a sum over several runs says how many of them are not
in it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from batch.formatting import plural


@dataclass(frozen=True)
class RunCost:
    """What an ended run has cost.

    `rows_usd` is for all its requests, every attempt once, and `caches_usd` for making and keeping its explicit caches.
    `unpriced` lines came back without their usage, and for `unreturned` rows of ended jobs nothing came back, although
    they may have been executed: the sum is a lower bound. `uncached_usd` is what the same
    usage costs in a batch without caches, `standard_usd` what it costs at standard price without caches. `first_usd`
    was expected before anything was sent, `expected_usd` at last (a canary corrects it), `worst_usd` feared at last.
    `finished`: all that was priced beforehand was sent, so that the estimate can be held against the cost. `borrowed`:
    caches were read that the run did not make, whose making and storage are not in here. `jobs` are the names of its
    batch jobs; `again`: an earlier run, deleted since, has them on its bill, so that they are not on this one.
    """

    run: str = ""
    parent: str = ""
    model: str = ""
    rows: int = 0
    ended_at: float = 0.0
    finished: bool = True
    borrowed: bool = False
    jobs: Sequence[str] = ()
    again: bool = False
    rows_usd: float | None = 0.0
    caches_usd: float | None = 0.0
    unpriced: int = 0
    unreturned: int = 0
    uncached_usd: float | None = 0.0
    standard_usd: float | None = 0.0
    first_usd: float | None = 0.0
    expected_usd: float | None = 0.0
    worst_usd: float | None = 0.0

    @property
    def day(self) -> date:
        """The day on which the run ended, by UTC."""
        return datetime.fromtimestamp(self.ended_at, UTC).date()

    @property
    def at_least(self) -> bool:
        """Whether more may be billed than is known of."""
        return bool(self.unpriced or self.unreturned)

    @property
    def usd(self) -> float | None:
        return _add(self.rows_usd, self.caches_usd)

    @property
    def saved_by_caching(self) -> float | None:
        """What caches saved, made and kept as they were; negative if they cost more than they saved."""
        return _difference(self.uncached_usd, self.usd)

    @property
    def saved_by_batching(self) -> float | None:
        return _difference(self.standard_usd, self.uncached_usd)

    @property
    def saved(self) -> float | None:
        """By caching and batching together."""
        return _difference(self.standard_usd, self.usd)

    @property
    def estimate_error(self) -> float | None:
        """By which share of the last estimate the cost was off: 0.25 is a quarter dearer than expected."""
        return relative_error(self.usd, self.expected_usd) if self.finished and not self.unreturned else None

    @property
    def first_estimate_error(self) -> float | None:
        """The same against the estimate before anything was sent."""
        return relative_error(self.usd, self.first_usd) if self.finished and not self.unreturned else None


def relative_error(actual: float | None, expected: float | None) -> float | None:
    """(actual - expected) / expected; None where that says nothing."""
    return None if actual is None or not expected else actual / expected - 1


def without_double_counting(cost: RunCost, billed_jobs: Collection[str]) -> RunCost:
    """The bill, without the price of jobs that are on other bills: a job recovered after its run was deleted."""
    if not billed_jobs or not set(cost.jobs).intersection(billed_jobs):
        return cost
    return replace(cost, again=True, unpriced=0, unreturned=0, rows_usd=0.0, uncached_usd=0.0, standard_usd=0.0)


def describe_unreturned(unreturned: int) -> str:
    """What it means that nothing came back for rows that were sent, in words."""
    return (
        f"nothing came back for {plural(unreturned, 'row')} sent, and what Google had finished of them may be billed."
    )


def sum_run_costs(costs: Iterable[RunCost]) -> RunCost:
    """Several runs as one, the first giving its name: a sum is unknown as soon as a part of it is."""
    combined, *others = costs
    for cost in others:
        sums: dict[str, Any] = {name: _add(getattr(combined, name), getattr(cost, name)) for name in _USD_FIELDS}
        combined = replace(
            combined,
            rows=combined.rows + cost.rows,
            unpriced=combined.unpriced + cost.unpriced,
            unreturned=combined.unreturned + cost.unreturned,
            finished=combined.finished and cost.finished,
            borrowed=combined.borrowed or cost.borrowed,
            **sums,
        )
    return combined


@dataclass(frozen=True)
class Spend:
    """What several runs have cost together: `usd` is the sum of what is known, None if nothing is.

    `runs_of_unknown_cost` are not in it; with `at_least`, more may be billed for those that are. `saved` is
    against standard price without caches, over the runs of which that is known: negative is a loss.
    """

    day: date | None
    model: str
    runs: int
    rows: int
    usd: float | None
    runs_of_unknown_cost: int
    at_least: bool
    saved_by_caching: float | None
    saved_by_batching: float | None

    @property
    def saved(self) -> float | None:
        return _add(self.saved_by_caching, self.saved_by_batching)


def sum_spend(costs: Iterable[RunCost], by: Callable[[RunCost], tuple[date | None, str]]) -> list[Spend]:
    """Bills added up by (day, model); None and "" are all of them. Newest first, then by name."""
    groups: dict[tuple[date | None, str], list[RunCost]] = {}
    for cost in costs:
        groups.setdefault(by(cost), []).append(cost)
    spends = [_spend_of_group(day, model, group) for (day, model), group in groups.items()]
    return sorted(spends, key=lambda one: (-(one.day or date.min).toordinal(), one.model))


def by_day_and_model(cost: RunCost) -> tuple[date, str]:
    return cost.day, cost.model


def by_model(cost: RunCost) -> tuple[None, str]:
    return None, cost.model


def overall(cost: RunCost) -> tuple[None, str]:
    return None, ""


def _spend_of_group(day: date | None, model: str, costs: list[RunCost]) -> Spend:
    compared = [bill for bill in costs if bill.saved is not None]
    return Spend(
        day=day,
        model=model,
        runs=len(costs),
        rows=sum(bill.rows for bill in costs),
        usd=_sum_known(bill.usd for bill in costs),
        runs_of_unknown_cost=sum(bill.usd is None for bill in costs),
        at_least=any(bill.at_least for bill in costs if bill.usd is not None),
        saved_by_caching=_sum_known(bill.saved_by_caching for bill in compared),
        saved_by_batching=_sum_known(bill.saved_by_batching for bill in compared),
    )


_USD_FIELDS = ("rows_usd", "caches_usd", "uncached_usd", "standard_usd", "first_usd", "expected_usd", "worst_usd")


def _sum_known(amounts: Iterable[float | None]) -> float | None:
    """The sum of what is known; None if nothing is."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None


def _add(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def _difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other
