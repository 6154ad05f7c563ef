"""Runs the batch jobs: brings each to where it must be at this moment, in slices between other requests.

A job's progress is a function of time: pending until `starts`, then rows evenly until `ends`. The engine works when
somebody looks, when a job's end has come, and, for big jobs, once a second; otherwise it sleeps.
"""

import asyncio
import sys
import traceback
from time import monotonic

from emulator.core.clock import JOB_LIFE, RESULT_LIFE
from emulator.core.errors import DEFAULT_MESSAGES
from emulator.core.settings import OUTCOMES, pace_seconds
from emulator.core.state import CANCELLED, EXPIRED, FAILED, PARTIAL, PENDING, RUNNING, SUCCEEDED, Job, State, StoredFile
from emulator.jobs.execution import InvalidInput, JobExecution

ADVANCE_TIMEOUT_SECONDS = 1.0  # seconds that a request waits at most for a job to catch up
LARGE_JOB_ROWS = 20_000  # rows from which a job is worked on while nobody looks, and nobody waits for it
PENDING_SHARE = 0.2  # of a job's duration


class JobScheduler:
    """Every active job and the one task that works on them."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.executions: dict[str, JobExecution] = {}
        self.admission_lock = asyncio.Lock()  # a new job is counted before the next one is looked at
        self._wake = asyncio.Event()

    def schedule(self, job: Job) -> None:
        """Time a new job by the pace in force, and take it up."""
        total = pace_seconds(self.state.settings.pace, job.rows)
        job.starts, job.ends = job.created + PENDING_SHARE * total, job.created + total
        self._wake.set()

    def wake(self) -> None:
        """Something that decides about jobs has changed: the time or a setting."""
        self._wake.set()

    async def advance_jobs(self, *jobs: Job) -> None:
        """Bring jobs to this moment, or, if a job is big, as near as the work in the background has come."""
        deadline = monotonic() + ADVANCE_TIMEOUT_SECONDS
        for job in jobs:
            while job.active and self._step(job) and job.rows <= LARGE_JOB_ROWS and monotonic() < deadline:
                await asyncio.sleep(0)

    async def run_forever(self) -> None:
        """Work for ever; cancelled when the server ends."""
        while True:
            busy = False
            for id in [job.id for job in self.state.jobs.values() if job.active]:
                job = self.state.jobs.get(id)  # a reset may have come between
                busy = bool(job and job.active and self._step(job)) or busy
                await asyncio.sleep(0)
            if not busy:
                self._wake.clear()
                await self._sleep()

    async def _sleep(self) -> None:
        now = self.state.clock.now()
        due_times = [self._next_due(job, now) for job in self.state.jobs.values() if job.active]
        try:
            await asyncio.wait_for(self._wake.wait(), max(0.005, min(due_times) - now) if due_times else None)
        except TimeoutError:
            return

    def _next_due(self, job: Job, now: float) -> float:
        if now < job.ends:
            return min(job.ends, max(job.starts, now + 1)) if job.rows > LARGE_JOB_ROWS else job.ends
        return max(job.created + JOB_LIFE, now + 1)

    def _step(self, job: Job) -> bool:
        """Do one slice of a job's work. Return whether more is due at this moment."""
        try:
            return self._advance(job)
        except Exception:  # a mistake of the emulator must look like one of the service, be seen, and end no other job
            traceback.print_exc(file=sys.stderr)
            self._end(job, FAILED, max(job.starts, self.state.clock.now()), 13, DEFAULT_MESSAGES[13])
            return False

    def _advance(self, job: Job) -> bool:
        now, outcome = self.state.clock.now(), self.state.settings.job_outcome
        is_paused = outcome == "stuck" or outcome not in OUTCOMES
        if now >= job.created + JOB_LIFE and (is_paused or job.ends > job.created + JOB_LIFE):
            self._end(job, EXPIRED, job.created + JOB_LIFE, 4, "The batch job expired before it was finished.")
        elif now < job.starts or outcome == "stuck":
            return False
        elif is_paused:
            self._set_state(job, outcome)
        elif outcome in ("failed", "expired"):
            self._fail_later(job, outcome, now)
        else:
            return self._execute_rows(job, now, outcome)
        return False

    def _fail_later(self, job: Job, outcome: str, now: float) -> None:
        """Let a job run without doing its rows, and end badly."""
        if now < job.ends:
            self._set_state(job, RUNNING)
        elif outcome == "failed":
            job.bad = job.rows - job.good
            self._end(job, FAILED, job.ends, 13, DEFAULT_MESSAGES[13])
        else:
            self._end(job, EXPIRED, job.ends, 4, "The batch job expired before it was finished.")

    def _execute_rows(self, job: Job, now: float, outcome: str) -> bool:
        self._set_state(job, RUNNING)
        execution = self.executions.get(job.id)
        if execution is None:
            execution = self.executions[job.id] = JobExecution(self.state, job)
        if not execution.scanned:
            return self._scan(execution)
        share = min(1.0, (now - job.starts) / max(job.ends - job.starts, 1e-9))
        due = int(job.rows * share)
        execution.run(due)
        job.good, job.bad = execution.succeeded, execution.failed
        if execution.done < due:
            execution.late = execution.late or now >= job.ends
            return True
        if execution.done == job.rows and now >= job.ends:
            self._finish(execution, now if execution.late else job.ends, outcome)
        return False

    def _scan(self, execution: JobExecution) -> bool:
        try:
            execution.scan()
        except InvalidInput as error:
            now = self.state.clock.now()
            self._end(execution.job, FAILED, max(execution.job.starts, now), 3, str(error))
            return False
        return True

    def _set_state(self, job: Job, state: str) -> None:
        if job.state != state:
            job.state = state
            job.updated = self.state.clock.now()
            self.state.save(job)

    def _finish(self, execution: JobExecution, at: float, outcome: str) -> None:
        """The job is done: its results become visible, its usage is billed, all at once."""
        job, store = execution.job, self.state.store
        execution.close()
        path = store.body_path("result", job.id)
        with store.transaction():
            if not job.inline:
                file = StoredFile(
                    f"batch-{job.id}", job.owner, "application/jsonl", path.stat().st_size, at, at + RESULT_LIFE
                )
                file.source = "GENERATED"
                path.rename(store.body_path("file", file.id))
                self.state.files[file.id] = file
                self.state.save(file)
            self._end(job, PARTIAL if outcome == "partially_succeeded" else SUCCEEDED, at)

    def cancel(self, job: Job) -> None:
        """End a job now. Rows that have been executed are billed, their results are not kept (not known)."""
        self._end(job, CANCELLED, self.state.clock.now(), 1, "The operation was cancelled.")

    def delete(self, job: Job) -> None:
        """Take a job out of sight; one that runs stops."""
        job.deleted = self.state.clock.now()
        self._bill(job)
        self.state.save(job)

    def _end(self, job: Job, state: str, at: float, code: int = 0, message: str = "") -> None:
        job.state, job.ended, job.updated = state, at, at
        job.error = {"code": code, "message": message} if code else None
        self._bill(job)
        self.state.save(job)

    def _bill(self, job: Job) -> None:
        """Put what the job used into the ledger and let its execution go."""
        execution = self.executions.pop(job.id, None)
        if execution is None:
            return
        execution.close()
        for long_context, counts in execution.billed.items():
            self.state.store.add_usage(job.name, job.model, long_context, counts)

    def change_pace(self, previous_pace: str) -> None:
        """Carry on with every active job at the pace now in force, from the progress it has."""
        pace, now = self.state.settings.pace, self.state.clock.now()
        if pace == previous_pace:
            return
        for job in self.state.jobs.values():
            if job.active and job.state in (PENDING, RUNNING):
                self._retime(job, now, pace_seconds(pace, job.rows))
        self.wake()

    def _retime(self, job: Job, now: float, total: float) -> None:
        """Move a job's start and end so that its progress stays and its rest takes the new pace's time."""
        old_duration = max((job.ends - job.starts) / (1 - PENDING_SHARE), 1e-9)
        progress = min(1.0, max(0.0, 1 - (job.ends - now) / old_duration))
        origin = now - progress * total
        job.starts, job.ends = origin + PENDING_SHARE * total, origin + total
        self.state.save(job)

    def close(self) -> None:
        """Let all work go; what is not finished will begin again."""
        for execution in self.executions.values():
            execution.close()
        self.executions.clear()

    def usage(self) -> list[tuple[str, str, bool, list[int]]]:
        """What running jobs have used so far, not in the store yet."""
        return [
            (e.job.name, e.job.model, long_context, counts)
            for e in self.executions.values()
            for long_context, counts in e.billed.items()
        ]
