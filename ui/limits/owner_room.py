"""How much of the disk one owner's uploads, drafts and exports may take, over all of its pages and restarts."""

from __future__ import annotations

import stat
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from batch.errors import InputError
from lifecycle.core.run_files import owner_folder_name

MAX_OWNER_BYTES = 24 * 1024**3  # three full folders of one page each
MEASURED_SECONDS = 20.0  # how long a look at the disk is believed; what is taken meanwhile is added
FRESH_SECONDS = 2.0  # the same before much is written at once, and before anything is refused


class NoRoom(InputError):
    """The owner's room is used up."""


class OwnerRoom:
    """Measures what in these folders bears an owner's name: `owner_folder_name`. Thread-safe."""

    def __init__(
        self, *folders: Path, max_bytes: int = MAX_OWNER_BYTES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._folders, self._clock = folders, clock
        self._measured: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()
        self.max_bytes = max_bytes

    def reserve(self, owner_id: str, size_bytes: int) -> None:
        """Count what is about to be written. Raises NoRoom, and counts nothing, if it is too much."""
        with self._lock:
            if self._used(owner_id, MEASURED_SECONDS) + size_bytes > self.max_bytes:
                self._require(self._used(owner_id, FRESH_SECONDS) + size_bytes)
            at, used = self._measured[owner_id]
            self._measured[owner_id] = (at, used + size_bytes)

    def require(self, owner_id: str) -> None:
        """Raises NoRoom if nothing more may be written; for what has a size that nobody knows before."""
        with self._lock:
            self._require(self._used(owner_id, FRESH_SECONDS) + 1)

    def _require(self, size_bytes: int) -> None:
        if size_bytes > self.max_bytes:
            size = f"{self.max_bytes / 1024**3:.3g} GB"
            raise NoRoom(
                f"Your uploads, checked inputs and exports take up all the room that you have here: {size}.",
                "Remove files that you gave and do not need, or wait: what nobody uses for a day is deleted.",
            )

    def _used(self, owner_id: str, seconds: float) -> int:
        at, used = self._measured.get(owner_id, (float("-inf"), 0))
        now = self._clock()
        if now - at > seconds:
            used = _total_size(self._files(owner_id))
            self._measured = {name: entry for name, entry in self._measured.items() if now - entry[0] < 3600}
            self._measured[owner_id] = (now, used)
        return used

    def _files(self, owner_id: str) -> Iterator[Path]:
        for folder in self._folders:
            for path in folder.glob(owner_folder_name(owner_id, "*")):
                yield from path.rglob("*") if path.is_dir() else (path,)


def _total_size(paths: Iterable[Path]) -> int:
    """Bytes on the disk: a file that has several names, such as an upload in a draft, counts once."""
    sizes = {}
    for path in paths:
        try:
            status = path.lstat()
        except OSError:  # gone meanwhile
            continue
        if stat.S_ISREG(status.st_mode):
            sizes[status.st_dev, status.st_ino] = status.st_size
    return sum(sizes.values())
