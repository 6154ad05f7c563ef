"""What a process does beside its runs: take up those of rehearsals, and release what ended runs left at Google."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from batch.errors import ApiError
from batch.model import Stage
from gemini.wire import Operation
from lifecycle.core.run_files import RUN_RECORD
from lifecycle.storage.availability import StoreUnavailable
from lifecycle.storage.copies import run_record
from lifecycle.storage.keyring import USER_PREFIX, Keyring
from lifecycle.storage.sign_ins import SignIns
from lifecycle.storage.store import Store
from lifecycle.workflow import orphan_cleanup, stray_jobs

log = logging.getLogger(__name__)

MAINTENANCE_SECONDS = 10.0
SWEEP_SECONDS = 3600.0
ORPHAN_CHECK_SECONDS = 3600.0
IDLE_KEY_SECONDS = 3600.0  # a key that no page and no run has used for so long leaves the server's memory
STRAY_LOOK_SECONDS = 60.0  # between looks for late jobs of ended runs, if there may be any
ORPHAN_RETRY_SECONDS = 60.0  # after one that could not look
SERVER_SEEN_AT = "served_at"  # when a server last said that it is there
SERVER_SEEN_SECONDS = 60.0

BackgroundRunner = Callable[[Callable[[str], None], str], None]  # does with a word something that can wait


class Maintenance:
    """Done by the worker's own thread between its claims. `serving` says that this process stays."""

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        prefix: str,
        sign_ins: SignIns,
        folder_of: Callable[[str], Path] = Path,
        delete_expired: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._keyring, self._prefix, self._sign_ins = store, keyring, prefix, sign_ins
        self._folder_of, self._delete_expired = folder_of, delete_expired
        self._swept_at = -SWEEP_SECONDS
        self._last_run_at = 0.0
        self._cleaned_at: dict[str, float] = {}
        self._looked_at: dict[str, float] = {}
        self.serving = False

    def run_once(self, run_in_background: BackgroundRunner) -> None:
        """Take up rehearsal runs of other processes and of earlier lives of this one: their key is in their row.

        What takes long is handed to `run_in_background`. Most calls find that it is too early for anything.
        """
        if time.monotonic() - self._last_run_at < MAINTENANCE_SECONDS and self._last_run_at:
            return
        self._last_run_at = time.monotonic()
        if self.serving:
            self._store.set_setting(SERVER_SEEN_AT, str(time.time()))
        unfinished = list(self._store.unfinished())
        if self.serving:
            self._drop_keys({row.owner_id for row in unfinished})
            if time.monotonic() - self._swept_at >= SWEEP_SECONDS:
                self._swept_at = time.monotonic()
                run_in_background(self._sweep, "")
        for row in unfinished:
            if self._keyring.has_key(row.owner_id):
                continue
            if row.rehearsal:
                self._keyring.add(row.identity, rehearsal=True)
            elif row.identity.startswith(USER_PREFIX):
                self._keyring.add_user(row.owner_id, row.identity.removeprefix(USER_PREFIX))
        for owner_id in self._keyring.active_owners():
            if time.monotonic() - self._looked_at.get(owner_id, -STRAY_LOOK_SECONDS) >= STRAY_LOOK_SECONDS:
                self._looked_at[owner_id] = time.monotonic()
                run_in_background(self._look_for_strays, owner_id)
            if time.monotonic() - self._cleaned_at.get(owner_id, -ORPHAN_CHECK_SECONDS) >= ORPHAN_CHECK_SECONDS:
                self._cleaned_at[owner_id] = time.monotonic()
                run_in_background(self._release_orphans, owner_id)

    def _drop_keys(self, needed: set[str]) -> None:
        """Let go of keys that were forgotten on another server, and of those that neither a page nor a run needs."""
        idle = set(self._keyring.idle_owners(IDLE_KEY_SECONDS)) - needed
        for owner_id in idle | (self._sign_ins.forgotten_owners() & set(self._keyring.owners())):
            self._keyring.remove(owner_id)

    def _release_orphans(self, owner_id: str) -> None:
        """Release what ended runs of this installation left under one key; what fails now is tried again soon."""
        try:
            client = self._keyring.client(owner_id)
            if client is not None:
                orphan_cleanup.release_orphans(client, self._prefix, self._is_needed, self._record_stray)
                orphan_cleanup.release_uploads(client, self._store, owner_id, self._prefix)
        except ApiError as error:
            self._cleaned_at[owner_id] = time.monotonic() - ORPHAN_CHECK_SECONDS + ORPHAN_RETRY_SECONDS
            log.info("Orphans could not be looked for: %s", error)

    def _sweep(self, _: str) -> None:
        """Delete what is kept no longer, and write the records of runs that have none: of an earlier version."""
        try:
            self._delete_expired()
            for run_id in self._store.all_run_ids():
                if not (self._folder_of(run_id) / RUN_RECORD).exists():
                    run_record.write(self._store, self._folder_of(run_id), run_id, self._prefix)
        except StoreUnavailable as error:
            self._swept_at = time.monotonic() - SWEEP_SECONDS + ORPHAN_RETRY_SECONDS
            log.info("Nothing could be swept: %s", error)

    def _look_for_strays(self, owner_id: str) -> None:
        """Look for jobs of ended runs whose create had lost its reply; what fails now is tried at the next look."""
        try:
            client = self._keyring.client(owner_id)
            if client is not None:
                stray_jobs.look_for_strays(client, self._store, owner_id, self._prefix)
        except ApiError as error:
            log.info("Jobs that nobody waits for could not be looked for: %s", error)

    def _record_stray(self, run_id: str, op: Operation) -> None:
        """Tell of a job of an ended run that was found under way."""
        stray_jobs.record(self._store, run_id, op)

    def _is_needed(self, run_id: str) -> bool:
        """Whether a run needs what bears its name at Google: itself, or another that has adopted its job.

        One that is not known to have ended here may be alive in a copy of this data folder.
        """
        row = self._store.run(run_id)
        if not (self._store.has_run_cost(run_id) if row is None else row.stage == Stage.FINISHED):
            return True
        jobs = (run.progress.imported_job for run in self._store.unfinished())
        return any(job.display_name.startswith(f"{self._prefix}{run_id}-") for job in jobs if job is not None)


def server_is_running(store: Store) -> bool:
    """Whether a server has been at this data folder within the last minute."""
    return time.time() - float(store.get_setting(SERVER_SEEN_AT) or 0) < SERVER_SEEN_SECONDS
