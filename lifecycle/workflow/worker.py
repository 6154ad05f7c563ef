"""The engine room: claims runs whose keys are held, advances them stage by stage, and keeps their leases alive."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from batch.errors import ApiError, BatchRunnerError
from batch.model import RunState, Stage
from batch.responses import service_errors
from gemini.redaction import redact
from lifecycle.core.polling import backoff_delay
from lifecycle.core.run_progress import Backoff, Ending
from lifecycle.core.run_records import Observation, RunRecord
from lifecycle.storage.availability import StoreUnavailable
from lifecycle.storage.copies import run_record
from lifecycle.storage.keyring import Keyring
from lifecycle.storage.store import LeaseLost, Store
from lifecycle.workflow.clock_watch import ClockWatch
from lifecycle.workflow.maintenance import BackgroundRunner
from lifecycle.workflow.shards import refusals, run_caches
from lifecycle.workflow.shards.context import StageContext, StageFailed, StageResult, WorkerOptions

log = logging.getLogger(__name__)

STAGE_AFTER_FAILURE = {
    Stage.COLLECTING: Stage.RELEASING,
    Stage.RELEASING: Stage.FINISHED,
}  # else the jobs are ended first
END_MESSAGES = {RunState.FINISHED: "The run is finished.", RunState.CANCELLED: "The run is cancelled."}
IDLE_SECONDS = 1.0  # how late a run submitted by another process may be noticed
BUG_DELAY_SECONDS = 60.0
LEASE_SLACK_SECONDS = 5.0  # by which two processes may disagree about the time
MAX_RUNS_PER_KEY = 8  # runs of one key that are worked on at once, over all processes


# The stages' own functions. Each is imported when it is first run: who only submits need not wait for what collects.


def _start(ctx: StageContext) -> StageResult:
    from lifecycle.workflow.stages import start

    return start.run(ctx)


def _submit(ctx: StageContext) -> StageResult:
    from lifecycle.workflow.stages import submit

    return submit.run(ctx)


def _poll(ctx: StageContext) -> StageResult:
    from lifecycle.workflow.stages import poll

    return poll.run(ctx)


def _collect(ctx: StageContext) -> StageResult:
    from lifecycle.workflow.stages import collect

    return collect.run(ctx)


def _release(ctx: StageContext) -> StageResult:
    from lifecycle.workflow.stages import release

    return release.run(ctx)


STAGES: dict[Stage, Callable[[StageContext], StageResult]] = {
    Stage.PLANNED: _start,
    Stage.SUBMITTING: _submit,
    Stage.RUNNING: _poll,
    Stage.COLLECTING: _collect,
    Stage.RELEASING: _release,
}


class Worker:
    """Threads that advance runs. Several workers, in one process or many, may share a store."""

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        options: WorkerOptions,
        folder_of: Callable[[str], Path],
        prefix: str,
        *,
        threads: int = 6,
        lease_seconds: float = 15.0,
        maintenance: Callable[[BackgroundRunner], None] = lambda aside: None,
    ) -> None:
        self._store, self._keyring, self._options = store, keyring, options
        self._folder_of, self._prefix = folder_of, prefix
        self._thread_count, self._lease_seconds = threads, lease_seconds
        self._maintenance = maintenance
        self._stopping, self._wake_event = threading.Event(), threading.Event()
        self._slots = threading.Semaphore(threads)
        timeout = options.create_timeout_seconds
        self._longest_lease = max(lease_seconds, timeout + min(10.0, timeout)) + LEASE_SLACK_SECONDS
        self._clock_watch, self._known_owners = ClockWatch(store.now), set[str]()
        self._store_trouble = ""
        self._leases: dict[str, str] = {}
        self._lock = threading.Lock()
        self._loop_threads: list[threading.Thread] = []

    # -- life --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Is idempotent. The threads are daemons: a process may always end, and a lease expires by itself."""
        if self._loop_threads:
            return
        self._pool = ThreadPoolExecutor(self._thread_count, thread_name_prefix="run")
        for target in (self._dispatch, self._renew_leases):
            thread = threading.Thread(target=target, name=f"runs-{target.__name__}", daemon=True)
            thread.start()
            self._loop_threads.append(thread)

    def close(self, seconds: float = 5.0) -> None:
        """Stop claiming, and wait so long for stages under way; what is cut short is done again by the next process."""
        self._stopping.set()
        self._wake_event.set()
        deadline = time.monotonic() + seconds
        for thread in self._loop_threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if self._loop_threads:
            for _ in range(self._thread_count):  # each stage under way holds one
                self._slots.acquire(timeout=max(0.0, deadline - time.monotonic()))
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._loop_threads = []

    @property
    def is_working(self) -> bool:
        return bool(self._loop_threads) and not self._stopping.is_set()

    def wake(self) -> None:
        """Something may be due: look now."""
        self._wake_event.set()

    # -- threads -----------------------------------------------------------------------------------------------

    def _dispatch(self) -> None:
        while not self._stopping.is_set():
            self._wake_event.clear()
            try:
                self._maintenance(self._run_in_background)
                claimed = self._claim()
                self._tell_store("")
            except StoreUnavailable as error:
                self._tell_store(str(error))
                claimed = False
            except Exception:
                log.exception("The store could not be asked for work; trying again.")
                claimed = False
            if not claimed:
                self._wake_event.wait(IDLE_SECONDS)

    def _tell_store(self, trouble: str) -> None:
        """Log once that the database is away, and once that it is there again."""
        if bool(trouble) != bool(self._store_trouble):
            log.warning(trouble or "The database is there again.")
        self._store_trouble = trouble

    def _run_in_background(self, task: Callable[[str], None], argument: str) -> None:
        """Do something that can wait, in a thread of the pool."""
        self._pool.submit(task, argument)

    def _claim(self) -> bool:
        if not self._slots.acquire(timeout=IDLE_SECONDS):
            return False
        run = None
        try:
            owners = self._keyring.owners()
            self._look_at_all_if_turned(owners)
            with self._lock:
                held = list(self._leases)
            run = self._store.claim(
                owners, self._lease_seconds, MAX_RUNS_PER_KEY, held=held, longest_seconds=self._longest_lease
            )
        finally:
            if run is None:
                self._slots.release()
        if run is None:
            return False
        with self._lock:
            self._leases[run.id] = run.token
        self._pool.submit(self._advance_claimed, run)
        return True

    def _look_at_all_if_turned(self, owners: Sequence[str]) -> None:
        """Look at every run at once after the clock was turned, and when its key is new here: it may have been before.

        What is due by a clock that was set back would otherwise wait for that clock to come round.
        """
        new = [owner_id for owner_id in owners if owner_id not in self._known_owners]
        if turned := self._clock_watch.turned():
            log.warning("The clock was turned; every run is looked at now.")
        if turned or new:
            self._store.mark_all_due(owners if turned else new)
            self._known_owners.update(new)

    def _renew_leases(self) -> None:
        while not self._stopping.wait(self._lease_seconds / 3):
            with self._lock:
                leases = list(self._leases.items())
            for run_id, token in leases:
                try:
                    self._store.extend_lease(run_id, token, self._lease_seconds, longest_seconds=self._longest_lease)
                except LeaseLost:
                    log.warning("The lease of run %s was lost.", run_id)
                except StoreUnavailable:
                    self._wake_event.set()  # who asks for work tells of it
                except Exception:
                    log.exception("The lease of run %s could not be renewed; trying again.", run_id)

    def _advance_claimed(self, run: RunRecord) -> None:
        run_id, token = run.id, run.token
        try:
            self.advance(run)
        except LeaseLost:
            log.info("Run %s is another process's now.", run_id)
        except StoreUnavailable as error:
            log.info("Run %s waits for the database: %s", run_id, error)
        except Exception as error:
            log.exception("Run %s could not be advanced.", run_id)
            self._delay_after_bug(run_id, token, error)
        finally:
            with self._lock:
                if self._leases.get(run_id) == token:  # else it has been claimed again meanwhile
                    del self._leases[run_id]
            self._slots.release()
            self.wake()

    def _delay_after_bug(self, run_id: str, token: str, error: Exception) -> None:
        """Leave a run as it is for a while after an error of this program, or of the database under it."""
        error_text = redact(str(error)) or type(error).__name__
        note = f"Something went wrong here ({error_text}). Nothing is lost; it is tried again in a minute."
        try:
            self._store.commit(run_id, token, {"note": note}, delay=BUG_DELAY_SECONDS)
        except Exception:
            log.exception("Run %s could not be put off; its lease runs out.", run_id)

    # -- one run -----------------------------------------------------------------------------------------------

    def advance(self, run: RunRecord) -> None:
        """Take a claimed run through its stages until it has to wait, and give it back. Raises LeaseLost."""
        while True:
            step = self._run_stage(run)
            continues = step.delay <= 0 and step.stage is not Stage.FINISHED and not self._stopping.is_set()
            self._store.commit(
                run.id,
                run.token,
                step.values,
                delay=step.delay,
                release=not continues,
                observations=step.observations,
                cancel_seen=step.cancel_seen,
            )
            if step.stage is not run.stage or (run.stage is Stage.SUBMITTING and not continues):
                run_record.write(self._store, self._folder_of(run.id), run.id, self._prefix)
            if not continues:
                return
            run = replace(run, **step.values)
            run.cancel = (self._store.run(run.id) or run).cancel

    def _run_stage(self, run: RunRecord) -> _Step:
        """Run one stage."""
        try:
            client = self._keyring.client(run.owner_id)
        except ApiError as error:  # the rehearsal server does not start
            return _Step(run.stage, {"note": error.describe()}, backoff_delay(1, None, random.random))
        if client is None:  # the key was dropped between claim and work
            return _Step(run.stage, {"state": RunState.WAITING_FOR_KEY}, self._lease_seconds)
        ctx = StageContext(run, self._store, client, self._folder_of(run.id), self._prefix, self._options)
        try:
            result = STAGES[run.stage](ctx)
        except StageFailed as failure:
            result = _fail_run(ctx, str(failure))
        except ApiError as error:
            if service_errors.must_pause(error):
                return _pause_stage(ctx, error)
            return _retry_stage(ctx, error.retry_after, error.describe())
        except StoreUnavailable:
            raise
        except OSError as error:
            return _retry_stage(ctx, None, f"The disk cannot be used: {error.strerror or error}. Nothing is lost.")
        except BatchRunnerError as error:
            result = _fail_run(ctx, error.describe())
        return _end_stage(ctx, result)


