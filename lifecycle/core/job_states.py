"""What each of Google's job states means for us: one total table. Pure."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class JobAction(Enum):
    """What to do about a batch job in some state."""

    WAIT = "still under way"
    COLLECT = "ended with results"
    COLLECT_PARTIAL = "ended; there may be partial results"
    UNKNOWN = "a state we do not know: still waiting, and say so"


class JobStateInfo(NamedTuple):
    """What to do about a state, and how to say it to people."""

    action: JobAction
    description: str


JOB_STATES = {
    "JOB_STATE_UNSPECIFIED": JobStateInfo(JobAction.WAIT, "waiting for Google to say more"),
    "JOB_STATE_QUEUED": JobStateInfo(JobAction.WAIT, "waiting in Google's queue"),
    "JOB_STATE_PENDING": JobStateInfo(JobAction.WAIT, "waiting in Google's queue"),
    "JOB_STATE_RUNNING": JobStateInfo(JobAction.WAIT, "running"),
    "JOB_STATE_PAUSED": JobStateInfo(JobAction.WAIT, "paused by Google"),
    "JOB_STATE_UPDATING": JobStateInfo(JobAction.WAIT, "being updated by Google"),
    "JOB_STATE_CANCELLING": JobStateInfo(JobAction.WAIT, "being cancelled"),
    "JOB_STATE_SUCCEEDED": JobStateInfo(JobAction.COLLECT, "done"),
    "JOB_STATE_PARTIALLY_SUCCEEDED": JobStateInfo(JobAction.COLLECT, "done in part"),
    "JOB_STATE_FAILED": JobStateInfo(JobAction.COLLECT_PARTIAL, "failed"),
    "JOB_STATE_CANCELLED": JobStateInfo(JobAction.COLLECT_PARTIAL, "cancelled"),
    "JOB_STATE_EXPIRED": JobStateInfo(JobAction.COLLECT_PARTIAL, "expired after 48 hours"),
}


def state_info(job_state: str) -> JobStateInfo:
    """Never raises: a state added by Google later is UNKNOWN, which means still waiting, and is quoted."""
    unknown = JobStateInfo(JobAction.UNKNOWN, f"in a state we do not know ({job_state}); still waiting")
    return JOB_STATES.get(job_state, unknown)


def action_for(job_state: str) -> JobAction:
    """What to do about a job in this state."""
    return state_info(job_state).action


def describe_job_state(job_state: str) -> str:
    """A job's state for people; "" is that of a job that is not made yet."""
    return state_info(job_state).description if job_state else "not sent yet"
