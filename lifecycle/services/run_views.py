"""Rows of the store as the views that people see. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from batch.formatting import money, plural
from batch.model import RunState, Stage, model_id
from batch.pricing.catalog import Catalog
from batch.responses.outcome_groups import held_back_words
from lifecycle.core import job_age
from lifecycle.core.job_states import describe_job_state as describe_state
from lifecycle.core.models import CacheView, JobView, ModelChoice, RunView
from lifecycle.core.run_progress import RunProgress
from lifecycle.core.run_records import UNSENT_STAGES, CacheRecord, RunRecord, ShardRecord, ShardStage
from lifecycle.services.row_progress import row_progress

BATCH_METHODS = {"batchGenerateContent", "asyncBatchEmbedContent"}  # as the service lists them, of models that batch
OVERDUE_SECONDS = 60.0  # nobody has worked on a due run for so long: no process holds its key, unless this one does

STAGE_LABELS = {
    Stage.PLANNED: "preparing",
    Stage.SUBMITTING: "sending",
    Stage.RUNNING: "running at Google",
    Stage.COLLECTING: "collecting results",
    Stage.RELEASING: "tidying up at Google",
    Stage.FINISHED: "finished",
}
STATE_LABELS = {
    RunState.WAITING_FOR_KEY: "waiting for your key",
    RunState.WAITING_FOR_CAPACITY: "waiting for room at Google",
    RunState.FINISHED: "finished",
    RunState.CANCELLED: "cancelled",
    RunState.FAILED: "failed",
}


def run_view(
    row: RunRecord,
    shards: Sequence[ShardRecord],
    caches: Sequence[CacheRecord],
    now: float,
    *,
    key_held: bool | None,
    kept_days: float = 0.0,
) -> RunView:
    """One run as a user sees it. `now` is epoch seconds; ended runs are kept for `kept_days`, 0 for ever.

    `key_held`: whether this process, which works on runs, holds its key; None if it works on none.
    """
    imported = row.progress.imported_job
    state, stage = _state(row, now, key_held=key_held), row.stage
    jobs = tuple(_job(shard, row.progress) for shard in shards)
    ended = _to_datetime(row.ended_at)
    age = None if state.ended else job_age.oldest_job_age(row.progress, shards, now)
    return RunView(
        id=row.id,
        name=row.name,
        state=state,
        stage=stage,
        status_text=_status_text(row, state, stage, shards, jobs),
        model=row.model,
        rows=row.rows,
        reused_rows=row.progress.reused_rows,
        created_at=datetime.fromtimestamp(row.created_at, UTC),
        ended_at=ended,
        age_seconds=max(0.0, (row.ended_at or now) - row.created_at),
        progress=row_progress(row, shards),
        counts=row.counts,
        jobs=jobs,
        caches=tuple(_cache(c) for c in caches),
        estimate_usd=(row.estimate.get("usd") or {}).get("expected"),
        estimate_is_lower_bound=bool(row.estimate.get("at_least")),
        unsent_rows=stopped.rows if (stopped := row.progress.budget_stop) else 0,
        rest_run=stopped.rest_run if stopped else "",
        waits_for_budget=row.progress.waits_for_budget and not state.ended,
        actual_usd=row.actual_usd,
        cost_is_lower_bound=row.progress.cost_is_lower_bound,
        note=row.note,
        warning="" if age is None else job_age.warning(age.age_seconds),
        error=row.error,
        parent_id=row.parent_id,
        rehearsal=row.rehearsal,
        cancel_requested=row.cancel,
        has_results=bool(row.counts),
        spec=row.spec,
        estimate=row.estimate,
        job_age=age,
        next_poll_at=None if state.ended else _to_datetime(row.due_at),
        imported_job=imported.name if imported else "",
        inputs_known=inputs_known(row),
        google_now=_to_datetime(now + row.progress.clock_skew),
        uploads=row.progress.uploads if stage is Stage.SUBMITTING else None,
        results_until=_to_datetime(imported.results_expire_at if imported else None),
        stray_note=_stray_note(row.progress, shards),
        kept_until=_to_datetime(row.ended_at + kept_days * 86_400 if kept_days and row.ended_at else None),
    )


def _stray_note(progress: RunProgress, shards: Sequence[ShardRecord]) -> str:
    """What to tell of jobs beside the run's own: found and stopped, or still looked for."""
    if found := progress.cancelled_duplicates:
        names = ", ".join(found)
        return f"Google had {plural(len(found), 'more job')} for the same requests ({names}), which may be billed too."
    until = max((shard.strays_until for shard in shards if shard.lost_creates), default=0.0)
    if not until:
        return ""
    return (
        "A reply of Google was lost, and no job was found for it. Should one show up, it is cancelled and told here; "
        f"it is looked for until {datetime.fromtimestamp(until, UTC):%H:%M} UTC."
    )


