"""When each job of a run is looked at: soon if it was just sent or cancelled, seldom if it is old.

Counted by our own clock or by Google's, whichever says that less time has passed: one of them may be wrong or turned,
and a look too many costs nothing.
"""

from __future__ import annotations

from lifecycle.core.polling import poll_delay
from lifecycle.core.run_progress import PollTimes
from lifecycle.core.run_records import ShardRecord
from lifecycle.workflow.shards.context import StageContext


def start(ctx: StageContext, shard: ShardRecord) -> None:
    """Something is expected of the job from now on."""
    _set(ctx, shard, ctx.now(), 0.0)


def stop(ctx: StageContext, shard: ShardRecord) -> None:
    """The job needs no more looks."""
    ctx.progress.poll_times.pop(shard.n, None)


def postpone(ctx: StageContext, shard: ShardRecord, seconds: float) -> None:
    """Look at the job again after so many seconds."""
    _set(ctx, shard, _times(ctx, shard).since, ctx.now() + seconds)


def next_delay(ctx: StageContext, shard: ShardRecord) -> float:
    """Seconds until a job that is still under way is worth another look."""
    ages = [ctx.now() - _times(ctx, shard).since]
    if shard.job_created_at is not None:
        ages.append(ctx.google_time() - shard.job_created_at)
    return poll_delay(max(0.0, min(ages)))


def seconds_left(ctx: StageContext, shard: ShardRecord) -> float:
    """Seconds until the job is due; 0 if it is."""
    return max(0.0, _times(ctx, shard).due_at - ctx.now())


def is_due(ctx: StageContext, shard: ShardRecord) -> bool:
    """Whether the job is to be looked at: its time has come, or somebody asked for the run to be looked at now."""
    return ctx.run.due_at == 0.0 or not seconds_left(ctx, shard)


def _times(ctx: StageContext, shard: ShardRecord) -> PollTimes:
    times = ctx.progress.poll_times.get(shard.n) or PollTimes(ctx.run.created_at, 0.0)
    # What began in the future was written before the clock was set back; times are rounded, hence a second.
    return times if times.since <= ctx.now() + 1.0 else PollTimes(ctx.now(), 0.0)


def _set(ctx: StageContext, shard: ShardRecord, since: float, due: float) -> None:
    ctx.progress.poll_times[shard.n] = PollTimes(round(since, 3), round(due, 3))
