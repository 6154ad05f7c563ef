"""What each of Google's job states means for us: one total table. Pure."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Fate(Enum):
    """What to do about a batch job in some state."""

    WAITING = "still under way"
    COLLECT = "ended with results"
    SALVAGE = "ended; there may be partial results"
    UNKNOWN = "a state we do not know: still waiting, and say so"


class Meaning(NamedTuple):
    """What to do about a state, and how to say it to people."""

    fate: Fate
    words: str


STATES = {
    "JOB_STATE_UNSPECIFIED": Meaning(Fate.WAITING, "waiting for Google to say more"),
    "JOB_STATE_QUEUED": Meaning(Fate.WAITING, "waiting in Google's queue"),
    "JOB_STATE_PENDING": Meaning(Fate.WAITING, "waiting in Google's queue"),
    "JOB_STATE_RUNNING": Meaning(Fate.WAITING, "running"),
    "JOB_STATE_PAUSED": Meaning(Fate.WAITING, "paused by Google"),
    "JOB_STATE_UPDATING": Meaning(Fate.WAITING, "being updated by Google"),
    "JOB_STATE_CANCELLING": Meaning(Fate.WAITING, "being cancelled"),
    "JOB_STATE_SUCCEEDED": Meaning(Fate.COLLECT, "done"),
    "JOB_STATE_PARTIALLY_SUCCEEDED": Meaning(Fate.COLLECT, "done in part"),
    "JOB_STATE_FAILED": Meaning(Fate.SALVAGE, "failed"),
    "JOB_STATE_CANCELLED": Meaning(Fate.SALVAGE, "cancelled"),
    "JOB_STATE_EXPIRED": Meaning(Fate.SALVAGE, "expired after 48 hours"),
}


def meaning(job_state: str) -> Meaning:
    """Never raises: a state added by Google later is UNKNOWN, which means still waiting, and is quoted."""
    unknown = Meaning(Fate.UNKNOWN, f"in a state we do not know ({job_state}); still waiting")
    return STATES.get(job_state, unknown)


def fate(job_state: str) -> Fate:
    """What to do about a job in this state."""
    return meaning(job_state).fate


def words(job_state: str) -> str:
    """A job's state for people; "" is that of a job that is not made yet."""
    return meaning(job_state).words if job_state else "not sent yet"
