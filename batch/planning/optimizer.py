"""The cheapest set of caches for a tree of shared prefixes: exact, by dynamic programming.

A *candidate* is a prefix that may be cached. It has a length in tokens, a fixed price (creating and storing it), and
requests of its own: those whose deepest candidate it is. A request saves `weight` USD for every token that its
deepest cached ancestor holds, and never less than `weight * floor`: what it saves without any explicit cache
(implicit hits), the two not adding up.

Given the deepest cached ancestor, a subtree does not depend on the rest of the tree. So the cost of a subtree is a
function of that ancestor's length only: never rising, concave, linear between breakpoints. Parents add their
children's functions and cap the sum with the constant price of a cache of their own. Every candidate adds at most
one breakpoint of its own and every breakpoint leaves once, so the time hardly depends on depth.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Breakpoint = tuple[float, float]
"""Ancestor length in tokens; what the slope of the cost changes by there, in USD per token."""
FEW = 64
"""So many insertions into a sorted list are faster than sorting it anew."""


@dataclass(frozen=True)
class Candidates:
    """Prefixes that may be cached, in preorder: a parent stands before its children, a subtree is contiguous.

    `own_at[i]:own_at[i + 1]` are the requests of candidate i in `own_floor` and `own_weight`, summed per distinct
    floor if the caller likes. `forced` are cached whatever they cost. With `cover`, every request that has a
    candidate among its ancestors must be served by a cache.
    """

    parent: Ints
    length: Floats
    fixed: Floats
    own_at: Ints
    own_floor: Floats
    own_weight: Floats
    forced: frozenset[int] = frozenset()
    cover: bool = False


class _Cost:
    """The cost of a subtree as a function of the length of the deepest cached ancestor above it.

    `start` is its value at 0; `bare` its value where there is no ancestor at all, which differs only when requests
    must be covered. `slope` and `moment` are the sums of the changes, and of the changes times their places.
    """

    __slots__ = ("bare", "breaks", "moment", "slope", "start", "waiting")

    def __init__(self) -> None:
        self.start = self.bare = self.slope = self.moment = 0.0
        self.breaks: list[Breakpoint] = []
        self.waiting: list[Breakpoint] = []

    def add(self, place: float, change: float) -> None:
        self.waiting.append((place, change))
        self.slope += change
        self.moment += change * place

    def absorb(self, other: _Cost) -> None:
        self.start += other.start
        self.bare += other.bare
        self.slope += other.slope
        self.moment += other.moment
        if len(self.breaks) < len(other.breaks):
            self.breaks, other.breaks = other.breaks, self.breaks
        self.waiting += other.breaks

    def settle(self) -> None:
        """Put waiting breakpoints in their places: a few one by one, many by sorting."""
        if len(self.waiting) < FEW:
            for point in self.waiting:
                insort(self.breaks, point)
        else:
            self.breaks += self.waiting
            self.breaks.sort()
        self.waiting = []

    def end_at(self, length: float) -> float:
        """Forget what lies at `length` or beyond; return the value there."""
        self.settle()
        breaks = self.breaks
        while breaks and breaks[-1][0] >= length:
            place, change = breaks.pop()
            self.slope -= change
            self.moment -= change * place
        if not breaks:
            self.slope = self.moment = 0.0  # rounding must not pile up
        return self.start + self.slope * length - self.moment

    def cap(self, price: float) -> float:
        """Let the cost never exceed `price`; return up to which ancestor length the cap binds (0: nowhere)."""
        if price >= self.start:
            return 0.0
        value, slope, at = self.start, 0.0, 0.0
        passed = 0
        for place, change in self.breaks:
            reached = value + slope * (place - at)
            if reached <= price:
                break
            value, at = reached, place
            slope += change
            passed += 1
        crossing = at + (price - value) / slope if slope < 0.0 else at
        gone = sum(change * place for place, change in self.breaks[:passed])
        self.breaks[:passed] = [(crossing, slope)]
        self.moment += slope * crossing - gone
        self.start = price
        return crossing

    def become(self, price: float) -> None:
        """Be the constant `price`."""
        self.start = self.bare = price
        self.slope = self.moment = 0.0
        self.breaks = []


def optimum(candidates: Candidates) -> NDArray[np.bool_]:
    """Say which candidates to cache so that fixed prices less savings are least. On a tie, the fewer caches."""
    binds, bare_binds = _thresholds(candidates)
    return _choose(candidates, binds, bare_binds)


def _thresholds(candidates: Candidates) -> tuple[list[float], list[bool]]:
    """Per candidate: cache it where the ancestor is shorter than this; cache it where there is no ancestor."""
    count = len(candidates.parent)
    parents, lengths, fixed = candidates.parent.tolist(), candidates.length.tolist(), candidates.fixed.tolist()
    own_at, floors, weights = candidates.own_at.tolist(), candidates.own_floor.tolist(), candidates.own_weight.tolist()
    costs: list[_Cost | None] = [None] * count
    binds, bare_binds = [0.0] * count, [False] * count
    for node in range(count - 1, -1, -1):
        cost = costs[node] or _Cost()
        costs[node] = None
        for row in range(own_at[node], own_at[node + 1]):
            cost.start -= weights[row] * floors[row]
            cost.bare -= weights[row] * floors[row]
            cost.add(floors[row], -weights[row])
        if candidates.cover and own_at[node] < own_at[node + 1]:
            cost.bare = inf
        price = fixed[node] + cost.end_at(lengths[node])
        if node in candidates.forced:
            binds[node], bare_binds[node] = inf, True
            cost.become(price)
        else:
            bare_binds[node] = price < cost.bare
            cost.bare = min(cost.bare, price)
            binds[node] = cost.cap(price)
        above = parents[node]
        if above >= 0:
            waiting = costs[above]
            if waiting is None:
                costs[above] = cost
            else:
                waiting.absorb(cost)
    return binds, bare_binds


def _choose(candidates: Candidates, binds: list[float], bare_binds: list[bool]) -> NDArray[np.bool_]:
    parents, lengths = candidates.parent.tolist(), candidates.length.tolist()
    count = len(parents)
    reach = [-1.0] * count  # length of the deepest cached candidate at or above; -1 for none
    cached = np.zeros(count, dtype=np.bool_)
    for node in range(count):
        above = reach[parents[node]] if parents[node] >= 0 else -1.0
        chosen = bare_binds[node] if above < 0.0 else above < binds[node]
        reach[node] = lengths[node] if chosen else above
        cached[node] = chosen
    return cached
