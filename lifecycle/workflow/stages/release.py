"""Stage `releasing`: give back everything this run made at Google, whatever its end."""

from __future__ import annotations

from batch.errors import ApiError
from batch.model import Stage
from lifecycle.workflow.shards import run_caches
from lifecycle.workflow.shards.batch_jobs import settle, stop_strays, tolerant
from lifecycle.workflow.shards.context import Step, Work

LOOK_AGAIN_SECONDS = 2.0
GIVE_UP_AFTER = 12  # failures; what is left then expires by itself, and the sweep tries again
REFUSALS = 3  # of these, if the service says no rather than nothing


def run(work: Work) -> Step:
    """Cancel jobs nobody waits for, and delete caches, uploaded and result files. Results are on disk by now.

    What fails does not keep the rest from being released.
    """
    troubles: list[ApiError] = []
    for release in (_stop_strays, run_caches.release, run_caches.end_lent, _delete_files):
        try:
            unsettled = release(work)
        except ApiError as error:
            troubles.append(error)
            continue
        if unsettled:
            delay = min(unsettled, LOOK_AGAIN_SECONDS)
            return Step(Stage.RELEASING, delay, "Looking whether Google has a job that nobody waits for.")
    if troubles:
        _try_again(work, troubles[0])
    return Step(Stage.FINISHED)


def _try_again(work: Work, trouble: ApiError) -> None:
    """Raise what went wrong, until it has gone wrong often enough."""
    failures = work.data["release_failures"] = int(work.data.get("release_failures", 0)) + 1
    if failures < (REFUSALS if trouble.permanent else GIVE_UP_AFTER):
        raise trouble
    run_caches.leave(work)
    work.tell(f"Not everything could be removed at Google; it expires there by itself. {trouble}", "warning")


def _stop_strays(work: Work) -> float:
    """Cancel jobs of this run that are not being waited for: a create whose reply was lost, a second job for a shard.

    Returns for how many seconds such a job may still show up (0: no longer).
    """
    sent = [shard for shard in work.shards() if shard["creates"]]
    if not sent:
        return 0.0
    for shard in sent:
        if shard["stage"] == "submitted":
            tolerant(work.gateway.cancel_batch, str(shard["job_name"]))
    stop_strays(work, sent, ending=True)
    return max((settle(work, shard) for shard in sent if not shard["job_name"]), default=0.0)


def _delete_files(work: Work) -> None:
    """Delete every file of this run: those it knows, and those only their display name gives away."""
    if not any(shard["transport"] == "file" for shard in work.shards()):
        return
    for file in list(work.gateway.list_files()):
        if str(file.get("displayName") or "").startswith(work.display_prefix):
            tolerant(work.gateway.delete_file, str(file["name"]))
    for output in work.data.get("outputs", {}).values():
        tolerant(work.gateway.delete_file, str(output))
