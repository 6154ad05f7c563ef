"""When each job of a run is looked at: soon if it was just sent or cancelled, seldom if it is old.

Counted by our own clock: how often to ask is a matter between us two, and Google's clock may be wrong or turned.
"""

from __future__ import annotations

from lifecycle.core.polling import poll_delay
from lifecycle.storage.store import Row
from lifecycle.workflow.shards.context import StageContext

POLL_TIMES = "watched"  # by shard: since when it is watched, and when it is to be looked at again


def start(ctx: StageContext, shard: Row) -> None:
    """Something is expected of the job from now on."""
    _set(ctx, shard, ctx.now(), 0.0)


def stop(ctx: StageContext, shard: Row) -> None:
    """The job needs no more looks."""
    ctx.data.get(POLL_TIMES, {}).pop(str(shard["n"]), None)


def postpone(ctx: StageContext, shard: Row, seconds: float) -> None:
    """Look at the job again after so many seconds."""
    _set(ctx, shard, _entry(ctx, shard)[0], ctx.now() + seconds)


def next_delay(ctx: StageContext, shard: Row) -> float:
    """Seconds until a job that is still under way is worth another look."""
    return poll_delay(max(0.0, ctx.now() - _entry(ctx, shard)[0]))


def seconds_left(ctx: StageContext, shard: Row) -> float:
    """Seconds until the job is due; 0 if it is."""
    return max(0.0, _entry(ctx, shard)[1] - ctx.now())


def _entry(ctx: StageContext, shard: Row) -> tuple[float, float]:
    since, due = ctx.data.get(POLL_TIMES, {}).get(str(shard["n"]), (ctx.row["created_at"], 0.0))
    return float(since), float(due)


def _set(ctx: StageContext, shard: Row, since: float, due: float) -> None:
    ctx.data.setdefault(POLL_TIMES, {})[str(shard["n"])] = (round(since, 3), round(due, 3))
