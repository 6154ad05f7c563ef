"""Tokens and money of rows and prefixes under one tariff."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from batch.model import Tariff
from batch.planning.cost_model import MILLION, CostModel, PlanOptions, build_cost_model, token_rates
from batch.prefixes.forest import find_prefixes
from tests.planner_reference import Json, lines, tokens_of_part

TARIFF = Tariff(0.3, 0.15, 2.5, 1.25, 0.03, None, 1.0, explicit_minimum=100)
LONG = replace(TARIFF, long_context_threshold=1_000, long=replace(TARIFF, input_batch=0.3, cached=0.06))


def model_of(sizes: list[int], tariff: Tariff = TARIFF, **options: object) -> CostModel:
    """One shared text of 500 tokens, and a question of each size behind it."""
    requests: list[Json] = [
        {"contents": [{"role": "user", "parts": [{"text": "x" * 498}, {"text": chr(97 + n) * (size - 2)}]}]}
        for n, size in enumerate(sizes)
    ]
    data = lines(requests)
    survey = find_prefixes(lambda: data, "part", tokens_of_part, min_tokens=0.0)
    return build_cost_model(survey, tariff, PlanOptions(**options))  # type: ignore[arg-type]  # fields of the tests


def test_a_shared_prefix_has_its_tokens_its_requests_and_what_they_would_save() -> None:
    model = model_of([10, 20, 30])
    (node,) = np.flatnonzero(model.cacheable)
    assert model.length[node] == 500
    assert model.requests[node] == 3
    assert model.weight[node] == pytest.approx(3 * (0.15 - 0.03) / MILLION)
    assert model.prompt_tokens.tolist() == [510, 520, 530]
    assert model.uncached_usd == pytest.approx(1_560 * 0.15 / MILLION)


def test_a_cache_costs_one_pass_its_storage_and_a_fixed_sum() -> None:
    model = model_of([10, 20], cache_fixed_usd=0.01)
    (node,) = np.flatnonzero(model.cacheable)
    assert model.fixed_usd(2.0)[node] == pytest.approx(500 * (0.3 + 2.0 * 1.0) / MILLION + 0.01)


def test_what_is_smaller_than_the_minimum_or_has_one_request_is_no_cache() -> None:
    assert not model_of([10, 20], replace(TARIFF, explicit_minimum=501)).cacheable.any()
    assert not model_of([10]).cacheable.any()
    assert not model_of([10, 20], replace(TARIFF, explicit_minimum=None)).cacheable.any()


def test_a_prompt_over_the_threshold_is_priced_wholly_at_the_long_rates() -> None:
    rates = token_rates(np.array([1_000.0, 1_001.0]), LONG)
    assert rates.batch.tolist() == pytest.approx([0.15 / MILLION, 0.3 / MILLION])
    assert rates.storage.tolist() == pytest.approx([1.0 / MILLION] * 2)
    assert rates.saving_per_token.tolist() == pytest.approx([0.12 / MILLION, 0.24 / MILLION])


def test_unknown_prices_save_nothing_and_make_sums_unknown() -> None:
    unknown = replace(TARIFF, input_batch=None, cached=None)
    assert token_rates(np.array([5.0]), unknown).saving_per_token.tolist() == [0.0]
    assert math.isnan(model_of([10, 20], unknown).uncached_usd)


def test_uncounted_tokens_are_multiplied_and_counted_ones_are_not() -> None:
    plain, doubled = model_of([10, 20]), model_of([10, 20], token_factor=2.0)
    assert doubled.prompt_tokens.tolist() == [2 * tokens for tokens in plain.prompt_tokens.tolist()]
