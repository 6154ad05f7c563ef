"""How many rows of a run are done, from what Google tells of its jobs and from what came back. Pure.

A job's counters are of its own requests: rows that are sent again within the run would count twice, copies not at
all, and while a job runs the service may not move its counters (recorded: 25 polls of a job of three rows).
"""

from __future__ import annotations

from collections.abc import Sequence

from batch.model import Outcome
from lifecycle.core.models import Progress
from lifecycle.core.run_records import RunRecord, ShardRecord, ShardStage

_ERRORS = (Outcome.ERROR_TRANSIENT, Outcome.ERROR_PERMANENT)


def row_progress(run: RunRecord, shards: Sequence[ShardRecord]) -> Progress:
    """Rows done of all rows; never more than there are. Not known while no job has told more than that it waits."""
    if run.counts:
        return _from_counts(run)
    counted = [shard for shard in shards if shard.stage != ShardStage.SPLIT]
    done = [_done(run, shard) for shard in counted]
    resent = sum(shard.rows for shard in counted if shard.attempt)  # these rows failed in an earlier attempt
    total = min(run.rows, sum(shard.rows for shard in counted if not shard.attempt)) or run.rows
    failed = max(0, sum(failed for _, failed in done) - resent)
    succeeded = sum(succeeded for succeeded, _ in done)
    return Progress(
        total=total,
        succeeded=min(total, succeeded),
        failed=min(failed, max(0, total - succeeded)),
        is_known=any(any(told) for told in done) or any(shard.stage == ShardStage.ENDED for shard in counted),
    )


def _from_counts(run: RunRecord) -> Progress:
    """Of a run whose results are here: a row is done if anything came back for it."""
    failed = sum(run.counts.get(outcome, 0) for outcome in _ERRORS)
    absent = run.counts.get(Outcome.MISSING, 0) + run.counts.get(Outcome.NO_RESPONSE, 0)
    return Progress(run.rows, max(0, sum(run.counts.values()) - failed - absent), failed, True)


def _done(run: RunRecord, shard: ShardRecord) -> tuple[int, int]:
    """(succeeded, failed) requests of a job. Of one that has ended what came back counts, whatever its counters say."""
    stats = shard.stats or {}
    failed = min(shard.rows, int(stats.get("failed", 0)))
    if shard.stage != ShardStage.ENDED:
        return min(shard.rows - failed, int(stats.get("succeeded", 0))), failed
    returned = max(0, shard.rows - run.progress.no_result_rows.get(shard.job_name, 0))
    failed = min(failed, returned)
    return returned - failed, failed
