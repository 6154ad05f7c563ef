"""A job's next look is in the future, whatever rounding does to the times that are written down."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lifecycle.core.run_progress import RunProgress
from lifecycle.workflow.shards import poll_schedule


def context(now: float) -> Any:
    run = SimpleNamespace(created_at=now, due_at=now)
    return SimpleNamespace(progress=RunProgress(), run=run, now=lambda: now, google_time=lambda: now)


@pytest.mark.parametrize("fraction", [0.0, 0.0004, 0.0996, 0.9999])
def test_a_look_that_was_just_put_off_is_not_due_at_once(fraction: float) -> None:
    ctx, shard = context(1_800_000_000 + fraction), SimpleNamespace(n=0, job_created_at=None)
    poll_schedule.start(ctx, shard)  # type: ignore[arg-type]
    poll_schedule.postpone(ctx, shard, 5.0)  # type: ignore[arg-type]
    assert poll_schedule.seconds_left(ctx, shard) == pytest.approx(5.0, abs=0.002)  # type: ignore[arg-type]
    assert not poll_schedule.is_due(ctx, shard)  # type: ignore[arg-type]


def test_a_look_put_off_by_a_clock_that_was_ahead_is_due() -> None:
    ahead, shard = context(1_800_003_600), SimpleNamespace(n=0, job_created_at=None)
    poll_schedule.start(ahead, shard)  # type: ignore[arg-type]
    poll_schedule.postpone(ahead, shard, 60.0)  # type: ignore[arg-type]
    now = context(1_800_000_000)
    now.progress = ahead.progress
    assert poll_schedule.is_due(now, shard)  # type: ignore[arg-type]
