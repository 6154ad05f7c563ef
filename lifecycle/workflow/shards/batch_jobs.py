"""A shard's batch job at Google: found by its name, adopted, recorded; and what must not be there, stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batch.errors import ApiError
from batch.responses import service_errors
from gemini.wire import Operation, job_state, parse_operation
from lifecycle.core.job_states import JobAction, action_for
from lifecycle.core.run_records import UNSENT_STAGES, ShardRecord, ShardStage
from lifecycle.workflow.shards import poll_schedule
from lifecycle.workflow.shards.context import StageContext

IN_FLIGHT = 1e11  # as `settle_at`: a create is being sent; whoever finds this later has taken over from a dead process
_PREFERRED = {JobAction.COLLECT: 0, JobAction.WAIT: 1, JobAction.UNKNOWN: 1, JobAction.COLLECT_PARTIAL: 2}


class JobListing:
    """Google's list of jobs, over all pages: read at the first need, and again once it may be out of date."""

    def __init__(self, ctx: StageContext) -> None:
        self._work = ctx
        self._read_at = -1.0
        self._ops: list[Operation] = []

    def for_shard(self, shard: ShardRecord) -> list[Operation]:
        """Every job that is this shard's by display name and model; the one to keep comes first.

        A list read before the shard's last create had time to show up proves nothing, and is read again.
        """
        if self._read_at < max(0.0, shard.settle_at):
            self._read()
        name, model = shard.display_name, self._work.model
        matches = [op for op in self._ops if op.display_name == name and op.model == model]
        return sorted(matches, key=_preference)

    def duplicates(self, known_names: set[str], pending_names: set[str]) -> list[Operation]:
        """Jobs of this run, by their display name, that are not known by name, nor awaited by display name."""
        if self._read_at < 0:
            self._read()
        prefix = self._work.display_prefix
        run_jobs = [op for op in self._ops if op.display_name.startswith(prefix)]
        return [op for op in run_jobs if op.name not in known_names and op.display_name not in pending_names]

    def open_count(self) -> int:
        """How many jobs are under way under this key, whoever made them."""
        if self._read_at < 0:
            self._read()
        return sum(1 for op in self._ops if is_open(op))

    def _read(self) -> None:
        started_at = self._work.now()
        self._ops = [parse_operation(body) for body in self._work.client.list_batches()]
        self._read_at = started_at


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
    ctx.log_event(f"Google already has job {jobs[0].name} for this submission; it was adopted.")


def cancel_duplicate(ctx: StageContext, op: Operation) -> None:
    """Cancel a job that nobody waits for, and report it: what of it Google has finished may be billed."""
    ctx.progress.no_result_rows[op.name] = max(1, op.stats["requests"] if op.stats else 0)
    if is_open(op):
        ignore_missing(ctx.client.cancel_batch, op.name)
        ctx.log_event(f"Another job for the same requests, {op.name}, was found and cancelled.", "warning")
    else:
        message = f"Another job for the same requests, {op.name}, was found; it had already ended"
        ctx.log_event(f"{message} ({job_state(op.state)}) and may have been billed.", "warning")


def cancel_duplicates(ctx: StageContext, shards: list[ShardRecord], *, ending: bool = False) -> None:
    """Stop every job of this run that none of its shards has, or waits for.

    At the run's end none waits any more, and a shard that knew of no job now knows this one.
    """
    pending = [shard for shard in shards if shard.stage in UNSENT_STAGES]
    stopped = ctx.progress.cancelled_duplicates
    known_names = {*stopped, *(shard.job_name for shard in shards)}
    for op in JobListing(ctx).duplicates(known_names, set() if ending else {shard.display_name for shard in pending}):
        cancel_duplicate(ctx, op)
        stopped.append(op.name)
        for shard in pending:
            if shard.display_name == op.display_name:
                ctx.set_shard(shard, job_name=op.name, stage=ShardStage.ENDED, settle_at=0.0)


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

    A create whose process died was accepted before the lease ran out, if at all: from now on is late enough.
    """
    if shard.settle_at >= IN_FLIGHT:
        ctx.set_shard(shard, settle_at=ctx.now() + ctx.options.settle_seconds, missed_polls=0)
    return max(0.0, shard.settle_at - ctx.now())


def ignore_missing(action: Callable[[str], None], name: str) -> None:
    """Delete or cancel; that it is gone already, or may not be touched, is no reason to stop."""
    try:
        action(name)
    except ApiError as error:
        if not service_errors.is_permanent(error):
            raise
