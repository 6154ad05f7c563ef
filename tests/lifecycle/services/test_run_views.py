"""How a run stands is said in words, with what is known of it."""

from __future__ import annotations

from batch.model import Stage
from lifecycle.core.run_records import ShardStage
from lifecycle.services.run_views import run_view
from tests.lifecycle.services.test_row_progress import run, shard


def test_sending_says_how_many_parts_are_sent() -> None:
    stages = [ShardStage.SUBMITTED, ShardStage.ENDED, ShardStage.SUBMITTED, ShardStage.SPLIT]
    parts = [shard(1, stage, n=n) for n, stage in enumerate([*stages, *[ShardStage.WAITING] * 5])]

    def words(shown: int) -> str:
        return run_view(run(8, stage=Stage.SUBMITTING), parts[:shown], [], 1.0, key_held=True).status_text

    assert words(9) == "sending, 3 of 8 parts" and words(1) == "sending"
