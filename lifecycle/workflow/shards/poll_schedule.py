"""When each job of a run is looked at: soon if it was just sent or cancelled, seldom if it is old.

Counted by our own clock: how often to ask is a matter between us two, and Google's clock may be wrong or turned.
"""

from __future__ import annotations

from lifecycle.core.polling import poll_delay
from lifecycle.storage.store import Row
from lifecycle.workflow.shards.context import Work

WATCHED = "watched"  # by shard: since when it is watched, and when it is to be looked at again


def begin(work: Work, shard: Row) -> None:
    """Something is expected of the job from now on."""
    _put(work, shard, work.clock(), 0.0)


def end(work: Work, shard: Row) -> None:
    """The job needs no more looks."""
    work.data.get(WATCHED, {}).pop(str(shard["n"]), None)


def put_off(work: Work, shard: Row, seconds: float) -> None:
    """Look at the job again after so many seconds."""
    _put(work, shard, _known(work, shard)[0], work.clock() + seconds)


def delay(work: Work, shard: Row) -> float:
    """Seconds until a job that is still under way is worth another look."""
    return poll_delay(max(0.0, work.clock() - _known(work, shard)[0]))


def left(work: Work, shard: Row) -> float:
    """Seconds until the job is due; 0 if it is."""
    return max(0.0, _known(work, shard)[1] - work.clock())


def _known(work: Work, shard: Row) -> tuple[float, float]:
    since, due = work.data.get(WATCHED, {}).get(str(shard["n"]), (work.row["created_at"], 0.0))
    return float(since), float(due)


def _put(work: Work, shard: Row, since: float, due: float) -> None:
    work.data.setdefault(WATCHED, {})[str(shard["n"])] = (round(since, 3), round(due, 3))
