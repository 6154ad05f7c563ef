"""Which prefixes to cache, and which request uses which cache; what that costs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from batch.model import ContextMode, Tariff
from batch.planning.cost_model import Stakes, weigh
from batch.planning.selection import cheapest
from batch.prefixes.forest import Bools, Floats, Ints

NOMINAL = Tariff(0.3, 0.15, None, None, 0.03, None, 1.0, explicit_minimum=1024)
"""Prices that decide where a cache is wanted and the model's are unknown: the proportions of 2.5 Flash."""


class Choice(StrEnum):
    """How a group's shared text is paid for."""

    NONE = "none"
    IMPLICIT = "implicit"
    EXPLICIT = "explicit"


@dataclass(frozen=True)
class Decision:
    """What was decided: which prefixes are cached, and per row the cache it uses (-1: none).

    `floor` is what the plan counts on as implicit saving (tokens) for requests without a cache, per deepest prefix.
    """

    cached: Bools
    used: Ints
    floor: Floats
    hours: float


def decide(stakes: Stakes, mode: ContextMode, choices: Mapping[int, Choice], hours: float) -> Decision:
    """Choose the caches and say which row uses which."""
    forced = frozenset(node for node, choice in choices.items() if choice == Choice.EXPLICIT)
    barred = [node for node, choice in choices.items() if choice != Choice.EXPLICIT]
    floor = floor_of(stakes, mode, choices)
    cover = mode == ContextMode.EXPLICIT
    if cover and stakes.forest and not (stakes.weight > 0).any():
        stakes = weigh(stakes.survey, replace(NOMINAL, explicit_minimum=stakes.tariff.explicit_minimum), stakes.options)
    fixed = stakes.fixed(hours)
    able, best = _able(stakes, mode, fixed, barred)
    forced |= best
    able[list(forced)] = True
    cached = cheapest(
        stakes.forest,
        able,
        stakes.length,
        fixed,
        leaf=np.arange(len(able)),
        floor=np.zeros_like(floor) if cover else floor,
        weight=stakes.own_weight,
        forced=forced,
        cover=cover,
    )
    return Decision(cached, _used(stakes, cached, floor, cover, forced), floor, hours)


def _able(stakes: Stakes, mode: ContextMode, fixed: Floats, barred: list[int]) -> tuple[Bools, frozenset[int]]:
    """Prefixes that may be cached: what could gain in AUTO, what could pay at some duration in EXPLICIT.

    If nothing could, EXPLICIT still caches the one that loses least, which comes second.
    """
    able = stakes.cacheable
    able[barred] = False
    if mode == ContextMode.AUTO:
        return able & (stakes.weight * stakes.length > fixed), frozenset()
    if mode != ContextMode.EXPLICIT:
        return np.zeros_like(able), frozenset()
    useful = able & (stakes.weight > stakes.cache_rate.standard)
    if useful.any() or not able.any():
        return useful, frozenset()
    gain = np.where(able, stakes.weight * stakes.length - fixed, -np.inf)
    return useful, frozenset([int(np.argmax(gain))])


def floor_of(stakes: Stakes, mode: ContextMode, choices: Mapping[int, Choice]) -> Floats:
    """Implicit saving that the plan counts on: none in mode NONE, nor below a group set to none."""
    if mode == ContextMode.NONE:
        return np.zeros(len(stakes.floor))
    floor = stakes.floor
    without = [node for node, choice in choices.items() if choice == Choice.NONE]
    if without:
        marks = np.zeros(len(floor), dtype=bool)
        marks[list(choices)] = True
        floor = np.where(np.isin(stakes.forest.deepest(marks), without), 0.0, floor)
    return floor


def _used(stakes: Stakes, cached: Bools, floor: Floats, cover: bool, forced: frozenset[int]) -> Ints:
    """Per row the cache it uses: its deepest, unless it is cheaper without."""
    leaf = stakes.forest.leaf
    used = np.append(stakes.forest.deepest(cached), -1)[leaf]
    wanted = np.zeros(len(cached) + 1, dtype=bool)
    wanted[list(forced)] = True
    pays = (np.append(stakes.length, 0.0)[used] >= np.append(floor, 0.0)[leaf]) & (stakes.rate.gain > 0)
    return np.where(stakes.sent & (pays | cover | wanted[used]), used, -1)


def cost(stakes: Stakes, decision: Decision, cached_rate: Floats | None = None) -> float:
    """Expected input cost of the batch; NaN if a price it needs is unknown."""
    used, rate = decision.used, stakes.rate
    cached_rate = rate.cached if cached_rate is None else cached_rate
    explicit = np.append(stakes.length, 0.0)[used] * (rate.batch - cached_rate)
    implicit = np.append(decision.floor, 0.0)[stakes.forest.leaf] * rate.gain
    saved = np.where(used >= 0, explicit, implicit)[stakes.sent].sum()
    return stakes.plain_usd - float(saved) + float(stakes.fixed(decision.hours)[decision.cached].sum())
