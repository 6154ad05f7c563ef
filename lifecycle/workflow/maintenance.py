"""What a process does beside its runs: take up those of rehearsals, and sweep up what ended runs left at Google."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from batch.errors import ApiError
from batch.model import Stage
from lifecycle.core import foreign_jobs
from lifecycle.storage.keyring import Keyring
from lifecycle.storage.store import Store
from lifecycle.workflow import orphan_cleanup

log = logging.getLogger(__name__)

HOUSEKEEPING_SECONDS = 10.0
SWEEP_SECONDS = 3600.0
SWEEP_AGAIN_SECONDS = 60.0  # after one that could not look
SERVED_AT = "served_at"  # when a server last said that it is there
SERVED_SECONDS = 60.0

Aside = Callable[[Callable[[str], None], str], None]  # does with a word something that can wait


class Housekeeping:
    """Done by the worker's own thread between its claims. `serving` says that this process stays."""

    def __init__(self, store: Store, keyring: Keyring, prefix: str) -> None:
        self._store, self._keyring, self._prefix = store, keyring, prefix
        self._tidied_at = 0.0
        self._swept: dict[str, float] = {}
        self.serving = False

    def tidy(self, aside: Aside) -> None:
        """Take up rehearsal runs of other processes and of earlier lives of this one: their key is in their row.

        What takes long is handed to `aside`. Most calls find that it is too early for anything.
        """
        if time.monotonic() - self._tidied_at < HOUSEKEEPING_SECONDS and self._tidied_at:
            return
        self._tidied_at = time.monotonic()
        if self.serving:
            self._store.note(SERVED_AT, str(time.time()))
        for row in self._store.unfinished():
            if row["rehearsal"] and not self._keyring.holds(str(row["owner"])):
                self._keyring.hold(str(row["identity"]), rehearsal=True)
        for owner in self._keyring.reachable():
            if time.monotonic() - self._swept.get(owner, -SWEEP_SECONDS) >= SWEEP_SECONDS:
                self._swept[owner] = time.monotonic()
                aside(self._sweep, owner)

    def _sweep(self, owner: str) -> None:
        """Release what ended runs of this installation left under one key; what fails now is tried again soon."""
        try:
            gateway = self._keyring.gateway(owner)
            if gateway is not None:
                orphan_cleanup.sweep(gateway, self._prefix, self._is_living)
        except ApiError as error:
            self._swept[owner] = time.monotonic() - SWEEP_SECONDS + SWEEP_AGAIN_SECONDS
            log.info("The sweep could not look: %s", error)

    def _is_living(self, run_id: str) -> bool:
        """Whether a run needs what bears its name at Google: itself, or another that has adopted its job.

        One that is not known to have ended here may be alive in a copy of this data folder.
        """
        row = self._store.run(run_id)
        if not (self._store.has_bill(run_id) if row is None else row["stage"] == Stage.FINISHED):
            return True
        adopted = (r["data"].get(foreign_jobs.DATA, {}).get("display_name", "") for r in self._store.unfinished())
        return any(name.startswith(f"{self._prefix}{run_id}-") for name in adopted)


def is_served(store: Store) -> bool:
    """Whether a server has been at this data folder within the last minute."""
    return time.time() - float(store.noted(SERVED_AT) or 0) < SERVED_SECONDS
