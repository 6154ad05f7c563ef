"""Stage `running`: watch the jobs, and save each one's results the first time it is seen to have ended."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, ParamSpec

from batch.errors import ApiError
from batch.model import Stage
from batch.responses import service_errors
from gemini.wire import Operation, job_state, parse_operation
from lifecycle.core import job_age
from lifecycle.core.job_states import JobAction, action_for, describe_job_state
from lifecycle.core.run_records import ShardRecord, ShardStage
from lifecycle.workflow.shards import download, file_uploads, poll_schedule, run_caches
from lifecycle.workflow.shards.batch_jobs import cancel_duplicates, may_have_strays
from lifecycle.workflow.shards.context import StageContext, StageResult
from lifecycle.workflow.stages import import_job as import_job_stage

MAX_POLLS = 2  # at a job that has ended with less than was sent, before that is believed
GRACE_FACTOR = 10  # settling times that what must exist may stay out of sight (10 minutes, unless set otherwise)
POLL_AGAIN_SECONDS = 2.0
MAX_POLL_AGAIN_SECONDS = 60.0


P = ParamSpec("P")


class PollSummary(NamedTuple):
    """How many jobs are still open, how many ended just now, when to look again, and what to say."""

    open_jobs: int
    ended_jobs: int
    delay_seconds: float
    note: str


class PollResult(NamedTuple):
    """What a look at one open job says."""

    note: str


def run(ctx: StageContext) -> StageResult:
    """Look at every open job that is due."""
    shards = ctx.shards()
    if ctx.run.requested_end == ShardStage.DETACHED:
        import_job_stage.detach(ctx, shards)
    summary = poll_jobs(ctx, shards)
    if summary.open_jobs:
        return StageResult(Stage.RUNNING, summary.delay_seconds, summary.note)
    return StageResult(Stage.COLLECTING)


def poll_jobs(ctx: StageContext, shards: list[ShardRecord]) -> PollSummary:
    """Look at every open job that is due. A failed look changes nothing that is known of a job, nor of the others."""
    jobs = [shard for shard in shards if shard.stage == ShardStage.SUBMITTED]
    errors: list[ApiError] = []
    if ctx.cancelled and (ctx.run.cancel or not ctx.is_imported):
        _collect_errors(errors, _cancel, ctx, jobs)
    if may_have_strays(ctx, shards):
        _collect_errors(errors, cancel_duplicates, ctx, shards)
    due = [shard for shard in jobs if poll_schedule.is_due(ctx, shard)]
    results = [result for shard in due if (result := _collect_errors(errors, _poll, ctx, shard))]
    _log_age(ctx, shards)
    _collect_errors(
        errors, run_caches.renew_leases, ctx, shards
    )  # after the looks: leases are counted by the service's clock
    _collect_errors(errors, run_caches.renew_user_caches, ctx)
    open_shards = [shard for shard in jobs if shard.stage == ShardStage.SUBMITTED]
    if errors and (open_shards or not service_errors.is_permanent(errors[0])):
        raise next((t for t in errors if not service_errors.is_permanent(t)), errors[0])
    if len(open_shards) < len(jobs):
        with suppress(ApiError):  # what cannot be deleted now is when the run is released
            file_uploads.release_ended(ctx, shards)
    note = next((result.note for result in results if result.note), "")
    delay = min((poll_schedule.seconds_left(ctx, shard) for shard in open_shards), default=0.0)
    return PollSummary(len(open_shards), len(jobs) - len(open_shards), delay, note)


def _collect_errors(
    errors: list[ApiError], action: Callable[P, PollResult | None], *args: P.args, **kwargs: P.kwargs
) -> PollResult | None:
    """Do one of several things that do not depend on each other, unless nobody answers at all."""
    if any(earlier.reason in ("NETWORK", "TIMEOUT") for earlier in errors):
        return None
    try:
        return action(*args, **kwargs)
    except ApiError as error:
        errors.append(error)
        return None


def _poll(ctx: StageContext, shard: ShardRecord) -> PollResult | None:
    """Look at one job; None once it has ended here too."""
    try:
        op = parse_operation(ctx.client.get_batch(shard.job_name))
    except ApiError as error:
        if not service_errors.is_gone(error) or error.status == 403:  # the key that made it may see it: not gone
            raise
        return _handle_missing_job(ctx, shard, error)
    state = job_state(op.state)
    if state != shard.job_state:
        level = "info" if action_for(state) is not JobAction.UNKNOWN else "warning"
        cancelling = shard.n in ctx.progress.cancel_requested_shards and state == "JOB_STATE_SUCCEEDED"
        description = "has ended" if cancelling else f"is {describe_job_state(state)}"
        ctx.log_event(f"Job {op.name} {description} ({state}).", level)
        _reset_missed_polls(ctx, shard)
        if shard.job_state:  # else the first look: it has been so since it was made, as far as anybody knows
            ctx.progress.state_since[shard.n] = ctx.server_now().timestamp()
    ctx.set_shard(shard, job_state=state, stats=op.stats or shard.stats, error=op.error or shard.error)
    if action_for(state) in (JobAction.WAIT, JobAction.UNKNOWN):
        _reset_missed_polls(ctx, shard)
        return _schedule(ctx, shard, poll_schedule.next_delay(ctx, shard))
    return _save_results(ctx, shard, op, action_for(state))


def _log_age(ctx: StageContext, shards: list[ShardRecord]) -> None:
    """Note how far Google's clock is ahead of ours, and warn once at each age that deserves it."""
    ctx.progress.clock_skew = round(ctx.server_now().timestamp() - ctx.now(), 1)
    age = job_age.oldest_job_age(ctx.progress, shards, ctx.now())
    if age and age.warn_hours > ctx.progress.warned_hours:
        ctx.progress.warned_hours = age.warn_hours
        ctx.log_event(job_age.warning(age.age_seconds), "warning")


