"""Stage `releasing`: give back everything this run made at Google, whatever its end."""

from __future__ import annotations

from batch.errors import ApiError
from batch.model import SendAs, Stage
from batch.responses import service_errors
from lifecycle.core.run_records import ShardStage
from lifecycle.workflow.shards import file_uploads, run_caches
from lifecycle.workflow.shards.batch_jobs import cancel_duplicates, ignore_missing, seconds_until_listed
from lifecycle.workflow.shards.context import StageContext, StageResult

POLL_AGAIN_SECONDS = 2.0
MAX_FAILURES = 12  # failures; what is left then expires by itself, and the release of orphans tries again
MAX_REFUSALS = 3  # of these, if the service says no rather than nothing


def run(ctx: StageContext) -> StageResult:
    """Cancel jobs nobody waits for, and delete caches, uploaded and result files. Results are on disk by now.

    What fails does not keep the rest from being released.
    """
    errors: list[ApiError] = []
    for release in (
        _cancel_duplicates,
        run_caches.delete_all,
        run_caches.delete_user_caches,
        _delete_files,
        file_uploads.release_all,
    ):
        try:
            unsettled = release(ctx)
        except ApiError as error:
            errors.append(error)
            continue
        if unsettled:
            delay = min(unsettled, POLL_AGAIN_SECONDS)
            return StageResult(Stage.RELEASING, delay, "Looking whether Google has a job that nobody waits for.")
    if errors:
        _retry_or_leave(ctx, errors[0])
    return StageResult(Stage.FINISHED)


def _retry_or_leave(ctx: StageContext, error: ApiError) -> None:
    """Raise what went wrong, until it has gone wrong often enough."""
    ctx.progress.release_failures += 1
    if ctx.progress.release_failures < (MAX_REFUSALS if service_errors.is_permanent(error) else MAX_FAILURES):
        raise error
    run_caches.price_undeleted(ctx)
    ctx.log_event(f"Not everything could be removed at Google; it expires there by itself. {error}", "warning")


def _cancel_duplicates(ctx: StageContext) -> float:
    """Cancel jobs of this run that are not being waited for: a create whose reply was lost, a second job for a shard.

    Returns for how many seconds such a job may still show up (0: no longer).
    """
    sent = [shard for shard in ctx.shards() if shard.creates]
    if not sent:
        return 0.0
    for shard in sent:
        if shard.stage == ShardStage.SUBMITTED:
            ignore_missing(ctx.client.cancel_batch, shard.job_name)
    cancel_duplicates(ctx, sent, ending=True)
    return max((seconds_until_listed(ctx, shard) for shard in sent if not shard.job_name), default=0.0)


def _delete_files(ctx: StageContext) -> None:
    """Delete every file of this run: those it knows, and those only their display name gives away."""
    if not any(shard.transport == SendAs.FILE for shard in ctx.shards()):
        return
    for file in list(ctx.client.list_files()):
        if str(file.get("displayName") or "").startswith(ctx.display_prefix):
            ignore_missing(ctx.client.delete_file, str(file["name"]))
    for output in ctx.progress.result_files.values():
        ignore_missing(ctx.client.delete_file, output)
