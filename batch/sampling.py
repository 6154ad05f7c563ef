"""Which texts to count exactly, and what the counts say about all of them: a total with a 95 % interval. Pure.

A stratified sample with a ratio estimator: texts are grouped by slot (a role's last turn, its earlier ones, …) and by
the size of their estimate; more are counted where more tokens are; within a slot the counts correct the estimates in
proportion, and what is left unexplained gives the interval.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import xxhash

UNCOUNTED_MARGIN = 0.28  # where nothing was counted: 95 of 100 estimates of single texts were this close or closer
_FEWEST = 3  # rows from which a canary says something about prompts
_ENOUGH = 8  # degrees of freedom below which residuals say too little
_T_TABLE = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365)  # 1 to 7 degrees of freedom


@dataclass(frozen=True)
class Interval:
    """A total and half the width of its 95 % interval, in tokens (or in anything else that adds up)."""

    total: float
    half_width: float = 0.0

    @property
    def low(self) -> float:
        return max(0.0, self.total - self.half_width)

    @property
    def high(self) -> float:
        return self.total + self.half_width

    def __add__(self, other: Interval) -> Interval:
        """The sum of two independent totals."""
        return Interval(self.total + other.total, math.hypot(self.half_width, other.half_width))

    def scaled(self, factor: float) -> Interval:
        return Interval(self.total * factor, self.half_width * abs(factor))


class Pick(NamedTuple):
    """A text to count: `ident` is what it was offered as."""

    ident: Hashable
    slot: str
    estimate: int

    @property
    def stratum(self) -> Stratum:
        return self.slot, self.estimate.bit_length()


Stratum = tuple[str, int]
Sizes = Mapping[Stratum, tuple[int, int]]
Pairs = dict[Stratum, list[tuple[int, int]]]
T = TypeVar("T")


@dataclass
class _Group:
    """One stratum: how many texts, their estimated tokens, and a reservoir of those that may be counted."""

    texts: int = 0
    tokens: int = 0
    reservoir: list[tuple[int, int, Pick]] = field(default_factory=list)


class SamplePlan:
    """Offer every text once, in any order; then count those in `picks` and `combine` the counts.

    The same texts give the same picks: the choice hangs on a hash of `ident`, not on chance or order. Memory is
    bounded by size × strata, whatever the number of texts.
    """

    def __init__(self, size: int = 100) -> None:
        self.size = size
        self._groups: dict[Stratum, _Group] = {}
        self._offered = 0

    @property
    def estimated(self) -> int:
        """The sum of all estimates offered."""
        return sum(group.tokens for group in self._groups.values())

    def offer(self, ident: Hashable, slot: str, estimate: int) -> None:
        """Tell of a text: `ident` finds it again, `slot` is where it stands, `estimate` its estimated tokens."""
        pick = Pick(ident, slot, estimate)
        group = self._groups.setdefault(pick.stratum, _Group())
        group.texts += 1
        group.tokens += estimate
        self._offered += 1
        rank = -xxhash.xxh3_64_intdigest(repr(ident).encode())
        entry = (rank, self._offered, pick)
        if len(group.reservoir) < self.size:
            heapq.heappush(group.reservoir, entry)
        elif entry > group.reservoir[0]:
            heapq.heapreplace(group.reservoir, entry)

    def picks(self) -> list[Pick]:
        """The texts to count: at most `size`, all of them if there are no more."""
        return [pick for stratum, count in self._shares().items() for pick in self._first(stratum, count)]

    def strata(self) -> dict[Stratum, tuple[int, int]]:
        """Texts and estimated tokens of each stratum."""
        return {stratum: (group.texts, group.tokens) for stratum, group in self._groups.items()}

    def _shares(self) -> dict[Stratum, int]:
        """How many texts of each stratum to count: two of each, the largest first, the rest in proportion to tokens."""
        if self._offered <= self.size:
            return {stratum: group.texts for stratum, group in self._groups.items()}
        largest = sorted(self._groups, key=lambda s: (-self._groups[s].tokens, s))[: max(1, self.size // 2)]
        rest, total = self.size - 2 * len(largest), max(1, self.estimated)
        wanted = {s: 2 + rest * self._groups[s].tokens // total for s in largest}
        return {stratum: min(count, self._groups[stratum].texts) for stratum, count in wanted.items()}

    def _first(self, stratum: Stratum, count: int) -> Iterable[Pick]:
        ranked = sorted(self._groups[stratum].reservoir, key=lambda entry: -entry[0])
        return (pick for _, _, pick in ranked[:count])


def uncounted(estimate: float) -> Interval:
    """The interval of a total of which nothing was counted."""
    return Interval(estimate, estimate * UNCOUNTED_MARGIN)


def combine(plan: SamplePlan, counts: Mapping[Hashable, int]) -> Interval:
    """All texts' tokens from the counts of some, by `ident`; picks without a count are left out.

    Exact if every text was counted; as wide as without any counts if there are too few to tell.
    """
    sizes, counted = plan.strata(), _by_stratum(plan, counts)
    seen = sum(len(pairs) for pairs in counted.values())
    if seen == sum(texts for texts, _ in sizes.values()):
        return Interval(float(sum(count for pairs in counted.values() for _, count in pairs)))
    if not seen:
        return uncounted(plan.estimated)
    slots = sorted({slot for slot, _ in sizes})
    parts = [_slot_total(_only(sizes, slot), _only(counted, slot), _ratio(sizes, counted)) for slot in slots]
    total = sum(part for part, _ in parts)
    freedom = seen - len({slot for slot, _ in counted})
    if freedom < _ENOUGH:
        return uncounted(total)
    return Interval(total, _t(freedom) * math.sqrt(sum(variance for _, variance in parts)))


def by_ratio(observed: Sequence[int], predicted: Sequence[int], estimate: float) -> Interval | None:
    """What `estimate` is in truth if it errs as `predicted` did against `observed`; None if that says too little."""
    if len(observed) != len(predicted) or len(observed) < _FEWEST or not sum(predicted):
        return None
    seen, ratio = len(observed), sum(observed) / sum(predicted)
    residual = sum((y - ratio * x) ** 2 for x, y in zip(predicted, observed, strict=True)) / (seen - 1)
    error = math.sqrt(residual / seen) / (sum(predicted) / seen)
    return Interval(ratio * estimate, _t(seen - 1) * error * estimate)


def mean(values: Sequence[float]) -> Interval:
    """The mean of a few values; with one alone, as uncertain as itself."""
    average = sum(values) / len(values)
    if len(values) == 1:
        return Interval(average, abs(average))
    variance = sum((value - average) ** 2 for value in values) / (len(values) - 1)
    return Interval(average, _t(len(values) - 1) * math.sqrt(variance / len(values)))


def _by_stratum(plan: SamplePlan, counts: Mapping[Hashable, int]) -> Pairs:
    counted: Pairs = {}
    for pick in plan.picks():
        if pick.ident in counts:
            counted.setdefault(pick.stratum, []).append((pick.estimate, counts[pick.ident]))
    return counted


def _only(strata: Mapping[Stratum, T], slot: str) -> dict[Stratum, T]:
    return {stratum: value for stratum, value in strata.items() if stratum[0] == slot}


def _slot_total(sizes: Sizes, counted: Pairs, otherwise: float) -> tuple[float, float]:
    """One slot's tokens and their variance; a slot without counts takes the ratio of all others."""
    ratio = _ratio(sizes, counted) if counted else otherwise
    total = ratio * sum(tokens for _, tokens in sizes.values())
    return total, _variance(sizes, counted, ratio) if counted else (total * UNCOUNTED_MARGIN / 2) ** 2


