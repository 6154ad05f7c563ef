"""The groups of a plan: shared prefixes worth showing, with what each choice would cost. Pure.

A group's three prices are for the requests that its cache serves or would serve, everything else in the plan as
chosen: the difference of two of them is what changing this one choice does to the total.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from batch.planning.cost_model import Stakes
from batch.planning.decision import Choice, Decision
from batch.prefixes.forest import Bools, Floats, Ints

MOST = 10_000
"""So many groups are listed besides the cached ones, those with most at stake first."""


class ChoiceUsd(NamedTuple):
    """Input cost of a group's requests under each choice; None where a price is unknown or the choice impossible."""

    none: float | None
    implicit: float | None
    explicit: float | None


@dataclass(frozen=True)
class Group:
    """A prefix that several requests begin with.

    `requests` begin with it; `served` of them use its cache. `parent` is the next shorter listed prefix. An explicit
    cache is the cheapest choice as long as it lives less than `break_even_hours` (0: never; None: impossible,
    prices unknown, or storage free). `possible` says whether the service would take it as a cache; `overridden`
    whether the user chose.
    """

    id: str
    parent: str | None
    requests: int
    served: int
    prefix_tokens: int
    counted: bool
    choice: Choice
    usd: ChoiceUsd
    break_even_hours: float | None
    possible: bool
    overridden: bool


def worth_listing(stakes: Stakes, keep: Bools) -> Ints:
    """Prefixes to show, in preorder: all of `keep`, and those that could pay as a cache however short it lived.

    Of prefixes with the same requests only the longest is shown (on either side of the long-context threshold).
    """
    could = stakes.forest.next_user & (stakes.requests >= 2) & (stakes.weight > stakes.cache_rate.standard)
    could = without_dominated(stakes, could | keep) | keep
    found = np.flatnonzero(could)
    if len(found) > MOST:
        stake = np.where(keep, np.inf, stakes.weight * stakes.length)[found]
        kept = np.sort(np.argsort(-stake, kind="stable")[: max(MOST, int(keep.sum()))])
        found = found[kept]
    return found


def without_dominated(stakes: Stakes, marked: Bools) -> Bools:
    """Drop prefixes that have a longer one among the marked with the very same requests and prices."""
    forest, tier = stakes.forest, stakes.cache_rate.standard
    nodes = np.flatnonzero(marked)
    above = _above(forest.parent, forest.deepest(marked))[nodes]
    same = (above >= 0) & (stakes.requests[above] == stakes.requests[nodes]) & (tier[above] == tier[nodes])
    same &= stakes.cacheable[nodes] | ~stakes.cacheable[above]
    left = marked.copy()
    left[above[same]] = False
    return left


def group_list(stakes: Stakes, decision: Decision, nodes: Ints, overridden: Bools, counted: Bools) -> list[Group]:
    """The groups of these prefixes."""
    forest, listed = stakes.forest, np.zeros(len(stakes.forest), bool)
    listed[nodes] = True
    parents = _above(forest.parent, forest.deepest(listed))[nodes].tolist()
    ids = [f"{name:016x}" for name in forest.ids.tolist()] if len(nodes) * 2 > len(forest) else None
    served = np.bincount(decision.used[decision.used >= 0], minlength=len(forest))
    prices, hours = _prices(stakes, decision, nodes)
    found = []
    for place, node in enumerate(nodes.tolist()):
        parent = parents[place]
        found.append(
            Group(
                id=ids[node] if ids else name(stakes, node),
                parent=None if parent < 0 else ids[parent] if ids else name(stakes, parent),
                requests=int(stakes.requests[node]),
                served=int(served[node]),
                prefix_tokens=round(float(stakes.length[node])),
                counted=bool(counted[node]),
                choice=_choice(decision, node),
                usd=prices[place],
                break_even_hours=hours[place],
                possible=bool(stakes.cacheable[node]),
                overridden=bool(overridden[node]),
            )
        )
    return found


def name(stakes: Stakes, node: int) -> str:
    """A prefix's id: stable for the same content, whatever else is in the batch."""
    return f"{int(stakes.forest.ids[node]):016x}"


def _choice(decision: Decision, node: int) -> Choice:
    if decision.cached[node]:
        return Choice.EXPLICIT
    return Choice.IMPLICIT if decision.floor[node] > 0 else Choice.NONE


def _above(parent: Ints, values: Ints) -> Ints:
    """Each prefix's value taken from its parent."""
    return np.asarray(np.append(values, -1)[parent])


def _prices(stakes: Stakes, decision: Decision, nodes: Ints) -> tuple[list[ChoiceUsd], list[float | None]]:
    """What each choice costs the requests concerned, and until when a cache is the cheapest."""
    forest, length = stakes.forest, stakes.length
    deepest = forest.deepest(decision.cached)
    above = _above(forest.parent, deepest)[nodes]
    reach = np.append(length, 0.0)[above]
    plain = _region(stakes, deepest, _plain(stakes))[nodes]
    without, implied, within = _savings(stakes, decision, deepest, nodes, reach)
    fixed, possible = stakes.fixed(decision.hours)[nodes], stakes.cacheable[nodes]
    hourly = (stakes.cache_rate.storage * length)[nodes]
    gain = within - np.maximum(without, implied) - stakes.fixed(0.0)[nodes]
    with np.errstate(divide="ignore", invalid="ignore"):
        hours = np.where(possible & (hourly > 0), np.maximum(0.0, gain / hourly), np.nan)
    explicit = np.where(possible, plain + fixed - within, np.nan)
    rows = zip((plain - without).tolist(), (plain - implied).tolist(), explicit.tolist(), strict=True)
    return [ChoiceUsd(*map(_known, row)) for row in rows], [_known(value) for value in hours.tolist()]


def _plain(stakes: Stakes) -> Floats:
    """Input cost without caches of the requests whose deepest prefix it is, per prefix."""
    leaf = stakes.survey.forest.leaf
    rows = stakes.sent & (leaf >= 0)
    found = np.zeros(len(stakes.forest))
    np.add.at(found, leaf[rows], (stakes.prompt * stakes.rate.batch)[rows])
    return found


def _region(stakes: Stakes, deepest: Ints, own: Floats) -> Floats:
    """Sum, for each prefix, over the requests that its cache serves or would: no deeper one has them."""
    served = np.zeros(len(own))
    has = deepest >= 0
    np.add.at(served, deepest[has], own[has])
    return stakes.forest.sums(own) - stakes.forest.sums(served) + served


def _savings(
    stakes: Stakes, decision: Decision, deepest: Ints, nodes: Ints, reach: Floats
) -> tuple[Floats, Floats, Floats]:
    """USD that the requests concerned save with what is above, that or implicitly, and with this prefix cached."""
    weight, floor = _region(stakes, deepest, stakes.own_weight)[nodes], stakes.floor
    if not floor.any():
        return weight * reach, weight * reach, weight * stakes.length[nodes]
    implied = stakes.own_weight[nodes] * np.maximum(reach, floor[nodes])
    within = stakes.own_weight[nodes] * np.maximum(stakes.length[nodes], floor[nodes])
    for place in np.flatnonzero(stakes.forest.end[nodes] > nodes + 1).tolist():  # the others continue in nothing shared
        node = int(nodes[place])
        span = slice(node, int(stakes.forest.end[node]))
        own = np.where(deepest[span] <= node, stakes.own_weight[span], 0.0)
        implied[place] = own @ np.maximum(reach[place], floor[span])
        within[place] = own @ np.maximum(stakes.length[node], floor[span])
    return weight * reach, implied, within


def _known(value: float) -> float | None:
    return None if value != value else value
