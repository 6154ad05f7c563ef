"""Which API keys this process holds, and only in memory; everything else knows a key by its fingerprint."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from lifecycle.core.models import Account

if TYPE_CHECKING:
    from gemini.client import GeminiClient


class Keyring:
    """Keys of this process by owner (a keyed fingerprint). Thread-safe. No method returns an API key."""

    def __init__(
        self, salt: bytes, connect: Callable[[str, bool], GeminiClient], rehearsal_url: Callable[[], str] = lambda: ""
    ) -> None:
        self._salt = salt
        self._connect = connect
        self._rehearsal_url = rehearsal_url
        self._lock = threading.Lock()
        self._keys: dict[str, tuple[str, bool]] = {}
        self._clients: dict[str, GeminiClient] = {}

    def fingerprint(self, key: str, rehearsal: bool) -> str:
        """The fingerprint under which a key's runs are stored; it cannot be turned back into the key."""
        kind = b"rehearsal:" if rehearsal else b"key:"
        return hmac.new(self._salt, kind + key.encode(), hashlib.sha256).hexdigest()[:32]

    def add(self, key: str, rehearsal: bool, destination: str = "") -> Account:
        """Keep a key while this process lives, or until it is dropped."""
        owner_id = self.fingerprint(key, rehearsal)
        with self._lock:
            self._keys[owner_id] = (key, rehearsal)
        label = "rehearsal" if rehearsal else f"key ending in {key[-4:]}"
        return Account(owner_id=owner_id, rehearsal=rehearsal, label=label, destination=destination)

    def identity(self, owner_id: str) -> str:
        """What a run's row may keep of its owner: a rehearsal's own name, so that it goes on by itself; never a key."""
        with self._lock:
            name, rehearsal = self._keys.get(owner_id, ("", False))
        return name if rehearsal else ""

    def remove(self, owner_id: str) -> None:
        with self._lock:
            self._keys.pop(owner_id, None)
            self._clients.pop(owner_id, None)

    def has_key(self, owner_id: str) -> bool:
        with self._lock:
            return owner_id in self._keys

    def owners(self) -> list[str]:
        with self._lock:
            return list(self._keys)

    def client(self, owner_id: str) -> GeminiClient | None:
        """The client of an owner, made once; None if this process does not hold the key.

        A rehearsal's is made anew when the rehearsal server has moved. Raises ApiError if that does not start.
        """
        with self._lock:
            key_entry, existing = self._keys.get(owner_id), self._clients.get(owner_id)
        if key_entry is None or (existing is not None and not self._has_moved(existing, rehearsal=key_entry[1])):
            return existing
        created = self._connect(*key_entry)
        with self._lock:
            if self._clients.get(owner_id) is existing:  # else another thread was faster
                self._clients[owner_id] = created
            return self._clients[owner_id]

    def _has_moved(self, client: GeminiClient, *, rehearsal: bool) -> bool:
        return rehearsal and client.base_url != self._rehearsal_url()

    def active_owners(self) -> list[str]:
        """Owners of API keys, and rehearsals whose server runs: asking for another one would start it."""
        with self._lock:
            return [
                owner_id
                for owner_id, (_, rehearsal) in self._keys.items()
                if not rehearsal or owner_id in self._clients
            ]
