"""Which prefixes to cache, and which request uses which cache; what that costs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from batch.model import ContextMode, Tariff
from batch.planning.cost_model import CostModel, build_cost_model
from batch.planning.optimizer import select_caches
from batch.prefixes.forest import Bools, Floats, Ints

FALLBACK_TARIFF = Tariff(0.3, 0.15, None, None, 0.03, None, 1.0, explicit_minimum=1024)
"""Prices that decide where a cache is wanted and the model's are unknown: the proportions of 2.5 Flash."""


class CachingChoice(StrEnum):
    """How a group's shared text is paid for."""

    NONE = "none"
    IMPLICIT = "implicit"
    EXPLICIT = "explicit"


@dataclass(frozen=True)
class Decision:
    """What was decided: which prefixes are cached, and per row the cache it uses (-1: none).

    `implicit_saving_tokens` is what the plan counts on for requests without a cache, per deepest prefix.
    """

    cached: Bools
    used: Ints
    implicit_saving_tokens: Floats
    hours: float


def choose_caches(
    cost_model: CostModel, mode: ContextMode, choices: Mapping[int, CachingChoice], hours: float
) -> Decision:
    """Choose the caches and say which row uses which."""
    forced = frozenset(node for node, choice in choices.items() if choice == CachingChoice.EXPLICIT)
    excluded = [node for node, choice in choices.items() if choice != CachingChoice.EXPLICIT]
    implicit_tokens = implicit_saving(cost_model, mode, choices)
    cover_all = mode == ContextMode.EXPLICIT
    if cover_all and cost_model.forest and not (cost_model.weight > 0).any():
        cost_model = build_cost_model(
            cost_model.survey,
            replace(FALLBACK_TARIFF, explicit_minimum=cost_model.tariff.explicit_minimum),
            cost_model.options,
        )
    fixed = cost_model.fixed_usd(hours)
    eligible, fallback = _eligible(cost_model, mode, fixed, excluded)
    forced |= fallback
    eligible[list(forced)] = True
    cached = select_caches(
        cost_model.forest,
        eligible,
        cost_model.length,
        fixed,
        leaf=np.arange(len(eligible)),
        implicit_tokens=np.zeros_like(implicit_tokens) if cover_all else implicit_tokens,
        weight=cost_model.own_weight,
        forced=forced,
        cover_all=cover_all,
    )
    return Decision(
        cached, _cache_per_row(cost_model, cached, implicit_tokens, cover_all, forced), implicit_tokens, hours
    )


def _eligible(
    cost_model: CostModel, mode: ContextMode, fixed: Floats, excluded: list[int]
) -> tuple[Bools, frozenset[int]]:
    """Prefixes that may be cached: what could gain in AUTO, what could pay at some duration in EXPLICIT.

    If nothing could, EXPLICIT still caches the one that loses least, which comes second.
    """
    eligible = cost_model.cacheable
    eligible[excluded] = False
    if mode == ContextMode.AUTO:
        return eligible & (cost_model.weight * cost_model.length > fixed), frozenset()
    if mode != ContextMode.EXPLICIT:
        return np.zeros_like(eligible), frozenset()
    useful = eligible & (cost_model.weight > cost_model.cache_rate.standard)
    if useful.any() or not eligible.any():
        return useful, frozenset()
    net_saving = np.where(eligible, cost_model.weight * cost_model.length - fixed, -np.inf)
    return useful, frozenset([int(np.argmax(net_saving))])


def implicit_saving(cost_model: CostModel, mode: ContextMode, choices: Mapping[int, CachingChoice]) -> Floats:
    """Implicit saving that the plan counts on: none in mode NONE, nor below a group set to none."""
    if mode == ContextMode.NONE:
        return np.zeros(len(cost_model.implicit_saving_tokens))
    saved_tokens = cost_model.implicit_saving_tokens
    excluded = [node for node, choice in choices.items() if choice == CachingChoice.NONE]
    if excluded:
        mask = np.zeros(len(saved_tokens), dtype=bool)
        mask[list(choices)] = True
        saved_tokens = np.where(np.isin(cost_model.forest.deepest(mask), excluded), 0.0, saved_tokens)
    return saved_tokens


def _cache_per_row(
    cost_model: CostModel, cached: Bools, implicit_tokens: Floats, cover_all: bool, forced: frozenset[int]
) -> Ints:
    """Per row the cache it uses: its deepest, unless it is cheaper without."""
    leaf = cost_model.forest.leaf
    if not cached.any():
        return np.full(len(leaf), -1)
    # The appended -1 is what a row without a leaf (-1) finds: indexing with -1 takes the last entry.
    used = np.append(cost_model.forest.deepest(cached), -1)[leaf]
    is_forced = np.zeros(len(cached) + 1, dtype=bool)
    is_forced[list(forced)] = True
    pays = (np.append(cost_model.length, 0.0)[used] >= np.append(implicit_tokens, 0.0)[leaf]) & (
        cost_model.rate.saving_per_token > 0
    )
    return np.where(cost_model.sent & (pays | cover_all | is_forced[used]), used, -1)


def plan_cost(cost_model: CostModel, decision: Decision, cached_rate: Floats | None = None) -> float:
    """Expected input cost of the batch; NaN if a price it needs is unknown."""
    if not len(cost_model.forest):
        return cost_model.uncached_usd
    used, rate = decision.used, cost_model.rate
    cached_rate = rate.cached if cached_rate is None else cached_rate
    explicit = np.append(cost_model.length, 0.0)[used] * (rate.batch - cached_rate)
    implicit = np.append(decision.implicit_saving_tokens, 0.0)[cost_model.forest.leaf] * rate.saving_per_token
    saved = np.where(used >= 0, explicit, implicit)[cost_model.sent].sum()
    return cost_model.uncached_usd - float(saved) + float(cost_model.fixed_usd(decision.hours)[decision.cached].sum())
