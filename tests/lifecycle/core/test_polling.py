"""When to look again."""

from __future__ import annotations

from lifecycle.core.polling import backoff_delay, poll_delay


def test_polling_is_quick_at_first_and_slow_for_old_jobs() -> None:
    assert poll_delay(0) == 1
    assert poll_delay(60) < 3
    assert poll_delay(48 * 3600) == 300
    assert sorted(map(poll_delay, range(0, 10_000, 100))) == list(map(poll_delay, range(0, 10_000, 100)))


def test_back_off_doubles_is_jittered_and_never_sooner_than_asked() -> None:
    assert backoff_delay(1, None, lambda: 0.0) == 1
    assert backoff_delay(3, None, lambda: 0.0) == 4
    assert backoff_delay(3, None, lambda: 1.0) == 8
    assert backoff_delay(1, 38.2, lambda: 0.0) == 38.2
    assert backoff_delay(500, None, lambda: 1.0) == 600
