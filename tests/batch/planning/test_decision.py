"""Which prefixes are cached, which row uses which cache, and what that costs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from batch.model import ContextMode
from batch.planning.cost_model import CostModel
from batch.planning.decision import CachingChoice, Decision, choose_caches, implicit_saving, plan_cost
from tests.batch.planning.test_cost_model import TARIFF, model_of

MANY, FEW = [10] * 40, [10, 20]


def decide(
    model: CostModel, mode: ContextMode = ContextMode.AUTO, choices: dict[int, CachingChoice] | None = None
) -> Decision:
    return choose_caches(model, mode, choices or {}, hours=1.0)


def node_of(model: CostModel) -> int:
    (node,) = np.flatnonzero(model.cacheable)
    return int(node)


def test_a_cache_is_chosen_where_it_pays_and_costs_what_is_said() -> None:
    model = model_of(MANY)
    decision = decide(model)
    assert decision.cached[node_of(model)]
    assert (decision.used == node_of(model)).all()
    saved = 40 * 500 * (0.15 - 0.03) / 1e6
    assert plan_cost(model, decision) == pytest.approx(model.uncached_usd - saved + 500 * 1.3 / 1e6)


def test_two_requests_do_not_pay_for_a_cache() -> None:
    decision = decide(model_of(FEW))
    assert not decision.cached.any()
    assert (decision.used == -1).all()


@pytest.mark.parametrize("mode", [ContextMode.NONE, ContextMode.IMPLICIT])
def test_modes_without_explicit_caches_have_none(mode: ContextMode) -> None:
    assert not decide(model_of(MANY), mode).cached.any()


def test_explicit_mode_caches_what_loses_least_if_nothing_pays() -> None:
    model = model_of(FEW)
    assert decide(model, ContextMode.EXPLICIT).cached[node_of(model)]


def test_a_users_choice_wins() -> None:
    few, many = model_of(FEW), model_of(MANY)
    assert decide(few, choices={node_of(few): CachingChoice.EXPLICIT}).cached[node_of(few)]
    assert not decide(many, choices={node_of(many): CachingChoice.NONE}).cached.any()


def test_no_implicit_saving_is_counted_on_where_the_user_wants_none() -> None:
    model = model_of(MANY, replace(TARIFF, implicit_minimum=100), implicit_rate=0.5)
    assert implicit_saving(model, ContextMode.IMPLICIT, {}).sum() > 0
    assert implicit_saving(model, ContextMode.NONE, {}).sum() == 0
    assert implicit_saving(model, ContextMode.IMPLICIT, {node_of(model): CachingChoice.NONE}).sum() == 0
