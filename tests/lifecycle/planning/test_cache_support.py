"""What the service's replies teach about explicit caches of a model and a key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from batch.model import Tariff
from batch.responses.service_errors import ErrorExplanation, classify_error
from lifecycle.planning import cache_support
from lifecycle.storage.store import Store

TARIFF = Tariff(0.3, 0.15, 2.5, 1.25, 0.03, None, 1.0, explicit_minimum=1024)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(f"sqlite:///{tmp_path / 'runs.db'}")
    yield made
    made.close()


def refusal(text: str) -> ErrorExplanation:
    explanation = classify_error(text)
    assert explanation is not None
    return explanation


FREE_TIER = "TotalCachedContentStorageTokensPerModelFreeTier limit exceeded for model: limit=0, requested=5000"
TOO_SMALL = "Cached content is too small. total_token_count=900, min_total_token_count=2048"


def test_a_refusal_counts_until_a_cache_is_accepted(store: Store) -> None:
    assert cache_support.effective_tariff(store, "a", "m", TARIFF, force=False) == TARIFF
    cache_support.record_refused(store, "a", "m", refusal(FREE_TIER))
    assert cache_support.effective_tariff(store, "a", "m", TARIFF, force=False) == replace(
        TARIFF, explicit_minimum=None
    )
    assert cache_support.effective_tariff(store, "a", "m", TARIFF, force=True) == TARIFF
    assert cache_support.effective_tariff(store, "b", "m", TARIFF, force=False) == TARIFF
    assert "so none is planned" in cache_support.warning(store, "a", "m", force=False)
    assert "they are tried again" in cache_support.warning(store, "a", "m", force=True)
    cache_support.record_accepted(store, "a", "m")
    assert cache_support.refused_at(store, "a", "m") is None
    assert cache_support.warning(store, "a", "m", force=False) == ""


def test_a_minimum_that_a_refusal_named_is_planned_with(store: Store) -> None:
    cache_support.record_refused(store, "a", "m", refusal(TOO_SMALL))
    tariff = cache_support.effective_tariff(store, "a", "m", TARIFF, force=False)
    assert tariff is not None
    assert tariff.explicit_minimum == 2048
    assert cache_support.refused_at(store, "a", "m") is None


@pytest.mark.parametrize("text", ["The model is overloaded.", "API key not valid."])
def test_other_refusals_teach_nothing_about_caches(store: Store, text: str) -> None:
    cache_support.record_refused(store, "a", "m", refusal(text))
    cache_support.record_refused(store, "a", "m", None)
    assert cache_support.effective_tariff(store, "a", "m", TARIFF, force=False) == TARIFF


def test_rows_that_could_not_use_their_cache_are_as_good_as_a_refusal(store: Store) -> None:
    cache_support.record_unused(store, "a", "m")
    assert cache_support.refused_at(store, "a", "m") is not None


def test_unknown_prices_stay_unknown(store: Store) -> None:
    assert cache_support.effective_tariff(store, "a", "m", None, force=False) is None
