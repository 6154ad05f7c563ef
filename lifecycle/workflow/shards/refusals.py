"""What a refusal of an upload, a cache or a job means for a run: pause, wait for room or a file, or give up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batch.errors import ApiError
from batch.formatting import plural
from batch.model import Stage
from batch.responses import service_errors
from batch.responses.error_rules import Treatment
from lifecycle.core.polling import backoff_delay, pause_delay
from lifecycle.core.run_progress import Backoff
from lifecycle.core.run_records import ShardRecord
from lifecycle.planning import quota
from lifecycle.workflow.shards import split_shard
from lifecycle.workflow.shards.context import StageContext, StageFailed, StageResult

if TYPE_CHECKING:
    from lifecycle.workflow.shards.batch_jobs import JobListing

REFUSALS_BEFORE_SPLIT = 4  # of a job that is alone at Google, before it is taken to be too large and cut in two
MAX_RETRY_SECONDS = 300.0  # between creates that are refused for want of room
FILE_POLL_SECONDS = 60.0  # at most, between looks at a file that is being processed
MAX_TRIES = 60  # of what should pass by itself: about an hour


def pause(ctx: StageContext, error: ApiError) -> StageResult:
    """The account cannot pay: nothing is sent until its owner has seen to it; looked at seldom, or when asked.

    Nothing is learned from it about limits, and no job is divided.
    """
    backoff = ctx.progress.backoff
    if backoff.reason != "paused":
        ctx.progress.backoff = backoff = Backoff(reason="paused")
        ctx.log_event(f"Paused. {error.describe()}", "warning")
    backoff.refusals += 1
    delay = pause_delay(backoff.refusals, error.retry_after)
    backoff.since = ctx.now()
    backoff.retry_at = backoff.not_before = backoff.since + delay
    note = f"Paused. {error.describe()} Looking again in {plural(max(1, round(delay / 60)), 'minute')}."
    return StageResult(ctx.run.stage, delay, note)


def await_file(ctx: StageContext, shard: ShardRecord, error: ApiError) -> StageResult:
    """A file that the requests name is still being processed: ask for it, and try again when it is ready."""
    delay = min(_record_backoff(ctx, error), FILE_POLL_SECONDS)
    ctx.progress.backoff.retry_at = ctx.now() + delay
    explanation = service_errors.classify_api_error(error)
    name = f"files/{explanation.words['file']}" if explanation and "file" in explanation.words else shard.file_name
    failed = bool(name) and _file(ctx, name).get("state") == "FAILED"
    if failed or ctx.progress.backoff.refusals >= MAX_TRIES:
        raise StageFailed(f"Google could not process a file that the requests name. {error}")
    ctx.log_event("Google is still processing a file; the job is sent when it is ready.")
    return StageResult(Stage.SUBMITTING, delay, f"Waiting for a file. Trying again in {delay:.0f} s. {error}")


def on_refused(ctx: StageContext, error: ApiError, subject: str) -> StageResult:
    """The service did not take an upload or a create: try again later, or give up. Raises what others decide."""
    treatment = service_errors.treatment(error)
    if treatment in (Treatment.PAUSE, Treatment.AWAIT_FILE):
        raise error
    if service_errors.is_permanent(error) and not error.ambiguous:
        raise StageFailed(error.describe())
    delay = _record_backoff(ctx, error)
    if error.status is not None and error.status < 500 and ctx.progress.backoff.refusals >= MAX_TRIES:
        raise StageFailed(error.describe())
    reason = quota.STORAGE_FULL_MESSAGE if treatment is Treatment.AWAIT_ROOM and subject == "The upload" else ""
    if error.status == 429:
        if ctx.progress.backoff.reason != "refused":
            ctx.log_event(f"{subject} did not go through. {reason or error}", "warning")
        ctx.progress.backoff.reason = "refused"
    note = f"{subject} did not go through. {reason}".strip()
    return StageResult(Stage.SUBMITTING, delay, f"{note} Trying again in {delay:.0f} s. {error}")


def on_quota_exceeded(ctx: StageContext, shard: ShardRecord, error: ApiError, listing: JobListing) -> StageResult:
    """A create was refused for want of room: say which limit it probably was, and try again when there may be some."""
    delay = _record_backoff(ctx, error)
    usage = quota.quota_usage(ctx.store, ctx.run.owner_id, ctx.model, shard, ctx.now())
    reason = quota.likely_limit(usage, shard.tokens)
    if ctx.progress.backoff.reason != "refused":
        ctx.progress.backoff.reason = "refused"
        ctx.log_event(f"Google has no room for the next job now. {reason}", "warning")
    backoff, alone = ctx.progress.backoff, not usage.cancelled and not listing.open_count()
    learned = quota.learned_cap(ctx.store, ctx.run.owner_id, ctx.model, ctx.now())
    known = learned is not None and shard.tokens > learned
    if alone and shard.rows > 1 and (known or backoff.refusals >= REFUSALS_BEFORE_SPLIT):
        cap = learned if learned is not None and known else shard.tokens // 2
        ctx.store.add_observation(ctx.run.owner_id, ctx.model, quota.ENQUEUED_TOKENS, cap)
        split_shard.split(ctx, shard, cap)
        backoff.refusals = REFUSALS_BEFORE_SPLIT - 2
        return StageResult(Stage.SUBMITTING)
    return StageResult(Stage.SUBMITTING, delay, f"{reason} Trying again in {delay:.0f} s. {error}")


def on_accepted(ctx: StageContext, shard: ShardRecord) -> None:
    """A create went through: whatever was held against the next one is void, and so is a limit that it exceeds."""
    owner_id, backoff = ctx.run.owner_id, ctx.progress.backoff
    if backoff.reason == "paused":
        ctx.log_event("The account is in order again; the run goes on.")
    elif backoff.refusals:  # so cancelled jobs, if there are any, no longer count
        ctx.store.add_observation(owner_id, ctx.model, quota.FREED_AT, ctx.now())
    ctx.progress.backoff = Backoff()
    usage = quota.quota_usage(ctx.store, owner_id, ctx.model, shard, ctx.now())
    if forgotten := quota.forget_cap(ctx.store, owner_id, ctx.model, usage.tokens + shard.tokens, ctx.now()):
        ctx.log_event(f"Google takes more than the {forgotten:,} tokens that a refusal had taught: that is forgotten.")


def _file(ctx: StageContext, name: str) -> dict[str, Any]:
    try:
        return ctx.client.get_file(name)
    except ApiError as error:
        if not service_errors.is_gone(error):
            raise
        return {}


def _record_backoff(ctx: StageContext, error: ApiError) -> float:
    """Seconds until the next try, remembered so that nothing is sent before, whatever else the run is looked at for."""
    if ctx.progress.backoff.reason == "paused":
        ctx.progress.backoff = Backoff()
    backoff = ctx.progress.backoff
    backoff.refusals += 1
    delay = min(backoff_delay(backoff.refusals, error.retry_after, ctx.options.rng), MAX_RETRY_SECONDS)
    delay = max(delay, error.retry_after or 0.0)
    backoff.since = ctx.now()
    backoff.retry_at = backoff.since + delay
    backoff.not_before = ctx.now() + (error.retry_after or 0.0)
    return delay
