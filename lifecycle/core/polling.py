"""When to look again: polling and back-off, decided in one place. Pure."""

from __future__ import annotations

from collections.abc import Callable

MIN_POLL_SECONDS = 1.0
MAX_POLL_SECONDS = 300.0
BASE_BACKOFF_SECONDS = 2.0
MAX_BACKOFF_SECONDS = 600.0
BASE_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 300.0, 3600.0


def pause_delay(looks: int, retry_after: float | None) -> float:
    """Seconds until an account that cannot pay is tried again: five minutes at first, an hour in the end."""
    return max(retry_after or 0.0, min(MAX_PAUSE_SECONDS, BASE_PAUSE_SECONDS * 2.0 ** min(max(looks, 1) - 1, 10)))


def poll_delay(age_seconds: float) -> float:
    """Seconds until a job of this age is worth another look: quick at first, five minutes after two hours or so."""
    return min(MAX_POLL_SECONDS, max(MIN_POLL_SECONDS, age_seconds / 24))


def backoff_delay(failures: int, retry_after: float | None, rng: Callable[[], float]) -> float:
    """Seconds to wait after the n-th failure in a row: doubling, jittered, never sooner than the service asked.

    `rng` returns a number in [0, 1).
    """
    doubled = min(MAX_BACKOFF_SECONDS, BASE_BACKOFF_SECONDS * 2.0 ** min(max(failures, 1) - 1, 20))
    return max(retry_after or 0.0, doubled * (0.5 + rng() / 2))
