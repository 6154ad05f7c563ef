"""What the page and the terminal see of runs: plain values, no database rows, no secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from batch.model import ContextMode, Generation, RunState, SendAs, SendFiles, Stage
from batch.pricing.budget import round_up
from batch.responses.outcome_groups import RunGroup, ending_words, needs_attention, run_group
from lifecycle.core.transport import UploadCount

EXPIRY_SECONDS = 48 * 3600.0  # a job pending or running longer expires (Batch API guide)
WARN_AT_HOURS = (12, 24, 36)


@dataclass(frozen=True)
class Visitor:
    """A person that a login knows, and the address that he calls from; "" where there is no login."""

    user: str = ""
    address: str = ""


NOBODY = Visitor()


@dataclass(frozen=True)
class Account:
    """Who is asking: a keyed fingerprint of an API key, or a rehearsal identity. Never the key itself.

    `label` is safe to show ("key ending in ab12", "rehearsal"); `destination` is "" when calls go to Google,
    else the address they go to. `visitor` is who works with it, where people log in.
    """

    owner_id: str
    rehearsal: bool
    label: str
    destination: str = ""
    visitor: Visitor = NOBODY


@dataclass(frozen=True)
class KeyCheck:
    """The answer to "does this key work?", learned from free calls only."""

    ok: bool
    message: str
    remedy: str = ""
    account: Account | None = None


@dataclass(frozen=True)
class ModelChoice:
    """A model that can batch. `label` is Google's display name; prices in USD per million tokens, None if unknown;
    `kind` is what it answers with: "text", "image" or "embedding"."""

    id: str
    label: str
    batch_input_usd: float | None
    batch_output_usd: float | None
    explicit_caching: bool | None
    note: str = ""
    kind: str = "text"


@dataclass(frozen=True)
class RunSpec:
    """What the user decided for one submission.

    `hours` is the expected duration for the planner (None: learned); `allow_uncached` lets the run go on without
    caches if the service refuses them; `delete_user_caches` deletes the caches that requests name when the run ends;
    `overrides` maps a planner group's id to "none", "implicit" or "explicit".
    `rows_per_job` makes jobs smaller than Gemini's limits ask for; 0 does not. `send_files` is how the files that
    requests refer to travel. `rearrange` are the rules by which the requests of the draft were arranged before.
    """

    model: str
    name: str = ""
    generation: Generation = field(default_factory=Generation)
    context: ContextMode = ContextMode.NONE
    send_as: SendAs = SendAs.AUTO
    hours: float | None = None
    split: str = "part"
    dedupe: bool = False
    max_usd: float | None = None
    allow_uncached: bool = True
    delete_user_caches: bool = False
    canary: int = 0
    overrides: Mapping[str, str] = field(default_factory=dict)
    rows_per_job: int = 0
    send_files: SendFiles = SendFiles.AUTO
    rearrange: tuple[str, ...] = ()


@dataclass(frozen=True)
class JobView:
    """One batch job of a run. `state` is JOB_STATE_…, in which it has been seen since `state_since`; `stats` holds
    requests/succeeded/failed/pending where known. `file` is the uploaded input, which Google deletes at `file_until`;
    times are Google's.
    """

    shard: int
    name: str
    state: str
    rows: int
    stats: Mapping[str, int] | None
    created_at: datetime | None
    ended_at: datetime | None
    error: str = ""
    state_since: datetime | None = None
    file: str = ""
    file_until: datetime | None = None


@dataclass(frozen=True)
class CacheView:
    """One cached content that a run made."""

    group: str
    name: str
    tokens: int | None
    expire_at: datetime | None
    deleted_at: datetime | None
    usd: float | None
    created_at: datetime | None = None


@dataclass(frozen=True)
class EventView:
    """One line of a run's log, in plain words. `level` is info, warning or error."""

    at: datetime
    level: str
    text: str