def _handle_missing_job(ctx: StageContext, shard: ShardRecord, error: ApiError) -> PollResult | None:
    """A job that Google says it does not know, although asked by name with the key that made it."""
    if _within_grace(ctx, shard, ctx.options.settle_seconds * GRACE_FACTOR):
        return _retry_soon(ctx, shard, f"Google does not find job {shard.job_name}; looking again.")
    ctx.log_event(f"Job {shard.job_name} is gone: it was deleted elsewhere. {error}", "error")
    download.record_missing_rows(ctx, shard)
    ctx.save()
    ctx.set_shard(shard, stage=ShardStage.ENDED, error="The job was deleted at Google.", job_ended_at=ctx.now())
    return None


def _save_results(ctx: StageContext, shard: ShardRecord, op: Operation, action: JobAction) -> PollResult | None:
    """Save an ended job's results, whole, before it counts as ended here."""
    try:
        saved = download.download_results(ctx, shard, op)
    except ApiError as error:
        if not service_errors.is_gone(error, or_bad_name=True):
            raise
        return _handle_unfetchable(ctx, shard, op, error)
    incomplete = action is JobAction.COLLECT_PARTIAL or saved < shard.rows
    grace = (
        ctx.options.settle_seconds * GRACE_FACTOR
        if action is JobAction.COLLECT and not download.has_output(op)
        else 0.0
    )
    if incomplete and _within_grace(ctx, shard, grace):
        return _retry_soon(
            ctx, shard, f"Job {op.name} has ended with {saved:,} of {shard.rows:,} results; looking once more."
        )
    _log_end(ctx, shard, op, action, saved)
    if ctx.is_imported and op.responses_file:
        import_job_stage.record_retention(ctx, op.responses_file)
    download.record_missing_rows(ctx, shard)
    ctx.save()  # the result file's name, before the job counts as ended: releasing must know it
    ended_at = (op.ended_at or ctx.server_now()).timestamp()
    no_results = action is JobAction.COLLECT and not download.has_output(op)
    fault = "Google says that the job succeeded, but shows no results." if no_results else shard.error
    ctx.set_shard(shard, stage=ShardStage.ENDED, error=fault, job_ended_at=ended_at)
    _delete_input_file(ctx, shard)
    poll_schedule.stop(ctx, shard)
    return None


