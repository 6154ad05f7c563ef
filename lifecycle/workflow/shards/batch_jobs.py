"""A shard's batch job at Google: found by its name, adopted, recorded; and what must not be there, stopped."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from batch.errors import ApiError
from batch.responses import service_errors
from gemini.wire import Operation, job_state, parse_operation
from lifecycle.core.job_states import JobAction, action_for
from lifecycle.core.run_records import UNSENT_STAGES, ShardRecord, ShardStage
from lifecycle.storage.store import LeaseLost
from lifecycle.storage.stray_ledger import StrayLedger
from lifecycle.workflow.shards import poll_schedule
from lifecycle.workflow.shards.context import StageContext

IN_FLIGHT = 1e11  # as `settle_at`: a create is being sent; whoever finds this later has taken over from a dead process
STRAY_SECONDS = 3600.0  # a list that old without a job of a lost create is believed
_PREFERRED = {JobAction.COLLECT: 0, JobAction.WAIT: 1, JobAction.UNKNOWN: 1, JobAction.COLLECT_PARTIAL: 2}


class JobListing:
    """Google's list of jobs, over all pages: read at the first need, and again once it may be out of date."""

    def __init__(self, ctx: StageContext) -> None:
        self._work = ctx
        self.google_time = -1.0  # when it was begun to be read, by Google's clock; below 0: never
        self._ops: list[Operation] = []

    def for_shard(self, shard: ShardRecord) -> list[Operation]:
        """Every job that is this shard's by display name and model; the one to keep comes first.

        A list read before the shard's last create had time to show up proves nothing, and is read again.
        """
        if self.google_time < max(0.0, shard.settle_at):
            self._read()
        name, model = shard.display_name, self._work.model
        matches = [op for op in self._ops if op.display_name == name and op.model == model]
        return sorted(matches, key=_preference)

    def duplicates(self, known_names: set[str], pending_names: set[str]) -> list[Operation]:
        """Jobs of this run, by their display name, that are not known by name, nor awaited by display name."""
        if self.google_time < 0:
            self._read()
        prefix = self._work.display_prefix
        run_jobs = [op for op in self._ops if op.display_name.startswith(prefix)]
        return [op for op in run_jobs if op.name not in known_names and op.display_name not in pending_names]

    def open_count(self) -> int:
        """How many jobs are under way under this key, whoever made them."""
        if self.google_time < 0:
            self._read()
        return sum(1 for op in self._ops if is_open(op))

    def _read(self) -> None:
        started_at = time.monotonic()
        self._ops = [parse_operation(body) for body in self._work.client.list_batches()]
        self.google_time = self._work.google_time() - (time.monotonic() - started_at)  # a reply has told the time now


def _preference(op: Operation) -> tuple[int, bool, Any]:
    """Which of several jobs to keep: one with results, else one that may have some, and of equals the oldest."""
    return _PREFERRED[action_for(job_state(op.state))], op.created_at is None, op.created_at


def is_open(op: Operation) -> bool:
    return action_for(job_state(op.state)) in (JobAction.WAIT, JobAction.UNKNOWN)


def attach(ctx: StageContext, shard: ShardRecord, jobs: list[Operation]) -> None:
    """Take the first of the shard's jobs as its own; any other is cancelled before, so that a crash forgets none."""
    for duplicate in jobs[1:]:
        cancel_duplicate(ctx, duplicate)
    record_job(ctx, shard, jobs[0])
    ctx.set_shard(shard, lost_creates=max(0, shard.lost_creates - len(jobs)))
    ctx.log_event(f"Google already has job {jobs[0].name} for this submission; it was adopted.")


def cancel_duplicate(ctx: StageContext, op: Operation) -> None:
    """Cancel a job that nobody waits for, and report it: what of it Google has finished may be billed."""
    ctx.progress.no_result_rows[op.name] = rows_of(op)
    if is_open(op):
        ignore_missing(ctx.client.cancel_batch, op.name)
    ctx.log_event(describe_stray(op), "warning")


def rows_of(op: Operation) -> int:
    """How many rows of a job may be billed; at least one."""
    return max(1, op.stats["requests"] if op.stats else 0)


def describe_stray(op: Operation) -> str:
    """What is told of a job that nobody waits for, as it was found: if it was open, it has been cancelled."""
    if is_open(op):
        return (
            f"Another job for the same requests, {op.name}, was found and cancelled. "
            "What Google had done of it may be billed."
        )
    message = f"Another job for the same requests, {op.name}, was found; it had already ended"
    return f"{message} ({job_state(op.state)}) and may have been billed."


