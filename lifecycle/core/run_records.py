"""The rows of the store: what is kept of a run, its shards, its caches and its log. Times are epoch seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from batch.model import RunState, Stage
from lifecycle.core.models import RunSpec
from lifecycle.core.run_progress import RunProgress


class ShardStage(StrEnum):
    """Where a shard is on its way through one batch job."""

    WAITING = "waiting"  # to be sent
    INTENDED = "intended"  # a create was sent, or is about to be; its reply is not known
    SUBMITTED = "submitted"  # it has a job
    ENDED = "ended"  # its job has ended, and what it returned is here
    UNSENT = "unsent"  # the run was cancelled before it was sent
    SPLIT = "split"  # other shards are in its place
    DETACHED = "detached"  # its job goes on at Google, and nobody waits for it


UNSENT_STAGES = (ShardStage.WAITING, ShardStage.INTENDED)  # of a shard that has no job, and needs one


@dataclass(kw_only=True)
class RunRecord:
    """One run. The row is its workflow: its stage, when it is due, and who holds it until when.

    `identity` is a rehearsal's own name at the emulator, "" under a real key. `requested_end` is ShardStage.DETACHED
    once the user wants the job to be left to itself. `failures` counts those in a row. `token` is the fencing token of
    who claimed it last.
    """

    id: str
    owner_id: str
    spec: RunSpec
    model: str
    rows: int
    created_at: float
    idempotency_key: str
    rehearsal: bool = False
    identity: str = ""
    parent_id: str = ""
    name: str = ""
    stage: Stage = Stage.PLANNED
    state: RunState = RunState.ACTIVE
    requested_end: str = ""
    progress: RunProgress = field(default_factory=RunProgress)
    estimate: dict[str, Any] = field(default_factory=dict)  # as `plan_json.estimate_document` writes it
    counts: dict[str, int] = field(default_factory=dict)  # rows by outcome
    actual_usd: float | None = None
    note: str = ""
    error: str = ""
    cancel: bool = False
    failures: int = 0
    ended_at: float | None = None
    due_at: float = 0.0
    lease_until: float = 0.0
    token: str = ""


@dataclass(kw_only=True)
class ShardRecord:
    """A slice of a run that becomes one batch job.

    `attempt` is 0, then 1, … for rows that are sent again within the run; `creates` counts the creates that were sent.
    Until `settle_at` an accepted create may still show up in Google's list. `missed_polls` counts polls in a row that
    found no job, or no results where some are due. `lost_creates` counts creates whose reply was lost and whose job, if
    there is one, was not found: a list without it settles that once Google's clock is past `strays_until`.
    `handed_jobs` are jobs that a process has made after its lease was lost. Times of the job are Google's.
    """

    run_id: str
    n: int
    rows: int
    size_bytes: int
    tokens: int
    transport: str
    groups: list[str]
    display_name: str
    attempt: int = 0
    stage: ShardStage = ShardStage.WAITING
    creates: int = 0
    settle_at: float = 0.0
    file_name: str = ""
    job_name: str = ""
    job_state: str = ""
    stats: dict[str, int] | None = None
    job_created_at: float | None = None
    job_ended_at: float | None = None
    error: str = ""
    missed_polls: int = 0
    lost_creates: int = 0
    strays_until: float = 0.0
    handed_jobs: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class CacheRecord:
    """A cached content that a run made, leased while the run needs it; `attempt` is 0, 1, … as it is made anew."""

    run_id: str
    group_id: str
    attempt: int
    display_name: str = ""
    name: str = ""
    tokens: int | None = None
    settle_at: float = 0.0
    created_at: float | None = None
    expire_at: float | None = None
    deleted_at: float | None = None
    usd: float | None = None

    @property
    def is_alive(self) -> bool:
        """It was made, and is not known to be gone."""
        return bool(self.name) and self.deleted_at is None


class UploadState(StrEnum):
    """Where a content is on its way to Google and back."""

    INTENDED = "intended"  # an upload was begun, or is about to be; its reply is not known
    PROCESSING = "processing"
    ACTIVE = "active"
    FAILED = "failed"  # Google cannot use it; `error` says why
    ENDING = "ending"  # no shard needs it any more: it is deleted, or about to be
    GONE = "gone"


@dataclass(kw_only=True)
class UploadRecord:
    """One upload of a content under a key; `attempt` is 0, 1, … as it is uploaded anew.

    `begun` counts how often it was begun: twice only if the first was cut short. `run_id` and `token` are those of the
    claim under which it was begun last. `expire_at` is Google's.
    """

    owner_id: str
    sha256: str
    attempt: int
    mime_type: str
    size_bytes: int
    display_name: str
    state: UploadState = UploadState.INTENDED
    begun: int = 0
    run_id: str = ""
    token: str = ""
    name: str = ""
    uri: str = ""
    error: str = ""
    expire_at: float | None = None


@dataclass(frozen=True)
class EventRecord:
    """One line of a run's log."""

    at: float
    level: str
    text: str


@dataclass(frozen=True)
class Observation:
    """A fact learned about one owner and model; `kind` is one of the constants of those who read it."""

    owner_id: str
    model: str
    kind: str
    value: float
    weight: float = 1.0