def _ratio(sizes: Sizes, counted: Pairs) -> float:
    """Counted over estimated tokens, each stratum with the weight of its texts."""
    estimated = sum(sizes[s][0] / len(pairs) * sum(x for x, _ in pairs) for s, pairs in counted.items())
    measured = sum(sizes[s][0] / len(pairs) * sum(y for _, y in pairs) for s, pairs in counted.items())
    return measured / estimated if estimated else 1.0


def _variance(sizes: Sizes, counted: Pairs, ratio: float) -> float:
    """Variance of one slot's total from the residuals; strata without a count are as uncertain as those with."""
    spread = 0.0
    for stratum, pairs in counted.items():
        texts, seen = sizes[stratum][0], len(pairs)
        residual = sum((y - ratio * x) ** 2 for x, y in pairs) / max(1, seen - 1)
        spread += texts**2 * (1 - seen / texts) * residual / seen
    covered = sum(sizes[stratum][1] for stratum in counted)
    return spread * (sum(tokens for _, tokens in sizes.values()) / covered) ** 2 if covered else spread


def _t(freedom: int) -> float:
    """The 97.5 % point of Student's t: from the table, and by Cornish and Fisher's expansion beyond it."""
    if freedom <= len(_T_TABLE):
        return _T_TABLE[freedom - 1]
    z = 1.959964
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
