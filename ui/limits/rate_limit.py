"""How often something may be done by one visitor: a bucket for each that empties by use and fills with time."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

MAX_VISITORS = 10_000  # remembered at once; then those who have everything free again are let go of


class TooOften(Exception):
    """Not now. `seconds` says when."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many tries from here. Wait {seconds} s, and try again.")
        self.seconds = seconds


@dataclass
class RateLimit:
    """`burst` times at once, and then once each `seconds`. Thread-safe."""

    burst: int
    seconds: float
    clock: Callable[[], float] = time.monotonic
    _full_at: dict[str, float] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def spend(self, visitor: str) -> None:
        """Count one use. Raises TooOften, and counts nothing, if there were too many."""
        with self._lock:
            now = self.clock()
            full_at = max(self._full_at.get(visitor, now), now) + self.seconds
            wait = full_at - now - self.burst * self.seconds
            if wait > 1e-6:
                raise TooOften(math.ceil(wait))
            if len(self._full_at) >= MAX_VISITORS:
                self._full_at = {name: at for name, at in self._full_at.items() if at > now}
            self._full_at[visitor] = full_at


@dataclass(frozen=True)
class Limits:
    """What visitors are limited in: tries of keys and new rehearsals by address, files by owner."""

    connecting: RateLimit = field(default_factory=lambda: RateLimit(burst=30, seconds=2))
    rehearsing: RateLimit = field(default_factory=lambda: RateLimit(burst=60, seconds=30))
    uploading: RateLimit = field(default_factory=lambda: RateLimit(burst=25_000, seconds=0.02))