def cancel_duplicates(ctx: StageContext, shards: list[ShardRecord], *, ending: bool = False) -> None:
    """Stop every job of this run that none of its shards has, or waits for.

    At the run's end none waits any more, and a shard that knew of no job now knows this one.
    """
    pending = [shard for shard in shards if shard.stage in UNSENT_STAGES]
    pending_names = set() if ending else {shard.display_name for shard in pending}
    stopped, listing = ctx.progress.cancelled_duplicates, JobListing(ctx)
    known_names = {*stopped, *(shard.job_name for shard in shards)}
    found = listing.duplicates(known_names, pending_names)
    known_names |= {op.name for op in found}
    handed = [shard for shard in shards if shard.display_name not in pending_names]
    found += [op for shard in handed for op in handed_jobs(ctx, shard) if op.name not in known_names]
    for op in found:
        cancel_duplicate(ctx, op)
        stopped.append(op.name)
        for shard in pending:
            if shard.display_name == op.display_name:
                ctx.set_shard(shard, job_name=op.name, stage=ShardStage.ENDED, settle_at=0.0)
    for shard in shards:
        strays = sum(op.display_name == shard.display_name for op in found)
        settled = listing.google_time >= shard.strays_until and shard.display_name not in pending_names
        ctx.set_shard(shard, lost_creates=0 if settled else max(0, shard.lost_creates - strays))


def may_have_strays(ctx: StageContext, shards: list[ShardRecord]) -> bool:
    """Whether a job may show up that no shard waits for: a reply was lost, or a process woke too late."""
    known_names = {*ctx.progress.cancelled_duplicates, *(shard.job_name for shard in shards)}
    return any(shard.lost_creates or set(shard.handed_jobs) - known_names for shard in shards)


def handed_jobs(ctx: StageContext, shard: ShardRecord) -> list[Operation]:
    """The jobs that a process has made for a shard after its lease was lost; none that Google does not know."""
    jobs = []
    for name in shard.handed_jobs:
        try:
            jobs.append(parse_operation(ctx.client.get_batch(name)))
        except ApiError as error:
            if not service_errors.is_gone(error):
                raise
    return jobs


def note_lost_create(ctx: StageContext, shard: ShardRecord, **values: Any) -> None:
    """A create was sent, and nobody knows what became of it: it is looked for. Writes other `values` along."""
    until = ctx.google_time() + STRAY_SECONDS
    try:
        ctx.set_shard(shard, lost_creates=shard.lost_creates + 1, strays_until=until, **values)
    except LeaseLost:
        StrayLedger(ctx.store).add_lost_create(ctx.id, shard.n, until)
        raise


def hand_over(ctx: StageContext, shard: ShardRecord, job: Operation) -> None:
    """Give a job that was made without a lease to who works on the run now; of a run that has ended it is cancelled."""
    ledger = StrayLedger(ctx.store)
    if ledger.hand_over(ctx.id, shard.n, job.name):
        ctx.log_event(f"Job {job.name} was made by a process that had been asleep; it is looked at.", "warning")
        return
    ignore_missing(ctx.client.cancel_batch, job.name)
    if ledger.record_stray(ctx.id, shard.display_name, job.name, shard.rows):
        ctx.log_event(describe_stray(job), "warning")


def record_job(ctx: StageContext, shard: ShardRecord, op: Operation) -> None:
    """Write down which job a shard has."""
    created = op.created_at or ctx.server_now()
    ctx.set_shard(
        shard,
        stage=ShardStage.SUBMITTED,
        job_name=op.name,
        job_created_at=created.timestamp(),
        settle_at=0.0,
        missed_polls=0,
    )
    poll_schedule.start(ctx, shard)


def seconds_until_listed(ctx: StageContext, shard: ShardRecord) -> float:
    """Seconds until a create that was sent must be in the list if it was accepted; 0: long since, or none was sent.

    By Google's clock, so a call must have told it before. A create whose process died was accepted before the lease ran
    out, if at all: from now on is late enough. What is further away than it can be was told by another clock.
    """
    longest = ctx.options.settle_seconds
    if shard.settle_at >= IN_FLIGHT:
        note_lost_create(ctx, shard, settle_at=ctx.google_time() + longest, missed_polls=0)
    elif shard.settle_at > ctx.google_time() + longest:
        ctx.set_shard(shard, settle_at=ctx.google_time() + longest)
    return max(0.0, shard.settle_at - ctx.google_time())


def ignore_missing(action: Callable[[str], None], name: str) -> None:
    """Delete or cancel; that it is gone already, or may not be touched, is no reason to stop."""
    try:
        action(name)
    except ApiError as error:
        if not service_errors.is_permanent(error):
            raise
