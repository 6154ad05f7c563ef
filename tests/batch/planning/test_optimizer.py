"""The solver alone: against every set of caches, against an integer programme, on deep and wide trees."""

from __future__ import annotations

import time
from dataclasses import replace
from random import Random

import highspy
import numpy as np
import pytest
from numpy.typing import NDArray

from batch.planning.optimizer import CacheCandidates, optimal_caches


def random_tree(random: Random, most: int) -> CacheCandidates:
    """A small tree with prices at which some caches pay: floors, fixed sums, a step in price, free lengths."""
    count = random.randint(1, most)
    path: list[int] = []
    parents, lengths = [], []
    for node in range(count):
        del path[random.randint(0, len(path)) :]
        parents.append(path[-1] if path else -1)
        step = random.choice([0.0, 1.0, 5.0, 20.0, 100.0, random.random() * 100])
        lengths.append(step + (lengths[path[-1]] if path else 1.0))
        path.append(node)
    own_at, floors, weights = [0], [], []
    rate = random.choice([0.0, 0.0, 0.3, 0.8])
    for node in range(count):
        for _ in range(random.randint(0, 3)):
            floors.append(rate * random.random() * lengths[node] * random.choice([1.0, 1.5]))
            weights.append(random.choice([0.0, 1.0, random.random() * 10]))
        own_at.append(len(floors))
    price, extra = random.choice([0.5, 2.0, 5.0]), random.choice([0.0, 0.0, 10.0, 100.0])
    step = random.choice([1e9, 50.0])
    return CacheCandidates(
        parent=np.array(parents),
        length=np.array(lengths),
        fixed=np.array([price * length * (2 if length > step else 1) + extra for length in lengths]),
        own_at=np.array(own_at),
        own_floor=np.array(floors),
        own_weight=np.array(weights),
        forced=frozenset([random.randrange(count)] if random.random() < 0.15 else []),
        cover_all=random.random() < 0.25,
    )


def ancestors(tree: CacheCandidates, node: int) -> list[int]:
    found = []
    while node >= 0:
        found.append(node)
        node = int(tree.parent[node])
    return found


def cost(tree: CacheCandidates, cached: NDArray[np.bool_]) -> float:
    """Fixed prices less savings, from the definition; infinite if a request is not covered that must be."""
    total = float(tree.fixed[cached].sum())
    for node in range(len(tree.parent)):
        deepest = next((v for v in ancestors(tree, node) if cached[v]), -1)
        for row in range(tree.own_at[node], tree.own_at[node + 1]):
            if tree.cover_all and deepest < 0:
                return np.inf
            reach = tree.length[deepest] if deepest >= 0 else 0.0
            total -= tree.own_weight[row] * max(reach, tree.own_floor[row])
    return total


def brute_force(tree: CacheCandidates) -> float:
    count = len(tree.parent)
    sets = (np.array([bool(mask >> n & 1) for n in range(count)]) for mask in range(1 << count))
    return min(cost(tree, cached) for cached in sets if all(cached[n] for n in tree.forced))


@pytest.mark.parametrize("block", range(10))
def test_no_set_of_caches_costs_less(block: int) -> None:
    """On small trees every set is tried."""
    for seed in range(block * 150, block * 150 + 150):
        tree = random_tree(Random(seed), 8)
        found, least = cost(tree, optimal_caches(tree)), brute_force(tree)
        assert found == pytest.approx(least, rel=1e-9, abs=1e-12), seed


@pytest.mark.parametrize("seed", range(12))
def test_an_integer_programme_finds_nothing_cheaper(seed: int) -> None:
    """On trees of some hundred prefixes, HiGHS agrees."""
    tree = replace(random_tree(Random(seed), 150), cover_all=False, forced=frozenset())
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("mip_rel_gap", 0.0)
    bought = [solver.addBinary(obj=float(price)) for price in tree.fixed]
    base = 0.0
    for node in range(len(tree.parent)):
        for row in range(tree.own_at[node], tree.own_at[node + 1]):
            weight, floor = float(tree.own_weight[row]), float(tree.own_floor[row])
            base -= weight * floor
            uses = []
            for v in ancestors(tree, node):
                if tree.length[v] > floor and weight > 0:
                    use = solver.addVariable(0.0, 1.0, obj=-weight * (float(tree.length[v]) - floor))
                    solver.addConstr(use <= bought[v])
                    uses.append(use)
            if uses:
                solver.addConstr(sum(uses[1:], uses[0]) <= 1)
    solver.minimize()
    assert cost(tree, optimal_caches(tree)) == pytest.approx(base + solver.getObjectiveValue(), rel=1e-7, abs=1e-6)


def test_a_chain_as_deep_as_a_long_history_is_no_trouble() -> None:
    """Depth 2,000 and depth 100,000: no recursion, no cost that grows with the square of the depth."""
    for depth in (2_000, 100_000):
        random = np.random.default_rng(depth)
        length = 1_000 + np.cumsum(random.random(depth) * 100)
        tree = CacheCandidates(
            parent=np.arange(depth) - 1,
            length=length,
            fixed=length * 8.0,
            own_at=np.arange(depth + 1),
            own_floor=np.zeros(depth),
            own_weight=random.random(depth) * 5,
        )
        began = time.process_time()
        cached = optimal_caches(tree)
        assert cached.any()
        assert time.process_time() - began < 5.0


def test_a_wide_tree_is_solved_as_its_leaves_one_by_one() -> None:
    """Groups that share nothing are decided each for itself."""
    count = 50_000
    random = np.random.default_rng(1)
    length, weight = 1_000 + random.random(count) * 1_000, random.random(count) * 20
    tree = CacheCandidates(
        parent=np.full(count, -1),
        length=length,
        fixed=length * 8.0 + 100.0,
        own_at=np.arange(count + 1),
        own_floor=np.zeros(count),
        own_weight=weight,
    )
    assert (optimal_caches(tree) == (weight * length > length * 8.0 + 100.0)).all()


def test_where_taking_the_best_gain_first_fails() -> None:
    """The parent gains most alone, but both children together gain more, and then the parent no longer pays."""
    tree = CacheCandidates(
        parent=np.array([-1, 0, 0]),
        length=np.array([100.0, 195.0, 195.0]),
        fixed=np.array([300.0, 585.0, 585.0]),
        own_at=np.array([0, 0, 1, 2]),
        own_floor=np.zeros(2),
        own_weight=np.array([6.0, 6.0]),
    )
    alone = [cost(tree, np.eye(3, dtype=bool)[n]) for n in range(3)]
    assert alone.index(min(alone)) == 0
    assert optimal_caches(tree).tolist() == [False, True, True]


def test_on_a_tie_there_are_fewer_caches() -> None:
    """A cache that only breaks even is not made."""
    tree = CacheCandidates(
        parent=np.array([-1]),
        length=np.array([10.0]),
        fixed=np.array([20.0]),
        own_at=np.array([0, 1]),
        own_floor=np.zeros(1),
        own_weight=np.array([2.0]),
    )
    assert not optimal_caches(tree).any()


def test_without_candidates_nothing_is_cached() -> None:
    nothing = np.zeros(0)
    tree = CacheCandidates(np.zeros(0, np.int64), nothing, nothing, np.zeros(1, np.int64), nothing, nothing)
    assert not len(optimal_caches(tree))