def _delete_input_file(ctx: StageContext, shard: ShardRecord) -> None:
    """Delete the uploaded file, to make room for the next; what cannot be deleted now is when the run is released."""
    if shard.file_name:
        with suppress(ApiError):
            ctx.client.delete_file(shard.file_name)


def _handle_unfetchable(ctx: StageContext, shard: ShardRecord, op: Operation, error: ApiError) -> PollResult | None:
    """The job names results that are not there: after some patience it ends without, and nothing of it is deleted."""
    if _within_grace(ctx, shard, ctx.options.settle_seconds * GRACE_FACTOR):
        return _retry_soon(ctx, shard, f"The results of job {op.name} cannot be fetched yet; looking again. {error}")
    ctx.log_event(
        f"The results of job {op.name} cannot be fetched: {error} Nothing of it was deleted at Google.", "error"
    )
    download.record_missing_rows(ctx, shard)
    ctx.save()
    ctx.set_shard(
        shard, stage=ShardStage.ENDED, error=f"Its results cannot be fetched. {error}", job_ended_at=ctx.now()
    )
    return None


def _log_end(ctx: StageContext, shard: ShardRecord, op: Operation, action: JobAction, saved: int) -> None:
    if action is JobAction.COLLECT_PARTIAL:
        results_text = f"{saved:,} results were saved" if saved else "it left no results"
        reason = f" Google said: {op.error}" if op.error else ""
        ctx.log_event(
            f"Job {op.name} ended as {describe_job_state(job_state(op.state))}; {results_text}.{reason}", "warning"
        )
    elif shard.n in ctx.progress.cancel_requested_shards:
        unserved = download.count_unserved(ctx.received_path(shard))
        ctx.log_event(_describe_cancel(op.name, saved - unserved, shard.rows))
    elif saved < shard.rows:
        ctx.log_event(f"Job {op.name} returned {saved:,} results for {shard.rows:,} requests.", "warning")


def _describe_cancel(name: str, served: int, rows: int) -> str:
    """What a cancel came to: one that reaches a job while it runs ends it as succeeded, with what was served so far."""
    if served >= rows:
        return f"Job {name} had served all its requests before the cancel came; they are kept, and billed."
    return f"Job {name} was cancelled: {served:,} of {rows:,} requests were served; these are kept, and billed."


def _within_grace(ctx: StageContext, shard: ShardRecord, seconds: float) -> bool:
    """Whether to look again for what should be there: so many looks at least, and for so long at least."""
    since = ctx.progress.missed_since.setdefault(shard.n, ctx.now())
    ctx.set_shard(shard, missed_polls=shard.missed_polls + 1)
    return shard.missed_polls < MAX_POLLS or ctx.now() - since < seconds


def _reset_missed_polls(ctx: StageContext, shard: ShardRecord) -> None:
    """What was missed has shown up."""
    ctx.progress.missed_since.pop(shard.n, None)
    ctx.set_shard(shard, missed_polls=0)


def _retry_soon(ctx: StageContext, shard: ShardRecord, note: str) -> PollResult:
    return _schedule(ctx, shard, min(MAX_POLL_AGAIN_SECONDS, POLL_AGAIN_SECONDS * shard.missed_polls), note)


def _schedule(ctx: StageContext, shard: ShardRecord, seconds: float, note: str = "") -> PollResult:
    poll_schedule.postpone(ctx, shard, seconds)
    return PollResult(note)


def _cancel(ctx: StageContext, jobs: list[ShardRecord]) -> None:
    """Ask Google to cancel what is open. It is cancelled when Google says so, not before."""
    requested = ctx.progress.cancel_requested_shards
    for shard in jobs:
        if shard.n not in requested:
            try:
                ctx.client.cancel_batch(shard.job_name)
            except ApiError as error:
                if not service_errors.is_permanent(error):
                    raise
                ctx.log_event(f"Google did not take the cancel of {shard.job_name}: {error}", "warning")
            requested.append(shard.n)
            poll_schedule.start(ctx, shard)
            ctx.log_event(f"Google was asked to cancel {shard.job_name}; finished rows may still be billed.")
