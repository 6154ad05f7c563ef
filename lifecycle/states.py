"""What each of Google's job states means for us: one total table. Pure."""

from __future__ import annotations

from enum import Enum


class Fate(Enum):
    """What to do about a batch job in some state."""

    WAITING = "still under way"
    COLLECT = "ended with results"
    SALVAGE = "ended; there may be partial results"
    UNKNOWN = "a state we do not know: still waiting, and say so"


JOB_STATES = {
    "JOB_STATE_UNSPECIFIED": Fate.WAITING,
    "JOB_STATE_QUEUED": Fate.WAITING,
    "JOB_STATE_PENDING": Fate.WAITING,
    "JOB_STATE_RUNNING": Fate.WAITING,
    "JOB_STATE_PAUSED": Fate.WAITING,
    "JOB_STATE_UPDATING": Fate.WAITING,
    "JOB_STATE_CANCELLING": Fate.WAITING,
    "JOB_STATE_SUCCEEDED": Fate.COLLECT,
    "JOB_STATE_PARTIALLY_SUCCEEDED": Fate.COLLECT,
    "JOB_STATE_FAILED": Fate.SALVAGE,
    "JOB_STATE_CANCELLED": Fate.SALVAGE,
    "JOB_STATE_EXPIRED": Fate.SALVAGE,
}

WORDS = {
    "": "not sent yet",
    "JOB_STATE_UNSPECIFIED": "waiting for Google to say more",
    "JOB_STATE_QUEUED": "waiting in Google's queue",
    "JOB_STATE_PENDING": "waiting in Google's queue",
    "JOB_STATE_RUNNING": "running",
    "JOB_STATE_PAUSED": "paused by Google",
    "JOB_STATE_UPDATING": "being updated by Google",
    "JOB_STATE_CANCELLING": "being cancelled",
    "JOB_STATE_SUCCEEDED": "done",
    "JOB_STATE_PARTIALLY_SUCCEEDED": "done in part",
    "JOB_STATE_FAILED": "failed",
    "JOB_STATE_CANCELLED": "cancelled",
    "JOB_STATE_EXPIRED": "expired after 48 hours",
}


def fate(job_state: str) -> Fate:
    """Never raises: a state added by Google later is UNKNOWN, which means still waiting."""
    return JOB_STATES.get(job_state, Fate.UNKNOWN)


def words(job_state: str) -> str:
    """A job's state for people; an unknown one is quoted."""
    return WORDS.get(job_state, f"in a state we do not know ({job_state}); still waiting")
