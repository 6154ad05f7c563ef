"""Which API keys this process holds, and only in memory; everything else knows a key by its fingerprint."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from lifecycle.core.models import Account

if TYPE_CHECKING:
    from gemini.client import Gateway


class Keyring:
    """Keys of this process by owner (a keyed fingerprint). Thread-safe. No method returns an API key."""

    def __init__(
        self, salt: bytes, connect: Callable[[str, bool], Gateway], rehearsal_url: Callable[[], str] = lambda: ""
    ) -> None:
        self._salt = salt
        self._connect = connect
        self._rehearsal_url = rehearsal_url
        self._lock = threading.Lock()
        self._keys: dict[str, tuple[str, bool]] = {}
        self._gateways: dict[str, Gateway] = {}

    def owner_of(self, key: str, rehearsal: bool) -> str:
        """The fingerprint under which a key's runs are stored; it cannot be turned back into the key."""
        kind = b"rehearsal:" if rehearsal else b"key:"
        return hmac.new(self._salt, kind + key.encode(), hashlib.sha256).hexdigest()[:32]

    def hold(self, key: str, rehearsal: bool, destination: str = "") -> Account:
        """Keep a key while this process lives, or until it is dropped."""
        owner = self.owner_of(key, rehearsal)
        with self._lock:
            self._keys[owner] = (key, rehearsal)
        label = "rehearsal" if rehearsal else f"key ending in {key[-4:]}"
        return Account(owner=owner, rehearsal=rehearsal, label=label, destination=destination)

    def identity(self, owner: str) -> str:
        """What a run's row may keep of its owner: a rehearsal's own name, so that it goes on by itself; never a key."""
        with self._lock:
            name, rehearsal = self._keys.get(owner, ("", False))
        return name if rehearsal else ""

    def drop(self, owner: str) -> None:
        with self._lock:
            self._keys.pop(owner, None)
            self._gateways.pop(owner, None)

    def holds(self, owner: str) -> bool:
        with self._lock:
            return owner in self._keys

    def owners(self) -> list[str]:
        with self._lock:
            return list(self._keys)

    def gateway(self, owner: str) -> Gateway | None:
        """The client of an owner, made once; None if this process does not hold the key.

        A rehearsal's is made anew when the rehearsal server has moved. Raises ApiError if that does not start.
        """
        with self._lock:
            held, ready = self._keys.get(owner), self._gateways.get(owner)
        if held is None or (ready is not None and not self._has_moved(ready, rehearsal=held[1])):
            return ready
        made = self._connect(*held)
        with self._lock:
            if self._gateways.get(owner) is ready:  # else another thread was faster
                self._gateways[owner] = made
            return self._gateways[owner]

    def _has_moved(self, gateway: Gateway, *, rehearsal: bool) -> bool:
        return rehearsal and gateway.base_url != self._rehearsal_url()

    def reachable(self) -> list[str]:
        """Owners of API keys, and rehearsals whose server runs: asking for another one would start it."""
        with self._lock:
            return [owner for owner, (_, rehearsal) in self._keys.items() if not rehearsal or owner in self._gateways]
