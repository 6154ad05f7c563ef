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

from batch.prefixes.forest import Bools, Floats, Ints, PrefixForest

Breakpoint = tuple[float, float]
"""Ancestor length in tokens; what the slope of the cost changes by there, in USD per token."""
FEW_INSERTIONS = 64
"""So many insertions into a sorted list are faster than sorting it anew."""


@dataclass(frozen=True)
class CacheCandidates:
    """Prefixes that may be cached, in preorder: a parent stands before its children, a subtree is contiguous.

    `own_at[i]:own_at[i + 1]` are the requests of candidate i in `own_floor` and `own_weight`, summed per distinct
    floor if the caller likes. `forced` are cached whatever they cost. With `cover_all`, every request that has a
    candidate among its ancestors must be served by a cache.
    """

    parent: Ints
    length: Floats
    fixed: Floats
    own_at: Ints
    own_floor: Floats
    own_weight: Floats
    forced: frozenset[int] = frozenset()
    cover_all: bool = False


class _SubtreeCost:
    """The cost of a subtree as a function of the length of the deepest cached ancestor above it.

    `start` is its value at 0; `without_ancestor` its value where there is no ancestor at all, which differs only when
    requests must be covered. `slope` and `moment` are the sums of the changes, and of the changes times their places.
    """

    __slots__ = ("breaks", "moment", "slope", "start", "unsorted_breaks", "without_ancestor")

    def __init__(self) -> None:
        self.start = self.without_ancestor = self.slope = self.moment = 0.0
        self.breaks: list[Breakpoint] = []
        self.unsorted_breaks: list[Breakpoint] = []

    def add_break(self, place: float, change: float) -> None:
        self.unsorted_breaks.append((place, change))
        self.slope += change
        self.moment += change * place

    def add_child(self, other: _SubtreeCost) -> None:
        self.start += other.start
        self.without_ancestor += other.without_ancestor
        self.slope += other.slope
        self.moment += other.moment
        # The smaller list is merged into the larger, so that no breakpoint moves more than a logarithm of times.
        if len(self.breaks) < len(other.breaks):
            self.breaks, other.breaks = other.breaks, self.breaks
        self.unsorted_breaks += other.breaks

    def sort_breaks(self) -> None:
        """Put waiting breakpoints in their places: a few one by one, many by sorting."""
        if len(self.unsorted_breaks) < FEW_INSERTIONS:
            for point in self.unsorted_breaks:
                insort(self.breaks, point)
        else:
            self.breaks += self.unsorted_breaks
            self.breaks.sort()
        self.unsorted_breaks = []

    def truncate_at(self, length: float) -> float:
        """Forget what lies at `length` or beyond; return the value there."""
        self.sort_breaks()
        breaks = self.breaks
        while breaks and breaks[-1][0] >= length:
            place, change = breaks.pop()
            self.slope -= change
            self.moment -= change * place
        if not breaks:
            self.slope = self.moment = 0.0  # rounding must not pile up
        return self.start + self.slope * length - self.moment

    def cap_at(self, price: float) -> float:
        """Let the cost never exceed `price`; return up to which ancestor length the cap binds (0: nowhere)."""
        if price >= self.start:
            return 0.0
        value, slope, at = self.start, 0.0, 0.0
        passed = 0
        for place, change in self.breaks:
            value_there = value + slope * (place - at)
            if value_there <= price:
                break
            value, at = value_there, place
            slope += change
            passed += 1
        # The function falls from `start`; where it has come down to the price, the cap ends and the old slope goes on.
        crossing = at + (price - value) / slope if slope < 0.0 else at
        removed_moment = sum(change * place for place, change in self.breaks[:passed])
        self.breaks[:passed] = [(crossing, slope)]
        self.moment += slope * crossing - removed_moment
        self.start = price
        return crossing

    def set_constant(self, price: float) -> None:
        """Be the constant `price`."""
        self.start = self.without_ancestor = price
        self.slope = self.moment = 0.0
        self.breaks = []


