"""Prices and limits as of today, for the user's tier."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from batch.model import Usage
from batch.pricing import catalog
from lifecycle.core.price_list import PriceList

CATALOG = catalog.load()
MODEL = "gemini-2.5-flash"


def test_models_are_found_with_and_without_their_prefix() -> None:
    prices = PriceList(CATALOG, "1")
    assert prices.tariff(MODEL) == prices.tariff(f"models/{MODEL}")
    assert prices.model(MODEL) is prices.model(f"models/{MODEL}")


def test_a_rows_usage_is_priced_and_an_unknown_price_is_not_zero() -> None:
    prices = PriceList(CATALOG, "1")
    tariff = prices.tariff(MODEL)
    assert tariff is not None
    assert tariff.input_batch is not None
    assert prices.price(MODEL)(Usage(prompt=1_000_000)) == pytest.approx(tariff.input_batch)
    assert prices.price("gemini-99-ultra")(Usage(prompt=1_000_000)) is None


def test_the_limit_is_the_tiers_own() -> None:
    entry = CATALOG.model(MODEL)
    assert entry is not None
    tiered = replace(entry, enqueued_tokens={"1": 5, "2": 50})
    limits = replace(CATALOG, models={MODEL: tiered})
    assert PriceList(limits, "2").enqueued_tokens(MODEL) == 50
    assert PriceList(limits, "9").enqueued_tokens(MODEL) is None
    assert PriceList(limits, "1").enqueued_tokens("gemini-99-ultra") is None
