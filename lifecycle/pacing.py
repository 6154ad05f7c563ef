"""When to look again: polling, back-off and warnings, decided in one place. Pure."""

from __future__ import annotations

from collections.abc import Callable

FIRST_POLL_SECONDS = 1.0
SLOWEST_POLL_SECONDS = 300.0
BACK_OFF_SECONDS = 2.0
SLOWEST_BACK_OFF_SECONDS = 600.0
EXPIRY_HOURS = 48.0  # a job pending or running longer expires (Batch API guide)
WARN_AT_HOURS = (12.0, 24.0, 36.0)


def poll_delay(age_seconds: float) -> float:
    """Seconds until a job of this age is worth another look: quick at first, five minutes after two hours or so."""
    return min(SLOWEST_POLL_SECONDS, max(FIRST_POLL_SECONDS, age_seconds / 24))


def back_off(failures: int, retry_after: float | None, chance: Callable[[], float]) -> float:
    """Seconds to wait after the n-th failure in a row: doubling, jittered, never sooner than the service asked.

    `chance` returns a number in [0, 1).
    """
    doubled = min(SLOWEST_BACK_OFF_SECONDS, BACK_OFF_SECONDS * 2.0 ** min(max(failures, 1) - 1, 20))
    return max(retry_after or 0.0, doubled * (0.5 + chance() / 2))


def age_warning(age_hours: float) -> str:
    """What to tell about a job that has been under way so long; "" while there is nothing to tell."""
    passed = [hours for hours in WARN_AT_HOURS if age_hours >= hours]
    if not passed:
        return ""
    left = max(0.0, EXPIRY_HOURS - age_hours)
    return (
        f"Under way for {age_hours:.0f} hours. Google ends jobs after 48 hours without results; "
        f"{left:.0f} hours are left. You can keep waiting, cancel it, or cancel it and submit the rows again."
    )