def select_caches(
    forest: PrefixForest,
    eligible: Bools,
    length: Floats,
    fixed: Floats,
    *,
    leaf: Ints,
    implicit_tokens: Floats,
    weight: Floats,
    forced: frozenset[int] = frozenset(),
    cover_all: bool = False,
) -> Bools:
    """Mark the prefixes to cache among the `eligible` ones of a forest.

    `leaf`, `implicit_tokens` and `weight` are per request, or per group of requests with the same leaf and the same
    implicit saving. A request without an eligible prefix above it changes nothing and is left out.
    """
    # Only eligible prefixes become candidates: the forest is hung up anew over the gaps, each under its nearest one.
    nodes, deepest = np.flatnonzero(eligible), forest.deepest(eligible)
    position = np.full(len(eligible) + 1, -1)
    position[nodes] = np.arange(len(nodes))
    above = np.append(deepest, -1)[forest.parent[nodes]]
    candidate_of = position[np.append(deepest, -1)[leaf]]
    relevant = np.flatnonzero((candidate_of >= 0) & (weight > 0))
    order = relevant[np.lexsort((implicit_tokens[relevant], candidate_of[relevant]))]
    candidate_of, implicit_tokens, weight = candidate_of[order], implicit_tokens[order], weight[order]
    # Sorted by candidate and implicit saving, equal requests stand together; one sum stands for each run of them.
    begin = np.flatnonzero(
        np.append(True, (candidate_of[1:] != candidate_of[:-1]) | (implicit_tokens[1:] != implicit_tokens[:-1]))[
            : len(candidate_of)
        ]
    )
    cached = np.zeros(len(eligible), dtype=bool)
    cached[nodes] = optimal_caches(
        CacheCandidates(
            parent=position[above],
            length=length[nodes],
            fixed=fixed[nodes],
            own_at=np.searchsorted(candidate_of[begin], np.arange(len(nodes) + 1)),
            own_floor=implicit_tokens[begin],
            own_weight=np.add.reduceat(weight, begin) if len(begin) else weight,
            forced=frozenset(position[list(forced)].tolist()),
            cover_all=cover_all,
        )
    )
    return cached


def optimal_caches(candidates: CacheCandidates) -> NDArray[np.bool_]:
    """Say which candidates to cache so that fixed prices less savings are least. On a tie, the fewer caches."""
    ancestor_limits, cached_without_ancestor = _thresholds(candidates)
    return _mark_cached(candidates, ancestor_limits, cached_without_ancestor)


def _thresholds(candidates: CacheCandidates) -> tuple[list[float], list[bool]]:
    """Per candidate: cache it where the ancestor is shorter than this; cache it where there is no ancestor."""
    count = len(candidates.parent)
    parents, lengths, fixed = candidates.parent.tolist(), candidates.length.tolist(), candidates.fixed.tolist()
    own_at, floors, weights = candidates.own_at.tolist(), candidates.own_floor.tolist(), candidates.own_weight.tolist()
    costs: list[_SubtreeCost | None] = [None] * count
    ancestor_limits, cached_without_ancestor = [0.0] * count, [False] * count
    # Preorder backwards: every child is finished before its parent takes it over.
    for node in range(count - 1, -1, -1):
        cost = costs[node] or _SubtreeCost()
        costs[node] = None
        for row in range(own_at[node], own_at[node + 1]):
            cost.start -= weights[row] * floors[row]
            cost.without_ancestor -= weights[row] * floors[row]
            cost.add_break(floors[row], -weights[row])
        # A request of its own that nothing above serves must be served here, whatever it costs.
        if candidates.cover_all and own_at[node] < own_at[node + 1]:
            cost.without_ancestor = inf
        price = fixed[node] + cost.truncate_at(lengths[node])
        if node in candidates.forced:
            ancestor_limits[node], cached_without_ancestor[node] = inf, True
            cost.set_constant(price)
        else:
            cached_without_ancestor[node] = price < cost.without_ancestor
            cost.without_ancestor = min(cost.without_ancestor, price)
            ancestor_limits[node] = cost.cap_at(price)
        parent = parents[node]
        if parent >= 0:
            parent_cost = costs[parent]
            if parent_cost is None:
                costs[parent] = cost
            else:
                parent_cost.add_child(cost)
    return ancestor_limits, cached_without_ancestor


def _mark_cached(
    candidates: CacheCandidates, ancestor_limits: list[float], cached_without_ancestor: list[bool]
) -> NDArray[np.bool_]:
    parents, lengths = candidates.parent.tolist(), candidates.length.tolist()
    count = len(parents)
    reach = [-1.0] * count  # length of the deepest cached candidate at or above; -1 for none
    cached = np.zeros(count, dtype=np.bool_)
    for node in range(count):
        above = reach[parents[node]] if parents[node] >= 0 else -1.0
        chosen = cached_without_ancestor[node] if above < 0.0 else above < ancestor_limits[node]
        reach[node] = lengths[node] if chosen else above
        cached[node] = chosen
    return cached
