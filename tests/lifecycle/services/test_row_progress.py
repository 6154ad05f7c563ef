"""A run's progress is true and never over its rows, whatever was sent twice, merged, lost or not told."""

from __future__ import annotations

from typing import Any

import pytest

from lifecycle.core.models import Progress, RunSpec
from lifecycle.core.run_progress import RunProgress
from lifecycle.core.run_records import RunRecord, ShardRecord, ShardStage
from lifecycle.services.row_progress import row_progress

ENDED, SUBMITTED = ShardStage.ENDED, ShardStage.SUBMITTED


def run(rows: int, **values: Any) -> RunRecord:
    return RunRecord(
        id="r", owner_id="o", spec=RunSpec("m"), model="m", rows=rows, created_at=0.0, idempotency_key="", **values
    )


def shard(rows: int, stage: ShardStage, succeeded: int = 0, failed: int = 0, **values: Any) -> ShardRecord:
    stats = {"requests": rows, "succeeded": succeeded, "failed": failed, "pending": rows - succeeded - failed}
    own = {"run_id": "r", "n": 0, "size_bytes": 0, "tokens": 0, "transport": "file", "groups": [], "display_name": ""}
    return ShardRecord(**{**own, "rows": rows, "stage": stage, "stats": stats, **values})


def told(progress: Progress) -> tuple[int, int, int, bool]:
    return progress.succeeded, progress.failed, progress.total, progress.is_known


@pytest.mark.parametrize(
    ("rows", "shards", "expected"),
    [
        (60, [shard(60, SUBMITTED, 20, 3)], (20, 3, 60, True)),
        (60, [shard(60, SUBMITTED)], (0, 0, 60, False)),
        (60, [], (0, 0, 60, False)),
        (60, [shard(60, ENDED)], (60, 0, 60, True)),
        (60, [shard(60, ENDED, 60, 60)], (0, 60, 60, True)),
        (60, [shard(60, ENDED, 3, 57), shard(57, SUBMITTED, 57, attempt=1)], (60, 0, 60, True)),
        (60, [shard(60, ENDED, 3, 57), shard(57, SUBMITTED, attempt=1)], (3, 0, 60, True)),
        (60, [shard(60, ENDED, 3, 57), shard(57, ENDED, 50, 7, attempt=1)], (53, 7, 60, True)),
        (23, [shard(21, ENDED, 21)], (21, 0, 21, True)),
        (60, [shard(60, ShardStage.SPLIT), shard(30, ENDED, 30), shard(30, SUBMITTED)], (30, 0, 60, True)),
        (10, [shard(10, SUBMITTED, 40, 40)], (0, 10, 10, True)),
    ],
    ids=[
        "growing",
        "no counter moves",
        "nothing sent",
        "ended with counters that stood still",
        "counters over their job",
        "caches died and all was sent again",
        "caches died and nothing came yet",
        "some failed again",
        "copies are sent once",
        "cut in two",
        "nonsense",
    ],
)
def test_progress_of_a_run_under_way(
    rows: int, shards: list[ShardRecord], expected: tuple[int, int, int, bool]
) -> None:
    progress = row_progress(run(rows), shards)
    assert told(progress) == expected
    assert progress.done <= progress.total <= rows


def test_results_that_are_gone_are_not_done() -> None:
    lost = run(30, progress=RunProgress(no_result_rows={"batches/a": 30}))
    assert told(row_progress(lost, [shard(30, ENDED, 30, job_name="batches/a")])) == (0, 0, 30, True)


def test_of_an_ended_run_what_came_back_counts() -> None:
    counts = {"answered": 20, "truncated": 1, "error_permanent": 1, "missing": 1, "no_response": 0}
    ended = run(23, counts=counts)
    assert told(row_progress(ended, [shard(21, ENDED, 21)])) == (21, 1, 23, True)