def inputs_known(row: RunRecord) -> bool:
    """Whether the run's requests are here: not those of a job made elsewhere, unless their file was given."""
    return row.progress.imported_job is None or row.progress.imported_job.inputs_known


def _state(row: RunRecord, now: float, *, key_held: bool | None) -> RunState:
    """The run's state as recorded; only who does not hold its key can say that nobody does.

    Who works on runs and does not hold it knows that at once, unless another process is at it; others by its being
    overdue.
    """
    state = row.state
    if key_held:
        return RunState.ACTIVE if state is RunState.WAITING_FOR_KEY else state
    if key_held is False and not state.ended and row.lease_until <= now:
        return RunState.WAITING_FOR_KEY
    unclaimed = max(row.due_at, row.lease_until, row.created_at)
    if not state.ended and now - unclaimed > OVERDUE_SECONDS:
        return RunState.WAITING_FOR_KEY
    return state


def _status_text(
    row: RunRecord, state: RunState, stage: Stage, shards: Sequence[ShardRecord], jobs: Sequence[JobView]
) -> str:
    if state is RunState.WAITING_FOR_CAPACITY and row.progress.backoff.reason == "paused":
        return "paused until the account at Google is in order"
    if state is RunState.FINISHED and row.progress.held_back_rows:
        return held_back_words(row.progress.held_back_rows)
    if state in STATE_LABELS:
        return STATE_LABELS[state]
    if row.progress.waits_for_budget and not row.cancel:
        return f"waiting for a job to end, so as not to exceed {money(row.spec.max_usd)}"
    if row.cancel:
        return "being cancelled"
    open_states = {job.state for job in jobs if job.state and not job.ended_at}
    if stage is Stage.RUNNING and len(open_states) == 1:
        return describe_state(open_states.pop())
    parts = [shard for shard in shards if shard.stage is not ShardStage.SPLIT]
    if stage is Stage.SUBMITTING and len(parts) > 1:
        sent = sum(shard.stage not in UNSENT_STAGES for shard in parts)
        return f"sending, {sent:,} of {len(parts):,} parts"
    return STAGE_LABELS[stage]


def _job(shard: ShardRecord, progress: RunProgress) -> JobView:
    return JobView(
        shard=shard.n,
        name=shard.job_name,
        state=shard.job_state,
        rows=shard.rows,
        stats=shard.stats,
        created_at=_to_datetime(shard.job_created_at),
        ended_at=_to_datetime(shard.job_ended_at),
        error=shard.error,
        state_since=_to_datetime(job_age.state_since(progress, shard)) if shard.job_created_at else None,
        file=shard.file_name,
        file_until=_to_datetime(progress.file_expires_at.get(shard.n)),
    )


def _cache(row: CacheRecord) -> CacheView:
    return CacheView(
        group=row.group_id,
        name=row.name,
        tokens=row.tokens,
        expire_at=_to_datetime(row.expire_at),
        deleted_at=_to_datetime(row.deleted_at),
        usd=row.usd,
        created_at=_to_datetime(row.created_at),
    )


def _to_datetime(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def model_choices(catalog: Catalog, live: Sequence[Mapping[str, Any]], today: date) -> list[ModelChoice]:
    """Models to offer: the service's list filtered to those that can batch, else the catalog's; none is retired."""
    if not live:
        return [
            _model_choice(catalog, name, entry.label, today) for name, entry in catalog.available_models(today).items()
        ]
    batch_models = [m for m in live if BATCH_METHODS & set(m.get("supportedGenerationMethods") or [])]
    names = [(model_id(str(m["name"])), str(m.get("displayName") or "")) for m in batch_models]
    catalog_entries = [(name, label, catalog.model(name)) for name, label in names]
    return [
        _model_choice(catalog, name, label, today)
        for name, label, entry in catalog_entries
        if not (entry and entry.is_retired(today))
    ]


def _model_choice(catalog: Catalog, name: str, label: str, today: date) -> ModelChoice:
    tariff, entry = catalog.tariff(name, today), catalog.model(name)
    return ModelChoice(
        id=name,
        label=label or name,
        batch_input_usd=tariff.input_batch if tariff else None,
        batch_output_usd=tariff.output_batch if tariff else None,
        explicit_caching=entry.explicit_caching if entry else None,
        note=catalog.describe_price(name, today),
        kind=entry.kind if entry else "text",
    )