@dataclass(frozen=True)
class Progress:
    """Rows done of all rows, from batchStats; `is_known` is False before the service has told."""

    total: int
    succeeded: int
    failed: int
    is_known: bool

    @property
    def done(self) -> int:
        return self.succeeded + self.failed

    @property
    def share(self) -> float:
        """0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0


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


@dataclass(frozen=True)
class RunView:
    """One run as a user sees it. `note` is the last thing worth saying ("could not check, trying again in 8 s").

    `job_age` is that of the oldest open job; `next_poll_at` when it is looked at again, by this machine's clock.
    `imported_job` is the name of the batch job, made elsewhere, that the run was made for; without `inputs_known` its
    requests are not known here, and cannot be sent again. `google_now` is Google's clock, for its timestamps;
    `cost_is_lower_bound`: more may be billed than `actual_usd`.
    `estimate_is_lower_bound`: more may be billed than `estimate_usd`, as for searches or files of unknown size.
    `unsent_rows` were not sent because of its budget, which can be raised; `rest_run` is the run that sends them since.
    With `waits_for_budget` the next job waits until one has ended, so as not to exceed it.
    `reused_rows` of its rows were not sent, because an earlier run had answered them.
    `uploads` is how far the files are that are uploaded now, None while none are.
    `results_until` is when Google deletes its copy of a recovered job's results, where it told.
    `stray_note` tells of jobs that Google had beside the run's own, or may yet have, "" where there are none.
    `counts` are the run's own, `merged_counts` those after its retries, None if they are not known apart.
    From `kept_until` on the run may be deleted with its results, None: it is kept for ever.
    """

    id: str
    name: str
    state: RunState
    stage: Stage
    status_text: str
    model: str
    rows: int
    created_at: datetime
    ended_at: datetime | None
    age_seconds: float
    progress: Progress
    counts: Mapping[str, int]
    jobs: tuple[JobView, ...]
    caches: tuple[CacheView, ...]
    estimate_usd: float | None
    actual_usd: float | None
    note: str
    warning: str
    error: str
    parent_id: str
    rehearsal: bool
    cancel_requested: bool
    has_results: bool
    spec: RunSpec
    estimate: Mapping[str, object] = field(default_factory=dict)
    job_age: JobAge | None = None
    next_poll_at: datetime | None = None
    imported_job: str = ""
    inputs_known: bool = True
    google_now: datetime | None = None
    results_until: datetime | None = None
    cost_is_lower_bound: bool = False
    estimate_is_lower_bound: bool = False
    unsent_rows: int = 0
    rest_run: str = ""
    waits_for_budget: bool = False
    reused_rows: int = 0
    uploads: UploadCount | None = None
    stray_note: str = ""
    tags: tuple[str, ...] = ()
    merged_counts: Mapping[str, int] | None = None
    kept_until: datetime | None = None

    @property
    def newest_counts(self) -> Mapping[str, int]:
        """Rows by outcome, each at its newest success over the run and its retries."""
        return self.counts if self.merged_counts is None else self.merged_counts

    @property
    def needs_attention(self) -> int:
        """Rows that are anything but good; 0 while the run is under way."""
        return needs_attention(self.newest_counts, self.rows) if self.state.ended else 0

    @property
    def state_words(self) -> str:
        """How the run stands, in a few words: "finished, 6 to decide"."""
        if not self.state.ended:
            return self.status_text
        return ending_words(self.state, self.newest_counts, self.rows, self.error, self.held_back_rows)

    @property
    def group(self) -> RunGroup:
        """Where it stands."""
        return run_group(self.state, self.newest_counts, self.rows, self.held_back_rows)

    @property
    def held_back_rows(self) -> int:
        """Rows that its budget keeps from being sent, now that it has finished."""
        return self.unsent_rows if self.state is RunState.FINISHED and not self.rest_run else 0

    @property
    def is_waiting(self) -> bool:
        """Nobody has anything to do for it before its next look."""
        return self.next_poll_at is not None and self.next_poll_at > datetime.now(UTC)


@dataclass(frozen=True)
class BudgetPosition:
    """How a run and its retries stand to the budget that held rows back, in USD.

    `run_id` is the run whose rows were held back, the run itself or a retry of it; without `ended` it goes on by itself
    when the budget is raised. `under_way` is what jobs under way may come to in a bad case; `rows` are not sent, and
    cost `expected_usd` probably and `worst_usd` in a bad case.
    """

    run_id: str
    limit_usd: float
    spent_usd: float
    under_way_usd: float
    rows: int
    expected_usd: float
    worst_usd: float
    ended: bool

    @property
    def suggested_usd(self) -> float:
        """A budget under which all of it can be sent, in a bad case too."""
        needed = self.spent_usd + self.under_way_usd + self.worst_usd
        return round_up(max(needed, self.limit_usd if self.ended else self.limit_usd * 1.01))


class RunSort(StrEnum):
    """What the table of runs is sorted by."""

    SUBMITTED = "submitted"
    NAME = "name"
    STATE = "state"
    ROWS = "rows"
    ATTENTION = "attention"
    COST = "cost"
    TOOK = "took"


@dataclass(frozen=True)
class RunQuery:
    """Which runs of the table, in which order, and which page of them.

    `text` is searched in name, tags, model and id, every word of it; `group` None are all groups; `ended_only` leaves
    out those under way, unless their group is asked for; without `retries`, ended retries are left out.
    """

    text: str = ""
    group: RunGroup | None = None
    sort: RunSort = RunSort.SUBMITTED
    descending: bool = True
    ended_only: bool = False
    retries: bool = True
    first: int = 0
    limit: int = 25


@dataclass(frozen=True)
class RunLine:
    """One line of the table of runs. `counts` and `attention` are those after retries, `usd` is the run's own.

    `retry` is which retry of its parent it is, 1, 2, …; 0 for a run of its own. `held_back_rows` are those that its
    budget keeps from being sent.
    """

    id: str
    parent_id: str
    parent_name: str
    retry: int
    name: str
    model: str
    tags: tuple[str, ...]
    rows: int
    state: RunState
    group: RunGroup
    counts: Mapping[str, int]
    attention: int
    usd: float | None
    usd_at_least: bool
    error: str
    created_at: datetime
    ended_at: datetime | None
    held_back_rows: int = 0

    @property
    def words(self) -> str:
        """How the run stands, in a few words."""
        if self.group is RunGroup.RUNNING:
            return "running"
        return ending_words(self.state, self.counts, self.rows, self.error, self.held_back_rows)

    @property
    def title(self) -> str:
        """What it is called: its name, else its id."""
        return self.name or self.id

    @property
    def took_seconds(self) -> float | None:
        """From its submission to its end; None while it is under way."""
        return None if self.ended_at is None else (self.ended_at - self.created_at).total_seconds()


@dataclass(frozen=True)
class RunPage:
    """A page of the table of runs; `total` fit the query, `counts` are those of each group."""

    lines: tuple[RunLine, ...]
    total: int
    counts: Mapping[RunGroup, int]
