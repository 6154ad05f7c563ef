"""Unguessable strings that stand for something that must not pass through a browser, each good for a while."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class _Entry(Generic[T]):
    value: T
    expires_at: float


class OneTimeTokens(Generic[T]):
    """Unguessable strings, each standing for a value in this process for a while. Thread-safe."""

    def __init__(self, ttl_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._entries: dict[str, _Entry[T]] = {}
        self._lock = threading.Lock()

    def issue(self, value: T) -> str:
        """Hold `value`; forget those whose time is over, so that the number held stays bounded."""
        token = secrets.token_urlsafe(24)
        now = self._clock()
        with self._lock:
            self._entries = {key: entry for key, entry in self._entries.items() if entry.expires_at > now}
            self._entries[token] = _Entry(value, now + self._ttl_seconds)
        return token

    def redeem(self, token: str) -> T | None:
        """Take the value out; a second time there is nothing."""
        with self._lock:
            entry = self._entries.pop(token, None)
        return entry.value if entry and entry.expires_at > self._clock() else None

    def withdraw(self, is_meant: Callable[[T], bool]) -> None:
        """Forget all tokens whose value is meant."""
        with self._lock:
            self._entries = {key: entry for key, entry in self._entries.items() if not is_meant(entry.value)}

    def peek(self, token: str) -> T | None:
        """Read the value and leave it in place."""
        with self._lock:
            entry = self._entries.get(token)
        return entry.value if entry and entry.expires_at > self._clock() else None
