"""How much of the disk the uploads of one owner may take, over all of its pages and since before a restart."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

MAX_OWNER_BYTES = 24 * 1024**3  # three full folders of one page each
MEASURED_SECONDS = 60.0  # how long a look at the disk is believed; what is taken meanwhile is added
_OWNER_CHARACTERS = 16


class NoRoom(Exception):
    """The owner's room is used up; the message is for the user."""


class OwnerRoom:
    """Measures the folders of an owner under `uploads`, whose names begin with the owner's. Thread-safe."""

    def __init__(self, uploads: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._uploads, self._clock = uploads, clock
        self._measured: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def folder_name(self, owner_id: str, chance: str) -> str:
        """The name of a new folder of this owner."""
        return f"{_short(owner_id)}-{chance}"

    def reserve(self, owner_id: str, size_bytes: int) -> None:
        """Count what is about to be written. Raises NoRoom, and counts nothing, if it is too much."""
        with self._lock:
            at, used = self._measured.get(owner_id, (float("-inf"), 0))
            now = self._clock()
            if now - at > MEASURED_SECONDS:
                at, used = now, self._measure(owner_id)
                self._measured = {name: entry for name, entry in self._measured.items() if now - entry[0] < 3600}
            if used + size_bytes > MAX_OWNER_BYTES:
                self._measured[owner_id] = (at, used)
                raise NoRoom("Your uploads take up all the room that you have here. Remove some, or wait a day.")
            self._measured[owner_id] = (at, used + size_bytes)

    def _measure(self, owner_id: str) -> int:
        return sum(
            _size(path)
            for folder in self._uploads.glob(f"{_short(owner_id)}-*")
            for path in folder.rglob("*")
            if path.is_file()
        )


def _short(owner_id: str) -> str:
    return "".join(char for char in owner_id if char.isalnum())[:_OWNER_CHARACTERS] or "nobody"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # gone meanwhile
        return 0
