"""Sharding: every row once, every limit kept, groups together."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from batch.planning.sharding import ShardLimits, ShardPlan, divide_rows

Rows = NDArray[np.int64]


def of_tokens(groups: dict[int, list[float]], limit: float, parent: list[int] | None = None) -> tuple[ShardPlan, Rows]:
    """Rows with these tokens, cache by cache (-1: none), under a limit of tokens alone."""
    cache = np.array([group for group, sizes in groups.items() for _ in sizes], dtype=np.int64)
    tokens = np.array([size for sizes in groups.values() for size in sizes])
    most = max([*groups, -1]) + 1
    found = divide_rows(
        np.arange(len(tokens)),
        ShardLimits(tokens=limit),
        file_bytes=np.ones(len(tokens)),
        tokens=tokens,
        cache_of_row=cache,
        parent_of_cache=parent or [-1] * most,
    )
    return found, cache


def spans(found: ShardPlan, cache: Rows) -> dict[int, int]:
    """In how many shards each cache is needed."""
    needed = [set(cache[rows].tolist()) for rows in found.shards]
    return {group: sum(group in shard for shard in needed) for group in set(cache.tolist()) if group >= 0}


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**9))
def test_shards_together_are_the_rows_and_each_keeps_every_limit(seed: int) -> None:
    """Rows keep their order within a shard, no shard is empty, what fits in no shard is named."""
    random = np.random.default_rng(seed)
    count, caches = int(random.integers(0, 150)), int(random.integers(0, 12))
    parent = np.array([random.integers(-1, n) if random.random() < 0.5 else -1 for n in range(caches)], dtype=np.int64)
    cache = random.integers(-1, caches, count) if caches else np.full(count, -1)
    weights = {name: random.integers(1, 60, count).astype(float) for name in ("file_bytes", "tokens", "output_bytes")}
    pick = [None, 50.0, 300.0]
    limits = ShardLimits(*(pick[int(random.integers(3))] for _ in range(4)))
    rows = random.permutation(count)
    found = divide_rows(rows, limits, **weights, cache_of_row=cache, parent_of_cache=parent)
    together = [row for shard in found.shards for row in shard.tolist()] + found.oversize
    assert sorted(together) == list(range(count))
    place = np.argsort(rows)
    for shard in found.shards:
        assert len(shard) and (np.diff(place[shard]) > 0).all()
        assert len(shard) <= (limits.rows or math.inf)
        for name, weight in weights.items():
            assert weight[shard].sum() <= (getattr(limits, name) or math.inf)
    for row in found.oversize:
        assert any(weight[row] > (getattr(limits, name) or math.inf) for name, weight in weights.items())
    inside = np.isin(np.arange(count), found.oversize, invert=True)
    for group in range(caches):
        mine = np.flatnonzero((cache == group) & inside)
        fits = len(mine) <= (limits.rows or math.inf)
        fits &= all(weight[mine].sum() <= (getattr(limits, name) or math.inf) for name, weight in weights.items())
        if fits and len(mine):
            assert sum(bool(set(shard.tolist()) & set(mine.tolist())) for shard in found.shards) == 1


def test_groups_fill_as_few_waves_as_they_can_without_being_divided() -> None:
    """200 documents × 20 questions under 3 M tokens: the fewest waves, each cache in one of them."""
    random = np.random.default_rng(1)
    groups = {g: (random.uniform(0.5, 1.5, 20) * 8_700).tolist() for g in range(200)}
    found, cache = of_tokens(groups, 3_000_000.0)
    total = sum(map(sum, groups.values()))
    assert len(found.shards) <= math.ceil(total / 3_000_000) + 1
    assert set(spans(found, cache).values()) == {1}


def test_a_group_too_large_fills_shards_one_after_the_other() -> None:
    found, cache = of_tokens({0: [10.0] * 100, 1: [10.0] * 3, -1: [1.0] * 20}, 300.0)
    assert spans(found, cache) == {0: 4, 1: 1}
    assert len(found.shards) == 4


def test_many_groups_a_little_too_large_do_not_waste_a_shard_each() -> None:
    """Ten groups of 1.1 shards: each spans two, and there are no twenty shards."""
    found, cache = of_tokens({g: [1.0] * 110 for g in range(10)}, 100.0)
    assert len(found.shards) <= 12
    assert set(spans(found, cache).values()) == {2}


def test_nested_groups_stay_together_as_far_up_as_they_fit() -> None:
    """Under a parent that is too large, each child is whole, and so are the parent's own rows."""
    groups = {0: [10.0] * 5, 1: [10.0] * 6, 2: [10.0] * 6, 3: [10.0] * 6}
    found, cache = of_tokens(groups, 120.0, [-1, 0, 0, 2])
    assert set(spans(found, cache).values()) == {1}
    shard = {g: next(n for n, rows in enumerate(found.shards) if g in cache[rows]) for g in groups}
    assert shard[2] == shard[3]
    assert len(found.shards) == 2
    assert len(of_tokens(groups, 240.0, [-1, 0, 0, 2])[0].shards) == 1


def test_rows_without_a_cache_fill_the_gaps_in_order() -> None:
    found, _ = of_tokens({0: [60.0], 1: [60.0], -1: [20.0] * 5}, 100.0)
    assert [sorted(shard.tolist()) for shard in found.shards] == [[0, 2, 3], [1, 4, 5], [6]]


@pytest.mark.parametrize(("size", "shards", "oversize"), [(99.0, 1, 0), (100.0, 1, 0), (100.5, 0, 1)])
def test_a_row_at_the_limit_fits_and_one_above_is_named(size: float, shards: int, oversize: int) -> None:
    found, _ = of_tokens({-1: [size]}, 100.0)
    assert (len(found.shards), len(found.oversize)) == (shards, oversize)


def test_without_limits_there_is_one_shard_and_without_rows_none() -> None:
    everything = divide_rows(np.arange(5), ShardLimits(), file_bytes=np.ones(5), tokens=np.ones(5))
    assert [rows.tolist() for rows in everything.shards] == [[0, 1, 2, 3, 4]]
    nothing = divide_rows(np.arange(0), ShardLimits(tokens=5.0), file_bytes=np.ones(0), tokens=np.ones(0))
    assert nothing == ShardPlan([], [])


def test_fractions_that_add_up_to_a_limit_fit_it() -> None:
    """Ten rows of a tenth are one shard, whatever rounding says."""
    found, _ = of_tokens({0: [0.1] * 10}, 1.0)
    assert len(found.shards) == 1
    found, _ = of_tokens({-1: [0.1] * 30}, 1.0)
    assert len(found.shards) == 3
