"""What runs have cost, beside what was expected and what the same would have cost otherwise. Pure.

Money is in USD. None is not known, and is never counted as zero: a sum over several runs says how many of them are not
in it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from batch.formatting import count


@dataclass(frozen=True)
class Bill:
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
        return _plus(self.rows_usd, self.caches_usd)

    @property
    def by_caching(self) -> float | None:
        """What caches saved, made and kept as they were; negative if they cost more than they saved."""
        return _minus(self.uncached_usd, self.usd)

    @property
    def by_batching(self) -> float | None:
        return _minus(self.standard_usd, self.uncached_usd)

    @property
    def saved(self) -> float | None:
        """By caching and batching together."""
        return _minus(self.standard_usd, self.usd)

    @property
    def error(self) -> float | None:
        """By which share of the last estimate the cost was off: 0.25 is a quarter dearer than expected."""
        return share_off(self.usd, self.expected_usd) if self.finished and not self.unreturned else None

    @property
    def first_error(self) -> float | None:
        """The same against the estimate before anything was sent."""
        return share_off(self.usd, self.first_usd) if self.finished and not self.unreturned else None


def share_off(actual: float | None, expected: float | None) -> float | None:
    """(actual - expected) / expected; None where that says nothing."""
    return None if actual is None or not expected else actual / expected - 1


def once(bill: Bill, billed: Collection[str]) -> Bill:
    """The bill, without the price of jobs that are on other bills: a job recovered after its run was deleted."""
    if not billed or not set(bill.jobs).intersection(billed):
        return bill
    return replace(bill, again=True, unpriced=0, unreturned=0, rows_usd=0.0, uncached_usd=0.0, standard_usd=0.0)


def may_be_billed(unreturned: int) -> str:
    """What it means that nothing came back for rows that were sent, in words."""
    return f"nothing came back for {count(unreturned, 'row')} sent, and what Google had finished of them may be billed."


def total(bills: Iterable[Bill]) -> Bill:
    """Several runs as one, the first giving its name: a sum is unknown as soon as a part of it is."""
    whole, *others = bills
    for bill in others:
        sums: dict[str, Any] = {name: _plus(getattr(whole, name), getattr(bill, name)) for name in _MONEY}
        whole = replace(
            whole,
            rows=whole.rows + bill.rows,
            unpriced=whole.unpriced + bill.unpriced,
            unreturned=whole.unreturned + bill.unreturned,
            finished=whole.finished and bill.finished,
            borrowed=whole.borrowed or bill.borrowed,
            **sums,
        )
    return whole


@dataclass(frozen=True)
class Spent:
    """What several runs have cost together: `usd` is the sum of what is known, None if nothing is.

    `unknown` runs are not in it; with `at_least`, more may be billed for those that are. `saved` is
    against standard price without caches, over the runs of which that is known: negative is a loss.
    """

    day: date | None
    model: str
    runs: int
    rows: int
    usd: float | None
    unknown: int
    at_least: bool
    by_caching: float | None
    by_batching: float | None

    @property
    def saved(self) -> float | None:
        return _plus(self.by_caching, self.by_batching)


def spent(bills: Iterable[Bill], by: Callable[[Bill], tuple[date | None, str]]) -> list[Spent]:
    """Bills added up by (day, model); None and "" are all of them. Newest first, then by name."""
    groups: dict[tuple[date | None, str], list[Bill]] = {}
    for bill in bills:
        groups.setdefault(by(bill), []).append(bill)
    found = [_spent(day, model, group) for (day, model), group in groups.items()]
    return sorted(found, key=lambda one: (-(one.day or date.min).toordinal(), one.model))


def by_day_and_model(bill: Bill) -> tuple[date, str]:
    return bill.day, bill.model


def by_model(bill: Bill) -> tuple[None, str]:
    return None, bill.model


def altogether(bill: Bill) -> tuple[None, str]:
    return None, ""


def _spent(day: date | None, model: str, bills: list[Bill]) -> Spent:
    compared = [bill for bill in bills if bill.saved is not None]
    return Spent(
        day=day,
        model=model,
        runs=len(bills),
        rows=sum(bill.rows for bill in bills),
        usd=_known(bill.usd for bill in bills),
        unknown=sum(bill.usd is None for bill in bills),
        at_least=any(bill.at_least for bill in bills if bill.usd is not None),
        by_caching=_known(bill.by_caching for bill in compared),
        by_batching=_known(bill.by_batching for bill in compared),
    )


_MONEY = ("rows_usd", "caches_usd", "uncached_usd", "standard_usd", "first_usd", "expected_usd", "worst_usd")


def _known(amounts: Iterable[float | None]) -> float | None:
    """The sum of what is known; None if nothing is."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None


def _plus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def _minus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other
