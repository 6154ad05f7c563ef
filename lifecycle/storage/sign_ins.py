"""What a server must not believe any more: cookies that were taken back, and keys that their owner had forgotten.

Kept in the database, so that all servers of an installation know it, and after a restart. Neither a key nor a cookie
can be had from it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from lifecycle.storage.store import Store

_REVOKED, _FORGOTTEN = "revoked:", "forgot:"  # beginnings of a setting's name


class SignIns:
    """Revocations and forgotten owners of one database. Thread-safe."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store, self._clock = store, clock

    def revoke(self, token: str, seconds: float) -> None:
        """Refuse an encrypted cookie from now on, for as long as it could be used; older entries go."""
        for name, until in self._store.settings(_REVOKED).items():
            if float(until) < self._clock():
                self._store.delete_setting(name)
        self._store.set_setting(_revoked_name(token), str(self._clock() + seconds))

    def is_revoked(self, token: str) -> bool:
        return self._store.get_setting(_revoked_name(token)) is not None

    def forget(self, owner_id: str) -> None:
        """Have every server let go of an owner's key."""
        self._store.set_setting(_FORGOTTEN + owner_id, str(self._clock()))

    def recall(self, owner_id: str) -> None:
        """The owner is there again."""
        if self.is_forgotten(owner_id):
            self._store.delete_setting(_FORGOTTEN + owner_id)

    def is_forgotten(self, owner_id: str) -> bool:
        return self._store.get_setting(_FORGOTTEN + owner_id) is not None

    def forgotten_owners(self) -> set[str]:
        return {name.removeprefix(_FORGOTTEN) for name in self._store.settings(_FORGOTTEN)}


def _revoked_name(token: str) -> str:
    return _REVOKED + hashlib.sha256(token.encode()).hexdigest()[:32]
