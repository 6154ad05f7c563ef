"""Which API keys this process holds, and only in memory; everything else knows a key by its fingerprint."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lifecycle.core.models import NOBODY, Account, Visitor

if TYPE_CHECKING:
    from gemini.client import GeminiClient


USER_PREFIX = "user:"  # of an identity that is a user's of the installation's own key


def user_digest(user: str) -> str:
    """What is kept of a user's name in a run's row."""
    return hashlib.sha256(user.casefold().encode()).hexdigest()[:32]


@dataclass
class _HeldKey:
    """A key, or the name of a rehearsal. A `permanent` one is the installation's own."""

    key: str = field(repr=False)
    rehearsal: bool
    permanent: bool
    used_at: float
    user_id: str = ""


class Keyring:
    """Keys of this process by owner (a keyed fingerprint). Thread-safe. No method returns an API key."""

    def __init__(
        self,
        salt: bytes,
        connect: Callable[[str, bool], GeminiClient],
        rehearsal_url: Callable[[], str] = lambda: "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._salt, self._clock = salt, clock
        self._connect = connect
        self._rehearsal_url = rehearsal_url
        self._lock = threading.Lock()
        self._keys: dict[str, _HeldKey] = {}
        self._clients: dict[str, GeminiClient] = {}

    def fingerprint(self, key: str, rehearsal: bool, user_id: str = "") -> str:
        """The fingerprint under which a key's runs are stored; it cannot be turned back into the key.

        Users that share a key have one each.
        """
        kind = b"rehearsal:" if rehearsal else b"key:"
        shared = b"\0" + user_id.encode() if user_id else b""
        return hmac.new(self._salt, kind + key.encode() + shared, hashlib.sha256).hexdigest()[:32]

    def add(
        self,
        key: str,
        rehearsal: bool,
        destination: str = "",
        *,
        permanent: bool = False,
        visitor: Visitor = NOBODY,
    ) -> Account:
        """Keep a key while this process lives, or until it is dropped; a `permanent` one is not dropped.

        A permanent key is the installation's: each visitor whom a login knows has runs of his own under it.
        """
        user_id = user_digest(visitor.user) if permanent and visitor.user else ""
        owner_id = self.fingerprint(key, rehearsal, user_id)
        with self._lock:
            held = self._keys.get(owner_id)
            permanent = permanent or (held is not None and held.permanent)
            self._keys[owner_id] = _HeldKey(key, rehearsal, permanent, self._clock(), user_id)
        label = "rehearsal" if rehearsal else f"key ending in {key[-4:]}"
        return Account(owner_id=owner_id, rehearsal=rehearsal, label=label, destination=destination, visitor=visitor)

    def add_user(self, owner_id: str, user_id: str) -> None:
        """Take up a user's runs under the installation's own key, if they are: known by the fingerprint."""
        with self._lock:
            for held in list(self._keys.values()):
                if held.permanent and self.fingerprint(held.key, held.rehearsal, user_id) == owner_id:
                    self._keys[owner_id] = _HeldKey(held.key, held.rehearsal, True, self._clock(), user_id)

    def identity(self, owner_id: str) -> str:
        """What a run's row may keep of its owner, so that it goes on by itself: a rehearsal's own name, or which user
        of the installation's key it is. Never a key.
        """
        with self._lock:
            held = self._keys.get(owner_id)
        if held is None:
            return ""
        return held.key if held.rehearsal else f"{USER_PREFIX}{held.user_id}" if held.user_id else ""

    def remove(self, owner_id: str) -> None:
        """Drop a key at once: whoever holds its client sends nothing any more. A permanent one stays."""
        with self._lock:
            held = self._keys.get(owner_id)
            if held is not None and held.permanent:
                return
            self._keys.pop(owner_id, None)
            client = self._clients.pop(owner_id, None)
        if client is not None:
            client.shut()

    def touch(self, owner_id: str) -> bool:
        """Note that somebody is there who uses a key; False if it is not here."""
        with self._lock:
            held = self._keys.get(owner_id)
            if held is not None:
                held.used_at = self._clock()
        return held is not None

    def idle_owners(self, seconds: float) -> list[str]:
        """Owners of keys that may be dropped, and that nobody has used for so long."""
        with self._lock:
            before = self._clock() - seconds
            return [owner for owner, held in self._keys.items() if not held.permanent and held.used_at < before]

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
            held, existing = self._keys.get(owner_id), self._clients.get(owner_id)
            if held is None:
                return None
            held.used_at = self._clock()
        if existing is not None and not self._has_moved(existing, rehearsal=held.rehearsal):
            return existing
        created = self._connect(held.key, held.rehearsal)
        with self._lock:
            if owner_id not in self._keys:  # dropped meanwhile
                return None
            if self._clients.get(owner_id) is existing:  # else another thread was faster
                self._clients[owner_id] = created
            return self._clients[owner_id]

    def _has_moved(self, client: GeminiClient, *, rehearsal: bool) -> bool:
        return rehearsal and client.base_url != self._rehearsal_url()

    def active_owners(self) -> list[str]:
        """Owners of API keys, and rehearsals whose server runs: asking for another one would start it."""
        with self._lock:
            return [
                owner_id for owner_id, held in self._keys.items() if not held.rehearsal or owner_id in self._clients
            ]
