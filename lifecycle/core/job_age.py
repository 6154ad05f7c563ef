"""How a run's open jobs stand in time: how old, how long in their state, what is usual, what is left. Pure.

Everything here is counted by Google's clock, which may differ from this machine's.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

EXPIRY_SECONDS = 48 * 3600.0  # a job pending or running longer expires (Batch API guide)
WARN_AT_HOURS = (12, 24, 36)
CLOCK_SKEW, STATE_SINCE, WARNED_HOURS = "google_ahead", "state_since", "warned_hours"  # names in a run's working memory
FILES_UNTIL = "files_until"  # per shard: when Google deletes its uploaded file


@dataclass(frozen=True)
class JobAge:
    """The oldest open job of a run, in seconds: its age, how long it has been seen in `state`, what is left to expiry.

    `warn_hours` is the highest of WARN_AT_HOURS that it has passed, 0 for none.
    """

    state: str
    age_seconds: float
    state_seconds: float

    @property
    def seconds_left(self) -> float:
        return max(0.0, EXPIRY_SECONDS - self.age_seconds)

    @property
    def warn_hours(self) -> int:
        return max((hours for hours in WARN_AT_HOURS if self.age_seconds >= hours * 3600), default=0)


class TypicalDuration(NamedTuple):
    """How long the user's own jobs on a model took: the median in seconds, of so many."""

    seconds: float
    job_count: int


def typical_duration(hours: Sequence[float]) -> TypicalDuration | None:
    """The median of finished jobs' durations; None before there is any."""
    return TypicalDuration(statistics.median(hours) * 3600, len(hours)) if hours else None


def oldest_job_age(data: Mapping[str, Any], shards: Sequence[Mapping[str, Any]], now: float) -> JobAge | None:
    """The clock of a run's oldest open job; None while there is none. `now` is epoch seconds of this machine."""
    open_shards = [shard for shard in shards if shard["stage"] == "submitted" and shard["job_created_at"]]
    if not open_shards:
        return None
    oldest = min(open_shards, key=lambda shard: float(shard["job_created_at"]))
    google_now = now + float(data.get(CLOCK_SKEW, 0.0))
    created, since = float(oldest["job_created_at"]), state_since(data, oldest)
    return JobAge(str(oldest["job_state"]), max(0.0, google_now - created), max(0.0, google_now - since))


def state_since(data: Mapping[str, Any], shard: Mapping[str, Any]) -> float:
    """Since when, in Google's epoch seconds, a job has been seen in its state: since it was made, unless noted."""
    return float(data.get(STATE_SINCE, {}).get(str(shard["n"]), shard["job_created_at"] or 0.0))


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
