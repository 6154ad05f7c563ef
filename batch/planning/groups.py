"""The groups of a plan: shared prefixes worth showing, with what each choice would cost. Pure.

A group's three prices are for the requests that its cache serves or would serve, everything else in the plan as
chosen: the difference of two of them is what changing this one choice does to the total.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from batch.planning.cost_model import CostModel
from batch.planning.decision import CachingChoice, Decision
from batch.prefixes.forest import Bools, Floats, Ints

MAX_LISTED_GROUPS = 10_000
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
    choice: CachingChoice
    usd: ChoiceUsd
    break_even_hours: float | None
    possible: bool
    overridden: bool


def visible_groups(cost_model: CostModel, keep: Bools) -> Ints:
    """Prefixes to show, in preorder: all of `keep`, and those that could pay as a cache however short it lived.

    Of prefixes with the same requests only the longest is shown (on either side of the long-context threshold).
    """
    candidates = (
        cost_model.forest.can_end & (cost_model.requests >= 2) & (cost_model.weight > cost_model.cache_rate.standard)
    )
    candidates = drop_dominated(cost_model, candidates | keep) | keep
    nodes = np.flatnonzero(candidates)
    if len(nodes) > MAX_LISTED_GROUPS:
        saving = np.where(keep, np.inf, cost_model.weight * cost_model.length)[nodes]
        largest = np.sort(np.argsort(-saving, kind="stable")[: max(MAX_LISTED_GROUPS, int(keep.sum()))])
        nodes = nodes[largest]
    return nodes


def drop_dominated(cost_model: CostModel, marked: Bools) -> Bools:
    """Drop prefixes that have a longer one among the marked with the very same requests and prices."""
    forest, tier = cost_model.forest, cost_model.cache_rate.standard
    nodes = np.flatnonzero(marked)
    above = _parent_values(forest.parent, forest.deepest(marked))[nodes]
    same = (above >= 0) & (cost_model.requests[above] == cost_model.requests[nodes]) & (tier[above] == tier[nodes])
    same &= cost_model.cacheable[nodes] | ~cost_model.cacheable[above]
    remaining = marked.copy()
    remaining[above[same]] = False
    return remaining


def build_groups(
    cost_model: CostModel, decision: Decision, nodes: Ints, overridden: Bools, counted: Bools
) -> list[Group]:
    """The groups of these prefixes."""
    forest, listed = cost_model.forest, np.zeros(len(cost_model.forest), bool)
    listed[nodes] = True
    parents = _parent_values(forest.parent, forest.deepest(listed))[nodes].tolist()
    ids = [f"{group_id:016x}" for group_id in forest.ids.tolist()] if len(nodes) * 2 > len(forest) else None
    served = np.bincount(decision.used[decision.used >= 0], minlength=len(forest))
    prices, hours = _choice_prices(cost_model, decision, nodes)
    cacheable = cost_model.cacheable
    groups = []
    for position, node in enumerate(nodes.tolist()):
        parent = parents[position]
        groups.append(
            Group(
                id=ids[node] if ids else group_id(cost_model, node),
                parent=None if parent < 0 else ids[parent] if ids else group_id(cost_model, parent),
                requests=int(cost_model.requests[node]),
                served=int(served[node]),
                prefix_tokens=round(float(cost_model.length[node])),
                counted=bool(counted[node]),
                choice=_choice_of(decision, node),
                usd=prices[position],
                break_even_hours=hours[position],
                possible=bool(cacheable[node]),
                overridden=bool(overridden[node]),
            )
        )
    return groups


def group_id(cost_model: CostModel, node: int) -> str:
    """A prefix's id: stable for the same content, whatever else is in the batch."""
    return f"{int(cost_model.forest.ids[node]):016x}"


def _choice_of(decision: Decision, node: int) -> CachingChoice:
    if decision.cached[node]:
        return CachingChoice.EXPLICIT
    return CachingChoice.IMPLICIT if decision.implicit_saving_tokens[node] > 0 else CachingChoice.NONE


