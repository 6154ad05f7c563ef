"""What the stages of a run remember between their calls, stored as JSON in the run's row.

Fields may be added; to rename one, or to change its type, add a migration (`storage/migrations.py`).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType, field

from batch.model import RunState
from batch.pricing.budget import JobCost
from lifecycle.core.transport import UploadCount


class Assumptions(msgspec.Struct, omit_defaults=True):
    """What the forecast that the user saw was computed from, so that the plan is the same one."""

    hours: float = 4.0
    implicit_rate: float = 0.0
    token_counts: dict[str, int] = {}
    output_bytes: float | None = None  # of one result; None: as the kind of request has it
    explicit_minimum: int | UnsetType | None = UNSET  # tokens; None: no explicit cache, unset: as the catalog says


class ImportedJob(msgspec.Struct, omit_defaults=True):
    """The batch job, made elsewhere, that a run was made for. Times are Google's, in epoch seconds."""

    name: str
    display_name: str = ""
    requests: int = 0
    created_at: float | None = None
    inputs_known: bool = False
    key_field: str = ""  # of the results, that identifies rows, if the user named one
    results_expire_at: float | None = None


class ImplicitAtStake(NamedTuple):
    """Requests without a cache whose prefix the service might find by itself, and those prefixes' tokens."""

    requests: int = 0
    tokens: int = 0


class Backoff(msgspec.Struct, omit_defaults=True):
    """Why and until when no create is sent: refusals in a row, and the earliest times by our and by Google's word.

    `since` is when that was decided: before it, the clock has been set back.
    """

    reason: Literal["", "full", "refused", "paused"] = ""  # "full" by our own count, "paused": the account cannot pay
    refusals: int = 0
    retry_at: float = 0.0
    not_before: float = 0.0
    since: float = 0.0


class StorageUse(NamedTuple):
    """Bytes of files at Google that the ledger does not know, and when they were counted, in epoch seconds."""

    other_bytes: int
    counted_at: float


class PollTimes(NamedTuple):
    """Since when a job is watched, and when it is polled next, in epoch seconds."""

    since: float
    due_at: float


class Collected(msgspec.Struct):
    """What came back: rows by outcome, and their price; `unpriced` lines came without usage."""

    counts: dict[str, int]
    rows_usd: float | None
    unpriced: int


class Ending(msgspec.Struct):
    """How the run ends; from here on nothing more is sent."""

    state: RunState
    error: str = ""


class BudgetStop(msgspec.Struct, omit_defaults=True):
    """Where a run was stopped by its budget of `usd`: these shards, and so many rows, were not sent.

    `rest_run` is the run that sends them since the budget was raised.
    """

    usd: float
    rows: int = 0
    shards: list[int] = []
    rest_run: str = ""


class RunProgress(msgspec.Struct, omit_defaults=True):
    """What a run's stages know so far. Numbers as keys are those of shards; names are Google's resource names."""

    # Recorded with the run.
    assumed: Assumptions = field(default_factory=Assumptions)
    unattended: bool = False  # nobody stays to renew the leases of caches
    canary_pending: bool = False  # all rows but the first few are held back
    user_caches: dict[str, float | None] = {}  # caches that requests name, and when each expires
    user_cache_tokens: dict[str, int] = {}
    resolved_cache_names: dict[str, str] = {}  # by the name in `@use_cache`
    imported_job: ImportedJob | None = None
    reused_rows: int = 0  # of the run's rows, those that are not sent: an earlier run has answered them
    replaces_run: str = ""  # the run whose end is awaited, and whose unanswered rows are then sent

    # Planning.
    implicit_at_stake: ImplicitAtStake = ImplicitAtStake()
    canary_rows: dict[str, int] = {}  # row numbers by key

    # Submitting.
    shard_parts: dict[int, list[int]] = {}  # by a split shard, the shards in its place
    uploads_started: list[int] = []
    file_expires_at: dict[int, float | None] = {}
    named_caches: dict[int, dict[str, str]] = {}  # by shard, the cache of each group that its file names
    uploads: UploadCount | None = None
    upload_losses: int = 0  # looks in a row that found an uploaded file gone
    upload_polls: int = 0  # in a row, at files that are being processed
    named_uploads: dict[int, str] = {}  # by shard, the fingerprint of what its uploaded file holds
    storage: StorageUse | None = None
    file_resends: int = 0  # how often rows were sent again because a file was gone
    without_caches: bool = False
    backoff: Backoff = field(default_factory=Backoff)
    job_costs: dict[int, JobCost] = {}  # by shard whose job has ended, under a budget
    waits_for_budget: bool = False  # the next job could exceed it, and others are under way
    budget_stop: BudgetStop | None = None

    # Running.
    poll_times: dict[int, PollTimes] = {}
    missed_since: dict[int, float] = {}
    state_since: dict[int, float] = {}  # by Google's clock
    clock_skew: float = 0.0  # seconds by which Google's clock is ahead of ours
    warned_hours: int = 0
    cancel_requested_shards: list[int] = []
    cancelled_duplicates: list[str] = []
    result_files: dict[str, str] = {}  # by job
    no_result_rows: dict[str, int] = {}  # by job, the rows sent that nothing came back for: they may be billed

    # Collecting and releasing.
    collected: Collected | None = None
    ending: Ending | None = None
    release_failures: int = 0

    @property
    def held_back_rows(self) -> int:
        """Rows that the budget keeps from being sent, and that no other run sends."""
        return 0 if self.budget_stop is None or self.budget_stop.rest_run else self.budget_stop.rows

    @property
    def cost_is_lower_bound(self) -> bool:
        """Whether more may be billed than is known of."""
        return bool(self.no_result_rows or (self.collected and self.collected.unpriced))
