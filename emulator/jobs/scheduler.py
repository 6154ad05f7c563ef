"""Runs the batch jobs: brings each to where it must be at this moment, in slices between other requests.

A job's progress is a function of time: pending until `starts`, then rows evenly until `ends`. The scheduler works when
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
CANCEL_SECONDS = 3.0  # seconds from a cancel to the end of a job that runs: 3 to 7 were measured (dgml, 2026-09-30)


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
        if job.cancelled is not None:
            return job.cancelled + self._cancel_seconds()
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
        if job.cancelled is not None:
            return self._settle_cancel(job, job.cancelled, now)
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
        """Execute the rows that are due. Return whether more are due at this moment."""
        self._set_state(job, RUNNING)
        execution = self._execution(job)
        if not execution.scanned:
            return self._scan(execution)
        due = _rows_due(job, now)
        execution.run(due)
        job.good, job.bad = execution.succeeded, execution.failed
        if execution.done < due:
            execution.late = execution.late or now >= job.ends
            return True
        if execution.done == job.rows and now >= job.ends:
            self._finish(execution, now if execution.late else job.ends, outcome)
        return False

    def _settle_cancel(self, job: Job, cancelled: float, now: float) -> bool:
        """End a job that was cancelled while it ran: rows served by then keep their results, the others fail."""
        execution, settled = self._execution(job), cancelled + self._cancel_seconds()
        if not execution.scanned:
            return self._scan(execution)
        due = _rows_due(job, cancelled)
        if execution.done < due:
            execution.run(due)
        elif now >= settled:
            execution.skip()
        job.good, job.bad = execution.succeeded, execution.failed
        if execution.done == job.rows and now >= settled:
            self._finish(execution, settled, "succeeded")
            return False
        return execution.done < due or now >= settled

    def _cancel_seconds(self) -> float:
        pace = self.state.settings.pace
        return CANCEL_SECONDS if pace == "realistic" else min(CANCEL_SECONDS, pace_seconds(pace, 1))

    def _execution(self, job: Job) -> JobExecution:
        if job.id not in self.executions:
            self.executions[job.id] = JobExecution(self.state, job)
        return self.executions[job.id]

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
        """Cancel a job as measured six times (dgml, 2026-09-30), or, by setting, at once and without results.

        Not yet running, it ends as cancelled. Running, it ends as succeeded a little later.
        """
        now = self.state.clock.now()
        if self.state.settings.cancel == "discard":
            self._end(job, CANCELLED, now, 1, "The operation was cancelled.")
        elif job.state != RUNNING:
            self._end(job, CANCELLED, now, 13, DEFAULT_MESSAGES[13])
        else:
            job.cancelled = now if job.cancelled is None else job.cancelled
            self.state.save(job)
            self.wake()

    def delete(self, job: Job) -> None:
        """Take a job and its results out of sight (dgml, autumn of 2026); one that runs stops."""
        job.deleted = self.state.clock.now()
        results = self.state.files.get(f"batch-{job.id}")
        if results is not None:
            results.deleted = job.deleted
            self.state.save(results)
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
            if job.active and job.state in (PENDING, RUNNING) and job.cancelled is None:
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


def _rows_due(job: Job, moment: float) -> int:
    """How many rows of a job have been served by a moment."""
    return int(job.rows * min(1.0, (moment - job.starts) / max(job.ends - job.starts, 1e-9)))