class _Step(NamedTuple):
    """What a run's row is to become: its stage, other fields, and the seconds until it is due again."""

    stage: Stage
    values: dict[str, Any]
    delay: float
    observations: Sequence[Observation] = ()
    cancel_seen: bool = False


def _pause_stage(ctx: StageContext, error: ApiError) -> _Step:
    """The account cannot pay: the run stays as it is until its owner has seen to it."""
    result = refusals.pause(ctx, error)
    values = {**ctx.changed_values(), "state": RunState.WAITING_FOR_CAPACITY, "note": redact(result.note)}
    return _Step(ctx.run.stage, values, result.delay_seconds, cancel_seen=ctx.cancelled)


def _retry_stage(ctx: StageContext, retry_after: float | None, message: str) -> _Step:
    """Something could not be done or known: the run stays as it is, and the same stage is run again."""
    failures = ctx.run.failures + 1
    delay = backoff_delay(failures, retry_after, random.random)
    if failures == 1:
        ctx.log_event(f"Could not check: {message}", "warning")
    note = f"Could not check, trying again in {delay:.0f} s. {message}"
    values = {**ctx.changed_values(), "failures": failures, "note": note}
    return _Step(ctx.run.stage, values, delay, cancel_seen=ctx.cancelled)


def _total_usd(rows: float | None, caches: float | None) -> float | None:
    """What the run has cost; unknown if a part of it is."""
    return None if rows is None or caches is None else rows + caches


