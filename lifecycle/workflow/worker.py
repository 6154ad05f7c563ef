"""The engine room: claims runs whose keys are held, advances them stage by stage, and keeps their leases alive."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from batch.errors import ApiError, BatchRunnerError
from batch.model import RunState, Stage
from gemini.redaction import redact
from lifecycle.core.polling import back_off
from lifecycle.storage.keyring import Keyring
from lifecycle.storage.store import LeaseLost, Row, Store
from lifecycle.workflow.maintenance import Aside
from lifecycle.workflow.shards import run_caches
from lifecycle.workflow.shards.context import Failed, Options, Step, Work
from lifecycle.workflow.stages import (
    collect as collect_stage,
)
from lifecycle.workflow.stages import (
    poll as poll_stage,
)
from lifecycle.workflow.stages import (
    release as release_stage,
)
from lifecycle.workflow.stages import (
    start as start_stage,
)
from lifecycle.workflow.stages import (
    submit as submit_stage,
)

log = logging.getLogger(__name__)

STAGES: dict[Stage, Callable[[Work], Step]] = {
    Stage.PLANNED: start_stage.run,
    Stage.SUBMITTING: submit_stage.run,
    Stage.RUNNING: poll_stage.run,
    Stage.COLLECTING: collect_stage.run,
    Stage.RELEASING: release_stage.run,
}
AFTER_FAILURE = {Stage.COLLECTING: Stage.RELEASING, Stage.RELEASING: Stage.FINISHED}  # else the jobs are ended first
IDLE_SECONDS = 1.0  # how late a run submitted by another process may be noticed
BUG_DELAY_SECONDS = 60.0
CALLS_PER_KEY = 8  # runs of one key that are worked on at once, over all processes


class Worker:
    """Threads that advance runs. Several workers, in one process or many, may share a store."""

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        options: Options,
        folder_of: Callable[[str], Path],
        prefix: str,
        *,
        threads: int = 6,
        lease_seconds: float = 15.0,
        housekeeping: Callable[[Aside], None] = lambda aside: None,
    ) -> None:
        self._store, self._keyring, self._options = store, keyring, options
        self._folder_of, self._prefix = folder_of, prefix
        self._threads, self._lease = threads, lease_seconds
        self._housekeeping = housekeeping
        self._stopping, self._wake = threading.Event(), threading.Event()
        self._slots = threading.Semaphore(threads)
        self._held: dict[str, str] = {}
        self._lock = threading.Lock()
        self._running: list[threading.Thread] = []

    # -- life --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Is idempotent. The threads are daemons: a process may always end, and a lease expires by itself."""
        if self._running:
            return
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="run")
        for target in (self._dispatch, self._renew):
            thread = threading.Thread(target=target, name=f"runs-{target.__name__}", daemon=True)
            thread.start()
            self._running.append(thread)

    def close(self, seconds: float = 5.0) -> None:
        """Stop claiming, and wait so long for stages under way; what is cut short is done again by the next process."""
        self._stopping.set()
        self._wake.set()
        for thread in self._running:
            thread.join(seconds)
        if self._running:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._running = []

    @property
    def is_working(self) -> bool:
        return bool(self._running) and not self._stopping.is_set()

    def wake(self) -> None:
        """Something may be due: look now."""
        self._wake.set()

    # -- threads -----------------------------------------------------------------------------------------------

    def _dispatch(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self._housekeeping(self._aside)
                claimed = self._claim()
            except Exception:
                log.exception("The store could not be asked for work; trying again.")
                claimed = False
            if not claimed:
                self._wake.wait(IDLE_SECONDS)

    def _aside(self, work: Callable[[str], None], what: str) -> None:
        """Do something that can wait, in a thread of the pool."""
        self._pool.submit(work, what)

    def _claim(self) -> bool:
        if not self._slots.acquire(timeout=IDLE_SECONDS):
            return False
        row = None
        try:
            row = self._store.claim(self._keyring.owners(), self._lease, CALLS_PER_KEY)
        finally:
            if row is None:
                self._slots.release()
        if row is None:
            return False
        with self._lock:
            self._held[str(row["id"])] = str(row["token"])
        self._pool.submit(self._work, row)
        return True

    def _renew(self) -> None:
        while not self._stopping.wait(self._lease / 3):
            with self._lock:
                held = list(self._held.items())
            for run_id, token in held:
                try:
                    self._store.hold(run_id, token, self._lease)
                except LeaseLost:
                    log.warning("The lease of run %s was lost.", run_id)
                except Exception:
                    log.exception("The lease of run %s could not be renewed; trying again.", run_id)

    def _work(self, row: Row) -> None:
        run_id, token = str(row["id"]), str(row["token"])
        try:
            self.advance(row)
        except LeaseLost:
            log.info("Run %s is another process's now.", run_id)
        except Exception as error:
            log.exception("Run %s could not be advanced.", run_id)
            self._put_off(run_id, token, error)
        finally:
            with self._lock:
                if self._held.get(run_id) == token:  # else it has been claimed again meanwhile
                    del self._held[run_id]
            self._slots.release()
            self.wake()

    def _put_off(self, run_id: str, token: str, error: Exception) -> None:
        """Leave a run as it is for a while after an error of this program, or of the database under it."""
        what = redact(str(error)) or type(error).__name__
        words = f"Something went wrong here ({what}). Nothing is lost; it is tried again in a minute."
        try:
            self._store.commit(run_id, token, {"note": words}, delay=BUG_DELAY_SECONDS)
        except Exception:
            log.exception("Run %s could not be put off; its lease runs out.", run_id)

    # -- one run -----------------------------------------------------------------------------------------------

    def advance(self, row: Row) -> None:
        """Take a claimed run through its stages until it has to wait, and give it back. Raises LeaseLost."""
        run_id, token = str(row["id"]), str(row["token"])
        while True:
            values, delay = self._step(row)
            ended = values["stage"] == Stage.FINISHED
            again = delay <= 0 and not ended and not self._stopping.is_set()
            self._store.commit(run_id, token, values, delay=delay, release=not again)
            if not again:
                return
            row = {**row, **values, "cancel": (self._store.run(run_id) or row)["cancel"]}

    def _step(self, row: Row) -> tuple[dict[str, Any], float]:
        """Run one stage; returns what to write, and the delay in seconds until the next look."""
        try:
            gateway = self._keyring.gateway(str(row["owner"]))
        except ApiError as error:  # the rehearsal server does not start
            note = f"{error} {error.remedy}".strip()
            return {"stage": row["stage"], "note": note}, back_off(1, None, random.random)
        if gateway is None:  # the key was dropped between claim and work
            return {"stage": row["stage"], "state": RunState.WAITING_FOR_KEY}, self._lease
        work = Work(row, self._store, gateway, self._folder_of(str(row["id"])), self._prefix, self._options)
        try:
            step = STAGES[Stage(row["stage"])](work)
        except Failed as failure:
            step = _give_up(work, str(failure))
        except ApiError as error:
            return self._later(work, error, error.retry_after, f"{error} {error.remedy}".strip())
        except OSError as error:
            return self._later(
                work, error, None, f"The disk cannot be used: {error.strerror or error}. Nothing is lost."
            )
        except BatchRunnerError as error:
            step = _give_up(work, f"{error} {error.remedy}".strip())
        return _values(work, step), step.delay

    def _later(
        self, work: Work, error: Exception, retry_after: float | None, words: str
    ) -> tuple[dict[str, Any], float]:
        """Something could not be done or known: the run stays as it is, and the same stage is run again."""
        failures = int(work.row["failures"]) + 1
        delay = back_off(failures, retry_after, random.random)
        if failures == 1:
            work.tell(f"Could not check: {words}", "warning")
        note = f"Could not check, trying again in {delay:.0f} s. {words}"
        state = {"data": work.data, "failures": failures, "note": note, "cancel_seen": work.cancelled}
        return {"stage": work.row["stage"], **state}, delay


def _total_usd(rows: float | None, caches: float | None) -> float | None:
    """What the run has cost; unknown if a part of it is."""
    return None if rows is None or caches is None else rows + caches


def _give_up(work: Work, why: str) -> Step:
    """The run cannot go on: stop what is under way, keep what came back, release everything."""
    work.tell(why, "error")
    work.data.update(ending=RunState.FAILED.value, error=why)
    return Step(AFTER_FAILURE.get(Stage(work.row["stage"]), Stage.RUNNING))


def _values(work: Work, step: Step) -> dict[str, Any]:
    """What a stage's end writes to the run's row."""
    data = work.data
    values: dict[str, Any] = {
        "stage": step.stage.value,
        "state": (RunState.WAITING_FOR_CAPACITY if data.get("capacity") else RunState.ACTIVE).value,
        "data": data,
        "note": redact(step.note),
        "failures": 0,
        "lessons": work.lessons,
        "cancel_seen": work.cancelled,
    }
    if "rows" in data:
        values["rows"] = data.pop("rows")
    if "counts" in data:
        values |= {"counts": data["counts"], "actual_usd": _total_usd(data["rows_usd"], run_caches.spent(work))}
    if "estimate" in data:
        values["estimate"] = data.pop("estimate")
    if step.stage is Stage.FINISHED:
        ending = data.get("ending") or RunState.FINISHED
        values |= {"state": str(ending), "error": data.get("error", ""), "ended_at": work.clock(), "note": ""}
        work.tell(
            {"finished": "The run is finished.", "cancelled": "The run is cancelled."}.get(
                str(ending), "The run failed."
            )
        )
    return values
