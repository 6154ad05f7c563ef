"""A few at once, then one at a time, for each visitor alone."""

from __future__ import annotations

import pytest

from ui.limits import rate_limit
from ui.limits.rate_limit import Limits, RateLimit, TooOften


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_burst_is_taken_and_then_one_at_a_time(clock: Clock) -> None:
    limit = RateLimit(burst=3, seconds=10, clock=clock)
    for _ in range(3):
        limit.spend("a")
    with pytest.raises(TooOften, match="Wait 10 s") as caught:
        limit.spend("a")
    assert caught.value.seconds == 10
    limit.spend("b")
    clock.now += 10
    limit.spend("a")
    with pytest.raises(TooOften):
        limit.spend("a")
    clock.now += 1000
    for _ in range(3):
        limit.spend("a")


def test_what_is_refused_does_not_count(clock: Clock) -> None:
    """Who tries again and again is let in when the time has come."""
    limit = RateLimit(burst=1, seconds=10, clock=clock)
    limit.spend("a")
    for _ in range(50):
        with pytest.raises(TooOften):
            limit.spend("a")
    clock.now += 10
    limit.spend("a")


def test_strangers_do_not_fill_the_memory(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "MAX_VISITORS", 100)
    limit = RateLimit(burst=1, seconds=1, clock=clock)
    for number in range(1000):
        limit.spend(str(number))
        clock.now += 0.1
    assert len(limit._full_at) <= 101


def test_a_folder_as_large_as_a_page_takes_is_within_the_limits() -> None:
    limits = Limits()
    for _ in range(20_000):
        limits.uploading.spend("owner")
