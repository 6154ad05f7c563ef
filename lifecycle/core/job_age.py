"""How a run's open jobs stand in time: how old, how long in their state, what is usual, what is left. Pure.

Everything here is counted by Google's clock, which may differ from this machine's.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from lifecycle.core.models import JobAge
from lifecycle.core.run_progress import RunProgress
from lifecycle.core.run_records import ShardRecord, ShardStage


class TypicalDuration(NamedTuple):
    """How long the user's own jobs on a model took: the median in seconds, of so many."""

    seconds: float
    job_count: int


def typical_duration(hours: Sequence[float]) -> TypicalDuration | None:
    """The median of finished jobs' durations; None before there is any."""
    return TypicalDuration(statistics.median(hours) * 3600, len(hours)) if hours else None


def oldest_job_age(progress: RunProgress, shards: Sequence[ShardRecord], now: float) -> JobAge | None:
    """The clock of a run's oldest open job; None while there is none. `now` is epoch seconds of this machine."""
    created_at = {
        shard.job_created_at: shard
        for shard in shards
        if shard.stage == ShardStage.SUBMITTED and shard.job_created_at is not None
    }
    if not created_at:
        return None
    created, oldest = min(created_at.items(), key=lambda item: item[0])
    google_now = now + progress.clock_skew
    state_seconds = google_now - state_since(progress, oldest)
    return JobAge(oldest.job_state, max(0.0, google_now - created), max(0.0, state_seconds))


def state_since(progress: RunProgress, shard: ShardRecord) -> float:
    """Since when, in Google's epoch seconds, a job has been seen in its state: since it was made, unless noted."""
    return progress.state_since.get(shard.n, shard.job_created_at or 0.0)


def warning(age_seconds: float) -> str:
    """What to tell about a job that has been under way so long; "" while there is nothing to tell."""
    age = JobAge("", age_seconds, 0.0)
    if not age.warn_hours:
        return ""
    if not age.seconds_left:
        return "Under way for more than 48 hours: Google should have ended the job by now. Its end is looked for."
    return (
        f"Under way for {age_seconds / 3600:.0f} hours. Google ends jobs after 48 hours, mostly without results; "
        f"{age.seconds_left / 3600:.0f} hours are left. "
        "You can keep waiting, cancel it, or cancel it and submit the rows again elsewhere."
    )
