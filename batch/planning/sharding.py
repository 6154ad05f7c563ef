"""Divide a run into shards under the service's limits, keeping together what shares a cache. Pure.

A cache costs storage as long as any shard needs it, so a group that fits one shard is never divided, nested groups
stay together as far up as they fit, and what no shard can hold whole fills shards one after the other. Requests
without a cache fill the gaps, in the order given.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from batch.prefixes.forest import Bools, Floats, Ints

SLACK = 1e-12
"""Of a limit, lost to rounding in sums."""


@dataclass(frozen=True)
class ShardLimits:
    """What one batch job may hold; None is no limit. `tokens` are input tokens enqueued at a time for the model,
    `upload_bytes` those of files that are at Google while it runs."""

    file_bytes: float | None = None
    rows: float | None = None
    output_bytes: float | None = None
    tokens: float | None = None
    upload_bytes: float | None = None

    def shares(self, file_bytes: Floats, output_bytes: Floats, tokens: Floats, upload_bytes: Floats) -> Floats:
        """What each row takes of each limit there is, as a share."""
        ones = np.ones(len(file_bytes))
        weights = ((self.file_bytes, file_bytes), (self.rows, ones), (self.output_bytes, output_bytes))
        more = ((self.tokens, tokens), (self.upload_bytes, upload_bytes))
        limited = [weight / limit for limit, weight in (*weights, *more) if limit is not None]
        return np.stack(limited, axis=1) if limited else np.zeros((len(ones), 1))


@dataclass(frozen=True)
class ShardPlan:
    """Rows of each shard, in the order given; `oversize` are rows that no shard can hold."""

    shards: list[Ints]
    oversize: list[int]


def divide_rows(
    rows: Ints,
    limits: ShardLimits,
    *,
    file_bytes: Floats,
    tokens: Floats,
    output_bytes: Floats | None = None,
    upload_bytes: Floats | None = None,
    cache_of_row: Ints | None = None,
    parent_of_cache: Sequence[int] | Ints = (),
) -> ShardPlan:
    """Divide rows, given in the order in which they are to be written.

    The arrays are per row number; `cache_of_row` is the cache that a row uses (-1: none) and `parent_of_cache` the
    next shorter cache of each (-1: none). First fit, the heaviest groups first.
    """
    output_bytes = np.zeros(len(tokens)) if output_bytes is None else output_bytes
    upload_bytes = np.zeros(len(tokens)) if upload_bytes is None else upload_bytes
    shares = limits.shares(file_bytes[rows], output_bytes[rows], tokens[rows], upload_bytes[rows])
    fits = (shares <= 1.0 + SLACK).all(axis=1)
    oversize, rows, shares = rows[~fits].tolist(), rows[fits], shares[fits]
    caches = np.full(len(rows), -1) if cache_of_row is None else cache_of_row[rows]
    unit = _packing_units(caches, np.asarray(parent_of_cache, dtype=np.int64), shares)
    shard_of = _ShardPacker(shares).pack(unit)
    count = int(shard_of.max(initial=-1)) + 1
    order = np.argsort(shard_of, kind="stable")
    bounds = np.searchsorted(shard_of[order], np.arange(count + 1))
    return ShardPlan([rows[order[bounds[n] : bounds[n + 1]]] for n in range(count)], oversize)


def _packing_units(caches: Ints, parent: Ints, shares: Floats) -> Ints:
    """Per row the unit that is kept whole: the largest group around it that fits a shard, or else the requests of its
    own cache if they do. -1 for rows without a cache, less for those of a cache that has to be divided.
    """
    weight = np.zeros((len(parent), shares.shape[1]))
    served = caches >= 0
    np.add.at(weight, caches[served], shares[served])
    fits_alone, indices = (weight <= 1.0 + SLACK).all(axis=1), np.arange(len(parent))
    depth = _depth(parent)
    levels = [np.flatnonzero(depth == level) for level in range(int(depth.max(initial=0)) + 1)]
    for nodes in levels[:0:-1]:
        np.add.at(weight, parent[nodes], weight[nodes])
    fitting: Bools = np.asarray((weight <= 1.0 + SLACK).all(axis=1))
    top = np.where(fitting, indices, np.where(fits_alone, indices + len(parent), -2 - indices))
    for nodes in levels[1:]:
        inside = nodes[fitting[parent[nodes]]]
        top[inside] = top[parent[inside]]
    return np.asarray(np.append(top, -1)[caches])


def _depth(parent: Ints) -> Ints:
    depth, above = (parent >= 0).astype(np.int64), parent.copy()
    while len(pending := np.flatnonzero(above >= 0)):
        depth[pending] += depth[above[pending]]
        above[pending] = above[above[pending]]
    return depth


class _ShardPacker:
    """Shards being filled: what is left of each limit."""

    def __init__(self, shares: Floats) -> None:
        self._shares = shares
        self._remaining = np.ones((0, shares.shape[1]))
        self._shard_of = np.full(len(shares), -1)

    def pack(self, unit: Ints) -> Ints:
        """Put every row into a shard: divided groups first, then whole ones, then what has no cache."""
        if not len(unit):
            return self._shard_of
        order = np.argsort(unit, kind="stable")
        names, begins = np.unique(unit[order], return_index=True)
        members = dict(zip(names.tolist(), np.split(order, begins[1:]), strict=True))
        weights = {name: self._shares[rows].sum(axis=0) for name, rows in members.items()}
        heaviest = sorted(members, key=lambda name: -float(weights[name].max()))
        for name in [name for name in heaviest if name < -1]:
            self._append_in_order(members[name], self._first_shard(weights[name]))
        for name in [name for name in heaviest if name >= 0]:
            candidates = np.flatnonzero((self._remaining >= weights[name] - SLACK).all(axis=1))
            self._place(members[name], int(candidates[0]) if len(candidates) else self._add_shard(), weights[name])
        if -1 in members:
            self._append_in_order(members[-1], 0)
        return self._shard_of

    def _first_shard(self, weight: Floats) -> int:
        """Where to begin a group that must be divided: in the last shard, unless that takes one shard more."""
        if not len(self._remaining):
            return 0
        overflow = float((weight - self._remaining[-1]).max())
        return len(self._remaining) - (math.ceil(overflow) + 1 <= math.ceil(float(weight.max())))

    def _append_in_order(self, rows: Ints, shard: int) -> None:
        """Fill shards with rows in order, each to its limits, beginning with this one."""
        cumulative = np.cumsum(self._shares[rows], axis=0)
        begin = 0
        while begin < len(rows):
            if shard == len(self._remaining):
                self._add_shard()
            before = cumulative[begin - 1] if begin else np.zeros(cumulative.shape[1])
            room = before + self._remaining[shard] + SLACK
            end = min(
                int(np.searchsorted(cumulative[:, limit], room[limit], side="right")) for limit in range(len(room))
            )
            if end > begin:
                self._place(rows[begin:end], shard, cumulative[end - 1] - before)
            begin, shard = max(begin, end), shard + 1

    def _place(self, rows: Ints, shard: int, weight: Floats) -> None:
        self._shard_of[rows] = shard
        self._remaining[shard] -= weight

    def _add_shard(self) -> int:
        self._remaining = np.vstack([self._remaining, np.ones(self._remaining.shape[1])])
        return len(self._remaining) - 1
