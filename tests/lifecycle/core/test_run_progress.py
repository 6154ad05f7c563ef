"""What stages remember survives the JSON of the run's row, and rows of an earlier version are read."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from batch.model import RunState
from lifecycle.core.run_progress import (
    Assumptions,
    Backoff,
    Collected,
    Ending,
    ImplicitAtStake,
    ImportedJob,
    PollTimes,
    RunProgress,
)

FULL = RunProgress(
    assumed=Assumptions(hours=2.0, token_counts={"a": 5}, explicit_minimum=None),
    unattended=True,
    user_caches={"cachedContents/a": 1.5, "cachedContents/b": None},
    imported_job=ImportedJob("batches/1", requests=3),
    implicit_at_stake=ImplicitAtStake(2, 4_000),
    shard_parts={0: [1, 2]},
    file_expires_at={1: 5.0, 2: None},
    named_caches={1: {"g": "cachedContents/a"}},
    backoff=Backoff("paused", 2, 10.0, 20.0),
    poll_times={1: PollTimes(1.0, 2.0)},
    no_result_rows={"batches/1": 3},
    collected=Collected({"answered": 1}, 0.5, 0),
    ending=Ending(RunState.FAILED, "no"),
)


def test_everything_survives_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(FULL), type=RunProgress) == FULL


def test_defaults_are_not_written_and_come_back() -> None:
    assert msgspec.json.encode(RunProgress()) == b'{"assumed":{},"backoff":{}}'
    assert msgspec.json.decode(b"{}", type=RunProgress).assumed.explicit_minimum is UNSET


def test_names_that_a_later_version_wrote_do_no_harm() -> None:
    assert msgspec.json.decode(b'{"invented": 1, "warned_hours": 7}', type=RunProgress).warned_hours == 7


def test_two_runs_share_no_lists() -> None:
    first = RunProgress()
    first.shard_parts[0] = [1]
    first.uploads_started.append(1)
    assert RunProgress() == RunProgress(shard_parts={}, uploads_started=[])
