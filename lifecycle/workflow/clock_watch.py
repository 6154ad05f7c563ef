"""Notices that the clock by which runs are due was turned: against one that nobody can turn."""

from __future__ import annotations

import time
from collections.abc import Callable

TURNED_SECONDS = 5.0  # less is a correction, and costs nobody more than that


class ClockWatch:
    """Compares a clock (epoch seconds) with one that only goes forward. A computer that slept looks turned as well."""

    def __init__(self, clock: Callable[[], float], steady: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._steady = clock, steady
        self._difference: float | None = None

    def turned(self) -> bool:
        """Whether the clock was turned since this was last asked; False at first."""
        difference = self._clock() - self._steady()
        before, self._difference = self._difference, difference
        return before is not None and abs(difference - before) > TURNED_SECONDS
