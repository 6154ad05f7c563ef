"""Stage `submitting`: one batch job for each shard, and never two.

Intent first, then look, then create. Creating a batch is not idempotent at Google (Batch API guide, "Submit jobs
once"), so a create is sent only when no job of the shard's display name is listed and no earlier create can still
show up in the list; after an ambiguous reply nothing is sent until that time has passed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import xxhash

from batch.errors import ApiError
from batch.model import SendAs, Stage
from batch.responses import service_errors
from batch.responses.error_rules import Treatment
from gemini.wire import file_batch_body, inline_batch_body, parse_operation, timestamp
from lifecycle.core.run_progress import Backoff
from lifecycle.core.run_records import UNSENT_STAGES, ShardRecord, ShardStage
from lifecycle.planning import quota
from lifecycle.sending.delivery import has_files
from lifecycle.sending.outgoing import OutgoingRequests, with_files
from lifecycle.storage.store import LeaseLost
from lifecycle.workflow.shards import budget, canary, file_uploads, refusals, run_caches, split_shard, uncached_rows
from lifecycle.workflow.shards.batch_jobs import (
    IN_FLIGHT,
    JobListing,
    attach,
    hand_over,
    handed_jobs,
    note_lost_create,
    record_job,
    seconds_until_listed,
)
from lifecycle.workflow.shards.context import StageContext, StageFailed, StageResult
from lifecycle.workflow.stages import poll as poll_stage

POLL_AGAIN_SECONDS = 2.0
MAX_POLLS = 2  # at the list after a create without a reply, in time for it to show up, before it is sent again
QUOTA_POLL_SECONDS = 10.0  # until our own meter is read again


def run(ctx: StageContext) -> StageResult:
    """Send what can be sent now; jobs already sent are watched meanwhile."""
    shards, listing = ctx.shards(), JobListing(ctx)
    canary_hold = canary.hold_rest(ctx, shards)
    for shard in sorted(shards, key=lambda shard: canary.is_held(ctx, shard)):
        if canary.is_held(ctx, shard):
            return _poll_sent_jobs(ctx, shards, canary_hold or StageResult(Stage.SUBMITTING))
        if shard.stage in UNSENT_STAGES:
            wait = _submit_or_wait(ctx, shard, listing)
            if wait is not None:
                return _poll_sent_jobs(ctx, shards, wait)
    ctx.progress.backoff = Backoff()
    return StageResult(Stage.RUNNING)


def _poll_sent_jobs(ctx: StageContext, shards: list[ShardRecord], wait: StageResult) -> StageResult:
    """Watch the jobs already sent; one that ends makes room, so the next is tried at once."""
    summary = poll_stage.poll_jobs(ctx, shards)
    if summary.ended_jobs:
        ctx.progress.backoff.retry_at = ctx.progress.backoff.not_before
        if ctx.progress.backoff.reason != "paused":
            ctx.progress.backoff.refusals = 0
        return wait._replace(delay_seconds=0.1)
    return wait._replace(delay_seconds=min(wait.delay_seconds, summary.delay_seconds)) if summary.open_jobs else wait


def _submit_or_wait(ctx: StageContext, shard: ShardRecord, listing: JobListing) -> StageResult | None:
    """Give a shard its job, unless the account cannot pay, or a file is not ready."""
    try:
        return _submit(ctx, shard, listing)
    except ApiError as error:
        treatment = service_errors.treatment(error)
        if treatment is Treatment.PAUSE:
            return refusals.pause(ctx, error)
        if treatment is Treatment.AWAIT_FILE:
            return refusals.await_file(ctx, shard, error)
        raise


def _submit(ctx: StageContext, shard: ShardRecord, listing: JobListing) -> StageResult | None:
    """Give a shard its job. None when it has one or needs none; else how long to wait, and why."""
    if not shard.creates:
        wait = _hold_by_budget(ctx, shard)
        if wait or _is_left_out(shard):
            return wait
    try:
        if not shard.settle_at and not ctx.cancelled and (wait := _wait_for_quota(ctx, shard)):
            return wait
        jobs = listing.for_shard(shard) if shard.creates or not ctx.cancelled else []
        jobs = jobs or handed_jobs(ctx, shard)
        unsettled = seconds_until_listed(ctx, shard)
    except ApiError as error:
        if service_errors.is_permanent(error) and not _anything_sent(ctx):
            raise StageFailed(error.describe()) from None
        raise
    if jobs:
        attach(ctx, shard, jobs)
        return None
    if unsettled or _needs_another_poll(ctx, shard):
        note = "No reply to a submission; looking whether Google has the job."
        return StageResult(Stage.SUBMITTING, POLL_AGAIN_SECONDS, note)
    if ctx.cancelled:
        ctx.set_shard(shard, stage=ShardStage.UNSENT)
        return None
    if shard.creates:
        wait = _hold_by_budget(ctx, shard)
        if wait or _is_left_out(shard):
            return wait
    cap = _cap_to_split_by(ctx, shard)
    if cap is not None and split_shard.exceeds_cap(ctx, shard, cap):
        split_shard.split(ctx, shard, cap)
        return StageResult(Stage.SUBMITTING)
    return _create(ctx, shard, listing)


def _hold_by_budget(ctx: StageContext, shard: ShardRecord) -> StageResult | None:
    """Hold the shard back, or leave it out, where it could make the run exceed its budget."""
    return None if ctx.spec.max_usd is None else budget.wait_for_room(ctx, shard)


def _is_left_out(shard: ShardRecord) -> bool:
    return shard.stage == ShardStage.UNSENT


def _anything_sent(ctx: StageContext) -> bool:
    return any(shard.creates for shard in ctx.shards())


def _needs_another_poll(ctx: StageContext, shard: ShardRecord) -> bool:
    """Whether one more look is needed, because a list may be cut short, before a create without a reply is repeated."""
    if not shard.settle_at:
        return False
    ctx.set_shard(shard, missed_polls=shard.missed_polls + 1)
    return shard.missed_polls < MAX_POLLS


def _wait_for_quota(ctx: StageContext, shard: ShardRecord) -> StageResult | None:
    """Wait while the last refusal forbids a try, or while as much is under way as can be."""
    backoff = ctx.progress.backoff
    turned = ctx.now() < backoff.since  # it was written before this clock was set back
    seconds_left = 0.0 if turned else backoff.retry_at - ctx.now()
    asked_for = backoff.reason == "paused" and ctx.run.due_at == 0.0  # by `resume` or the page: look now
    if seconds_left > 0 and not asked_for:
        return StageResult(Stage.SUBMITTING, seconds_left, ctx.run.note)
    owner_id, limits = ctx.run.owner_id, ctx.options.limits
    usage = quota.quota_usage(ctx.store, owner_id, ctx.model, shard, ctx.now())
    reason = quota.why_full(usage, shard.tokens, _token_cap(ctx), limits.jobs)
    if not reason:
        return None
    backoff.reason = "full"
    return StageResult(Stage.SUBMITTING, QUOTA_POLL_SECONDS, reason)


def _token_cap(ctx: StageContext) -> int | None:
    listed = ctx.options.enqueued_tokens(ctx.model)
    return quota.enqueued_cap(ctx.store, ctx.run.owner_id, ctx.model, listed, ctx.now())


def _cap_to_split_by(ctx: StageContext, shard: ShardRecord) -> int | None:
    """The tokens that a job may have. A limit that was learned is tried with the whole job while nothing is under way:
    it may have been a passing one, and a job that is accepted ends it.
    """
    owner_id, now = ctx.run.owner_id, ctx.now()
    if quota.learned_cap(ctx.store, owner_id, ctx.model, now) is None:
        return ctx.options.enqueued_tokens(ctx.model)
    usage = quota.quota_usage(ctx.store, owner_id, ctx.model, shard, now)
    return _token_cap(ctx) if usage.jobs or usage.cancelled else None


def _create(ctx: StageContext, shard: ShardRecord, listing: JobListing) -> StageResult | None:
    """Send one create, having recorded that it is about to be sent."""
    if shard.groups and ctx.progress.without_caches:
        uncached_rows.remove_caches(ctx, shard)
    try:
        uris = file_uploads.ensure_active(ctx, shard)
    except file_uploads.FilesPending as pending:
        return pending.result
    except ApiError as error:
        if file_uploads.is_storage_full(error):
            return file_uploads.wait_for_room(ctx, f"{quota.STORAGE_FULL_MESSAGE} {error}")
        return refusals.on_refused(ctx, error, "The upload")
    try:
        caches = run_caches.ensure_alive(ctx, shard, uris) if shard.groups else {}
    except run_caches.CachePending:
        return StageResult(
            Stage.SUBMITTING, POLL_AGAIN_SECONDS, "No reply to a cache's creation; looking whether it is there."
        )
    except run_caches.CacheRefused as refusal:
        wait = run_caches.on_cache_refused(ctx, refusal)
        if wait is None:
            uncached_rows.remove_caches(ctx, shard, None if ctx.progress.without_caches else {refusal.group})
        return wait or StageResult(Stage.SUBMITTING)
    try:
        body = _body(ctx, shard, caches, uris)
    except ApiError as error:
        return refusals.on_refused(ctx, error, "The upload")
    try:
        ctx.set_shard(shard, stage=ShardStage.INTENDED, creates=shard.creates + 1, settle_at=IN_FLIGHT, missed_polls=0)
        timeout = ctx.options.create_timeout_seconds
        ctx.extend_lease(timeout + min(10.0, timeout))
        job = parse_operation(ctx.client.create_batch(ctx.model, body, ctx.kind.create_method))
        if not job.name:
            raise ApiError("The reply names no job.", reason="MALFORMED", ambiguous=True)
    except ApiError as error:
        if error.ambiguous:
            note_lost_create(ctx, shard, settle_at=ctx.google_time() + ctx.options.settle_seconds)
            note = f"{error} Looking whether Google has the job before anything is sent again."
            return StageResult(Stage.SUBMITTING, 1.0, note)
        ctx.set_shard(shard, settle_at=0.0)
        if _input_expired(ctx, shard, error):
            ctx.set_shard(shard, file_name="")
            return StageResult(Stage.SUBMITTING, 1.0, "The uploaded file had expired; it is uploaded again.")
        if service_errors.treatment(error) is Treatment.AWAIT_ROOM:
            return refusals.on_quota_exceeded(ctx, shard, error, listing)
        return refusals.on_refused(ctx, error, "The submission")
    try:
        refusals.on_accepted(ctx, shard)
        record_job(ctx, shard, job)
    except LeaseLost:  # another process took over while this one slept, and may have sent a create of its own
        hand_over(ctx, shard, job)
        raise
    ctx.log_event(f"Job {job.name} was created for {shard.rows:,} requests.")
    return None


def _input_expired(ctx: StageContext, shard: ShardRecord, error: ApiError) -> bool:
    """Whether a create was refused because the uploaded file is no longer there: it lives for 48 hours."""
    if not shard.file_name or not service_errors.is_gone(error, or_bad_name=True):
        return False
    try:
        ctx.client.get_file(shard.file_name)
    except ApiError as missing:
        return service_errors.is_gone(missing)
    return False


def _body(ctx: StageContext, shard: ShardRecord, caches: dict[str, str], uris: dict[str, str]) -> dict[str, Any]:
    """The create's body; for the file transport the file is uploaded first.

    `caches` names each group's cache, `uris` the address of each uploaded content.
    """
    path = _with_caches(ctx, shard, caches)
    name = shard.display_name
    if shard.transport == SendAs.INLINE.value:
        with path.open("rb") as lines:
            rows = [orjson.loads(with_files(line, ctx.folder, uris)) for line in lines]
        return inline_batch_body(name, [(row["key"], row["request"]) for row in rows])
    outgoing = OutgoingRequests(path, ctx.folder, uris) if has_files(ctx.folder) else None
    if uris and outgoing and ctx.progress.named_uploads.get(shard.n) != outgoing.fingerprint:
        ctx.progress.named_uploads[shard.n] = outgoing.fingerprint
        ctx.set_shard(shard, file_name="")  # it names files that were uploaded anew since
    if not shard.file_name:
        upload_name = f"{name}-{outgoing.fingerprint if outgoing else _fingerprint(path)}"
        uploaded = _uploaded_before(ctx, shard, upload_name) or ctx.client.upload_file(outgoing or path, upload_name)
        until = timestamp(uploaded.get("expirationTime"))
        ctx.progress.file_expires_at[shard.n] = until.timestamp() if until else None
        ctx.set_shard(shard, file_name=str(uploaded["name"]))
    return file_batch_body(name, shard.file_name)


def _with_caches(ctx: StageContext, shard: ShardRecord, caches: dict[str, str]) -> Path:
    """The shard's requests, naming the caches that are alive now."""
    path = ctx.shard_path(shard.n)
    if not caches:
        return path
    named_caches = ctx.progress.named_caches
    if named_caches.get(shard.n) != caches:
        from batch.prefixes.rewrite import fill_placeholders

        with path.open("rb") as unnamed, path.with_suffix(".part").open("wb") as out:
            fill_placeholders(unnamed, out, caches)
        path.with_suffix(".part").replace(path.with_suffix(".named"))
        named_caches[shard.n] = caches
        ctx.set_shard(shard, file_name="")
    return path.with_suffix(".named")


def _uploaded_before(ctx: StageContext, shard: ShardRecord, display_name: str) -> dict[str, Any] | None:
    """The file of this name at Google, if an earlier upload got through; not asked for where none was begun."""
    started = ctx.progress.uploads_started
    if shard.n not in started:
        started.append(shard.n)
        ctx.save()
        return None
    matching = (file for file in ctx.client.list_files() if file.get("displayName") == display_name)
    return next((file for file in matching if file.get("state", "ACTIVE") == "ACTIVE"), None)


def _fingerprint(path: Path) -> str:
    """A hash of a file's bytes, so that an upload is known by what it holds: a cache made anew changes the requests."""
    with path.open("rb") as file:
        digest = xxhash.xxh3_64()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