def _fail_run(ctx: StageContext, reason: str) -> StageResult:
    """The run cannot go on: stop what is under way, keep what came back, release everything."""
    ctx.log_event(reason, "error")
    ctx.progress.ending = Ending(RunState.FAILED, reason)
    return StageResult(STAGE_AFTER_FAILURE.get(ctx.run.stage, Stage.RUNNING))


def _end_stage(ctx: StageContext, result: StageResult) -> _Step:
    """What a stage's end writes to the run's row."""
    progress = ctx.progress
    if progress.backoff.reason == "paused" and ctx.run.stage is not Stage.SUBMITTING:
        ctx.log_event("The account is in order again; the run goes on.")
        progress.backoff = Backoff()
    state = RunState.WAITING_FOR_CAPACITY if progress.backoff.reason else RunState.ACTIVE
    values: dict[str, Any] = {
        **ctx.changed_values(),
        "stage": result.stage,
        "state": state,
        "note": redact(result.note),
        "failures": 0,
    }
    if progress.collected is not None:
        usd = _total_usd(progress.collected.rows_usd, run_caches.caches_usd(ctx))
        values |= {"counts": progress.collected.counts, "actual_usd": usd}
    if result.stage is Stage.FINISHED:
        ending = progress.ending or Ending(RunState.FINISHED)
        values |= {"state": ending.state, "error": ending.error, "ended_at": ctx.now(), "note": ""}
        ctx.log_event(END_MESSAGES.get(ending.state, "The run failed."))
    return _Step(result.stage, values, result.delay_seconds, ctx.observations, ctx.cancelled)
