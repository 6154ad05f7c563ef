"""When to look again."""

from __future__ import annotations

import pytest

from lifecycle.pacing import age_warning, back_off, poll_delay


def test_polling_is_quick_at_first_and_slow_for_old_jobs() -> None:
    assert poll_delay(0) == 1
    assert poll_delay(60) < 3
    assert poll_delay(48 * 3600) == 300
    assert sorted(map(poll_delay, range(0, 10_000, 100))) == list(map(poll_delay, range(0, 10_000, 100)))


def test_back_off_doubles_is_jittered_and_never_sooner_than_asked() -> None:
    assert back_off(1, None, lambda: 0.0) == 1
    assert back_off(3, None, lambda: 0.0) == 4
    assert back_off(3, None, lambda: 1.0) == 8
    assert back_off(1, 38.2, lambda: 0.0) == 38.2
    assert back_off(500, None, lambda: 1.0) == 600


@pytest.mark.parametrize(("hours", "left"), [(11.9, None), (12, "36"), (24, "24"), (36, "12"), (47, "1")])
def test_old_jobs_are_warned_about_with_the_time_left(hours: float, left: str | None) -> None:
    warning = age_warning(hours)
    assert (f"{left} hours are left" in warning) if left else warning == ""
