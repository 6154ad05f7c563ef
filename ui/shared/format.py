"""How values are written on the page: outcomes, states, numbers, ages. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from batch.formatting import plural
from batch.model import Outcome, RunState
from batch.responses.outcome_groups import GROUPS, OutcomeGroup
from batch.responses.outcome_words import WORDS
from lifecycle.core.job_age import TypicalDuration
from lifecycle.core.job_states import describe_job_state
from lifecycle.core.models import JobView, RunView

Colour = Literal["red", "orange", "yellow", "blue", "green", "violet", "gray", "primary"]


COLOURS: Mapping[RunState, Colour] = {
    RunState.ACTIVE: "blue",
    RunState.WAITING_FOR_KEY: "orange",
    RunState.WAITING_FOR_CAPACITY: "orange",
    RunState.FINISHED: "green",
    RunState.CANCELLED: "gray",
    RunState.FAILED: "red",
}


_GROUP_COLOURS: Mapping[OutcomeGroup, Colour] = {
    OutcomeGroup.GOOD: "green",
    OutcomeGroup.TRY_AGAIN: "orange",
    OutcomeGroup.DECIDE: "violet",
    OutcomeGroup.LOST: "red",
}
# By what an outcome asks of a person; in the order in which they are shown.
OUTCOME_COLOURS: Mapping[Outcome, Colour] = {name: _GROUP_COLOURS[group] for name, group in GROUPS.items()}


def outcome(name: Outcome) -> str:
    """An outcome in the words of the page: "answer blocked"."""
    return WORDS[name]


def duration(seconds: float) -> str:
    """A time span in its two largest units: "45 s", "3 min 20 s", "5 h 10 min", "2 d 3 h"."""
    total_seconds = max(0, int(seconds))
    parts = [
        (total_seconds // 86_400, "d"),
        (total_seconds // 3600 % 24, "h"),
        (total_seconds // 60 % 60, "min"),
        (total_seconds % 60, "s"),
    ]
    first = next((n for n, (amount, _) in enumerate(parts) if amount), 3)
    return " ".join(f"{amount} {unit}" for amount, unit in parts[first : first + 2] if amount) or "0 s"


def hours(seconds: float) -> str:
    """A time span beside limits that are given in hours: "34 h 59 min", never in days."""
    total_seconds = max(0, int(seconds))
    return (
        f"{total_seconds // 3600} h {total_seconds // 60 % 60} min"
        if total_seconds >= 86_400
        else duration(max(1, total_seconds))
    )


def local_time(moment: datetime, zone_name: str | None) -> datetime:
    """A moment by the clock of a time zone, without its name; by UTC where the zone is not known."""
    try:
        return moment.astimezone(ZoneInfo(zone_name or "UTC")).replace(tzinfo=None)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return moment.astimezone(UTC).replace(tzinfo=None)


def size(number: int) -> str:
    """Bytes for people: "812 B", "1.2 MB"."""
    amount, unit = float(number), "B"
    for larger in ("kB", "MB", "GB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"


def truncate(text: str, limit: int) -> str:
    """At most `limit` characters, with a mark where text was left out."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def safe_file_name(text: str) -> str:
    """A name that every system takes for a file: no separators, no control characters, at most 80 characters."""
    cleaned = "".join("-" if char in '/\\:*?"<>|' or not char.isprintable() else char for char in text)
    return cleaned.strip(" .")[:80]


def job_states(jobs: Sequence[JobView]) -> str:
    """Google's own states of a run's jobs: "JOB_STATE_RUNNING" of a single one, else counted."""
    counted = Counter(job.state for job in jobs if job.state)
    if counted.total() <= 1:
        return next(iter(counted), "")
    return ", ".join(f"{number} × {state}" for state, number in counted.items())


def progress(run: RunView) -> str:
    """Rows done of all rows. Failures by Google's own count are named while there is no better one: of a run that has
    ended, the rows that need attention are.
    """
    done = run.progress
    if not done.is_known and not run.state.ended:
        return f"{plural(run.rows, 'row')}, no progress reported yet"
    failed = f" · {done.failed:,} failed so far" if done.failed else ""
    if run.state.ended:
        need = "needs" if run.needs_attention == 1 else "need"
        failed = f" · {run.needs_attention:,} {need} attention" if run.needs_attention else ""
    return f"{done.done:,} of {plural(done.total, 'row')}{failed}"


SHOW_TIME_LEFT_AFTER_SECONDS = 3600.0  # the age from which the time that a job has left is shown


def time_facts(run: RunView, typical: TypicalDuration | None) -> str:
    """The oldest open job in time: how long in its state, what is usual, what is left, when it is polled next."""
    if run.job_age is None:
        return ""
    job_age = run.job_age
    state = describe_job_state(job_age.state) if job_age.state else "with Google"
    parts = [f"Job {state} for {hours(job_age.state_seconds)}"]
    if job_age.age_seconds - job_age.state_seconds >= 60:
        parts[0] += f", made {hours(job_age.age_seconds)} ago"
    if job_age.age_seconds >= SHOW_TIME_LEFT_AFTER_SECONDS:
        parts.append(f"{hours(job_age.seconds_left)} left until Google ends it")
    if typical is not None:
        parts.append(f"your jobs on this model usually take {hours(typical.seconds)} (median of {typical.job_count})")
    if run.next_poll_at is not None:
        seconds_until_poll = (run.next_poll_at - datetime.now(UTC)).total_seconds()
        if seconds_until_poll > 10:
            parts.append(f"next poll in {duration(seconds_until_poll)}")
    return " · ".join(parts)


ENDINGS = {RunState.FINISHED: "SUCCEEDED", RunState.CANCELLED: "CANCELLED", RunState.FAILED: "FAILED"}
STATE_TITLES = {
    RunState.FINISHED: "A run has finished",
    RunState.CANCELLED: "A run was cancelled",
    RunState.FAILED: "A run has failed",
}


def retries_stay(retries: int) -> str:
    """What becomes of the retries of a run that is deleted; "" where it has none."""
    if not retries:
        return ""
    if retries == 1:
        return "1 retry stays as a run of its own, with the rows that it sent."
    return f"{retries:,} retries stay as runs of their own, each with the rows that it sent."
