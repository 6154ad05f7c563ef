"""The price of the whole run at each level of detail."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from batch.media.facts import MediaFacts
from batch.media.tokens import Weighing
from tests.ui.fakes import TARIFFS
from tests.ui.pile.piles import LOST, PAGE, PICTURE
from ui.pile import detail
from ui.pricing.forecasts import DisplayedForecast


def displayed(weighing: Weighing, usd: float | None = 1.0, *, priced: bool = True, dedupe: bool = False) -> Any:
    forecast = SimpleNamespace(
        estimate=SimpleNamespace(usd=SimpleNamespace(expected=usd)),
        plan=SimpleNamespace(tariff=TARIFFS["gemini-3-flash"], options=SimpleNamespace(dedupe=dedupe)),
        weighing=weighing,
    )
    return cast(DisplayedForecast, SimpleNamespace(forecast=forecast, priced=priced))


def test_only_the_tokens_of_files_change_with_the_level() -> None:
    prices = detail.prices_by_level([PAGE, PICTURE, LOST], displayed(Weighing("3", "low")))
    tokens = {"": 3 * 560 + 1120, "low": 4 * 280, "medium": 4 * 560, "high": 4 * 1120}
    assert prices == pytest.approx({level: 1.0 + (n - 1120) * 2.0 / 1e6 for level, n in tokens.items()})


def test_a_copy_that_is_sent_once_is_priced_once() -> None:
    pile = [PICTURE, replace(PICTURE, name="c.png", copy_of="b.png")]
    (twice, once) = (
        detail.prices_by_level(pile, displayed(Weighing("3"), dedupe=flag))["low"] for flag in (False, True)
    )
    assert 1.0 - once == pytest.approx((1.0 - twice) / 2)


@pytest.mark.parametrize("unknown", [displayed(Weighing("3"), None), displayed(Weighing("3"), priced=False)])
def test_what_is_not_known_is_no_price(unknown: DisplayedForecast) -> None:
    assert detail.prices_by_level([PICTURE], unknown) == {}


def test_tokens_are_told_by_family() -> None:
    page, picture = MediaFacts("application/pdf", pages=1), MediaFacts("image/png", width=300, height=300)
    assert detail.describe_tokens(page, "page", "3") == (
        "A page has 560 tokens as usual, 280 at low, 560 at medium, 1,120 at high."
    )
    assert "258 tokens as usual, 64 at low" in detail.describe_tokens(picture, "picture", "2.5")
