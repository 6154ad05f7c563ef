"""Numbers as people read them."""

from __future__ import annotations

import pytest

from batch.formatting import money


@pytest.mark.parametrize(
    "usd, words",
    [
        (None, "not known"),
        (0.0, "$0.00"),
        (1234.5, "$1,234.50"),
        (1.0, "$1.00"),
        (0.1, "$0.10"),
        (0.034, "$0.034"),
        (0.00012, "$0.00012"),
        (-0.5, "-$0.50"),
    ],
)
def test_money_shows_two_figures_of_small_sums_and_cents_of_large_ones(usd: float | None, words: str) -> None:
    assert money(usd) == words
