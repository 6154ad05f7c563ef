"""The groups of a plan: what each choice would cost, and how long a cache pays."""

from __future__ import annotations

import numpy as np
import pytest

from batch.model import ContextMode
from batch.planning.decision import CachingChoice, choose_caches
from batch.planning.groups import Group, build_groups, drop_dominated, group_id, visible_groups
from tests.batch.planning.test_cost_model import model_of


def groups_of(sizes: list[int], hours: float = 1.0) -> list[Group]:
    model = model_of(sizes)
    decision = choose_caches(model, ContextMode.AUTO, {}, hours)
    none = np.zeros(len(model.forest), dtype=bool)
    return build_groups(model, decision, visible_groups(model, decision.cached), none, none)


def test_a_group_tells_its_price_under_each_choice() -> None:
    (group,) = groups_of([10] * 40)
    assert (group.requests, group.served, group.prefix_tokens) == (40, 40, 500)
    assert group.choice is CachingChoice.EXPLICIT
    assert group.usd.none is not None
    assert group.usd.explicit is not None
    saved = 40 * 500 * (0.15 - 0.03) / 1e6 - 500 * (0.3 + 1.0) / 1e6
    assert group.usd.none - group.usd.explicit == pytest.approx(saved)


def test_a_cache_breaks_even_when_its_storage_has_eaten_the_saving() -> None:
    (group,) = groups_of([10] * 40)
    assert group.break_even_hours is not None
    assert 500 * (0.3 + group.break_even_hours * 1.0) == pytest.approx(40 * 500 * 0.12)
    assert groups_of([10] * 40, hours=group.break_even_hours + 0.1)[0].choice is not CachingChoice.EXPLICIT
    assert groups_of([10] * 40, hours=group.break_even_hours - 0.1)[0].choice is CachingChoice.EXPLICIT


def test_of_prefixes_with_the_same_requests_only_the_longest_is_shown() -> None:
    model = model_of([10] * 40)
    marked = np.ones(len(model.forest), dtype=bool)
    kept = drop_dominated(model, marked)
    assert kept.sum() <= marked.sum()
    assert kept[np.flatnonzero(model.cacheable)].all()


def test_a_groups_name_is_that_of_its_prefix_and_the_same_every_time() -> None:
    model = model_of([10] * 3)
    assert [group_id(model, node) for node in range(len(model.forest))] == [
        group_id(model_of([10] * 3), node) for node in range(len(model.forest))
    ]