def _parent_values(parent: Ints, values: Ints) -> Ints:
    """Each prefix's value taken from its parent."""
    return np.asarray(np.append(values, -1)[parent])


def _choice_prices(
    cost_model: CostModel, decision: Decision, nodes: Ints
) -> tuple[list[ChoiceUsd], list[float | None]]:
    """What each choice costs the requests concerned, and until when a cache is the cheapest."""
    forest, length = cost_model.forest, cost_model.length
    deepest = forest.deepest(decision.cached)
    above = _parent_values(forest.parent, deepest)[nodes]
    reach = np.append(length, 0.0)[above]
    uncached = _served_sum(cost_model, deepest, _uncached_costs(cost_model))[nodes]
    without, implicit, explicit_saving = _savings(cost_model, decision, deepest, nodes, reach)
    fixed, possible = cost_model.fixed_usd(decision.hours)[nodes], cost_model.cacheable[nodes]
    hourly = (cost_model.cache_rate.storage * length)[nodes]
    net_saving = explicit_saving - np.maximum(without, implicit) - cost_model.fixed_usd(0.0)[nodes]
    with np.errstate(divide="ignore", invalid="ignore"):
        hours = np.where(possible & (hourly > 0), np.maximum(0.0, net_saving / hourly), np.nan)
    explicit = np.where(possible, uncached + fixed - explicit_saving, np.nan)
    rows = zip((uncached - without).tolist(), (uncached - implicit).tolist(), explicit.tolist(), strict=True)
    return [ChoiceUsd(*map(_none_if_nan, row)) for row in rows], [_none_if_nan(value) for value in hours.tolist()]


def _uncached_costs(cost_model: CostModel) -> Floats:
    """Input cost without caches of the requests whose deepest prefix it is, per prefix."""
    leaf = cost_model.survey.forest.leaf
    rows = cost_model.sent & (leaf >= 0)
    costs = np.zeros(len(cost_model.forest))
    np.add.at(costs, leaf[rows], (cost_model.prompt_tokens * cost_model.rate.batch)[rows])
    return costs


def _served_sum(cost_model: CostModel, deepest: Ints, values: Floats) -> Floats:
    """Sum, for each prefix, over the requests that its cache serves or would: no deeper one has them."""
    served = np.zeros(len(values))
    has = deepest >= 0
    np.add.at(served, deepest[has], values[has])
    return cost_model.forest.sums(values) - cost_model.forest.sums(served) + served


def _savings(
    cost_model: CostModel, decision: Decision, deepest: Ints, nodes: Ints, reach: Floats
) -> tuple[Floats, Floats, Floats]:
    """USD that the requests concerned save with what is above, that or implicitly, and with this prefix cached."""
    weight, implicit_tokens = (
        _served_sum(cost_model, deepest, cost_model.own_weight)[nodes],
        cost_model.implicit_saving_tokens,
    )
    if not implicit_tokens.any():
        return weight * reach, weight * reach, weight * cost_model.length[nodes]
    implicit = cost_model.own_weight[nodes] * np.maximum(reach, implicit_tokens[nodes])
    explicit = cost_model.own_weight[nodes] * np.maximum(cost_model.length[nodes], implicit_tokens[nodes])
    for position in np.flatnonzero(
        cost_model.forest.end[nodes] > nodes + 1
    ).tolist():  # the others continue in nothing shared
        node = int(nodes[position])
        span = slice(node, int(cost_model.forest.end[node]))
        weights = np.where(deepest[span] <= node, cost_model.own_weight[span], 0.0)
        implicit[position] = weights @ np.maximum(reach[position], implicit_tokens[span])
        explicit[position] = weights @ np.maximum(cost_model.length[node], implicit_tokens[span])
    return weight * reach, implicit, explicit


def _none_if_nan(value: float) -> float | None:
    return None if value != value else value
