"""The price of the whole run stands beside each level of detail, where it is known."""

from __future__ import annotations

import pytest

from lifecycle.planning.media_levels import MediaLevels
from ui.pricing import media_detail

LEVELS = MediaLevels("", {"PDF": 3}, 3, 0, {"": 1680, "low": 840}, {"": 0.54, "low": None})


def test_a_price_that_is_not_known_is_left_out() -> None:
    assert media_detail.label("", LEVELS).replace("\\", "") == "As usual $0.54"
    assert media_detail.label("low", LEVELS) == "Low"


@pytest.mark.parametrize(
    ("kind", "family", "told"),
    [
        ("PDF", "3", "A page has 560 tokens as usual, 280 at low, 560 at medium, 1,120 at high."),
        ("picture", "2.5", "A picture has 1,548 tokens as usual, 64 at low, 256 at medium, 1,548 at high."),
        ("video", "3", "A second of film has 95 tokens as usual, 95 at low, 95 at medium, 305 at high."),
    ],
)
def test_tokens_are_told_by_kind_and_family(kind: str, family: str, told: str) -> None:
    assert media_detail.describe_tokens(kind, family) == told
