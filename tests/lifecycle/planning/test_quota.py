"""The meter of what occupies a key's limits, and limits that refusals teach and acceptance takes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lifecycle.core.run_records import ShardStage
from lifecycle.planning.quota import (
    CANCELLED_QUOTA_SECONDS,
    ENQUEUED_TOKENS,
    LEARNED_LIMIT_TTL_SECONDS,
    QuotaUsage,
    enqueued_cap,
    forget_cap,
    likely_limit,
    quota_usage,
    why_full,
)
from lifecycle.storage.store import Store
from tests.lifecycle.storage.test_store import run_record, shard_record


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(f"sqlite:///{tmp_path / 'runs.db'}")
    yield made
    made.close()


def test_open_jobs_of_all_models_and_tokens_of_one_are_counted(store: Store) -> None:
    for run_id, model in (("r1", "m"), ("r2", "other")):
        store.add_run(run_record(run_id, model=model))
    while (claimed := store.claim(["a"], 60)) is not None:
        shards = [shard_record(run_id=claimed.id, n=n, tokens=10, stage=ShardStage.SUBMITTED) for n in range(2)]
        store.add_shards(claimed.id, claimed.token, shards)
    own = shard_record(run_id="r1", n=0)
    assert quota_usage(store, "a", "m", own, store.now()) == QuotaUsage(jobs=3, tokens=10, cancelled=0)
    assert quota_usage(store, "stranger", "m", own, store.now()) == QuotaUsage(0, 0, 0)


def test_a_learned_limit_wins_for_a_week(store: Store) -> None:
    now = store.now()
    assert enqueued_cap(store, "a", "m", 1_000, now) == 1_000
    store.add_observation("a", "m", ENQUEUED_TOKENS, 300.0)
    assert enqueued_cap(store, "a", "m", 1_000, now) == 300
    assert enqueued_cap(store, "a", "other", 1_000, now) == 1_000
    assert enqueued_cap(store, "a", "m", 1_000, now + LEARNED_LIMIT_TTL_SECONDS + 60) == 1_000


def test_accepting_more_than_a_learned_limit_forgets_it(store: Store) -> None:
    store.add_observation("a", "m", ENQUEUED_TOKENS, 300.0)
    assert forget_cap(store, "a", "m", 300, store.now()) is None
    assert forget_cap(store, "a", "m", 301, store.now()) == 300
    assert enqueued_cap(store, "a", "m", None, store.now()) is None
    assert forget_cap(store, "a", "m", 301, store.now()) is None


@pytest.mark.parametrize(
    ("usage", "tokens", "cap", "words"),
    [
        (QuotaUsage(0, 0, 0), 10**9, 100, ""),
        (QuotaUsage(1, 60, 0), 40, 100, ""),
        (QuotaUsage(1, 60, 0), 41, 100, "About 60 tokens wait"),
        (QuotaUsage(1, 60, 0), 10**9, None, ""),
        (QuotaUsage(100, 0, 0), 1, None, "100 jobs are under way"),
    ],
)
def test_a_create_that_cannot_succeed_is_not_sent(usage: QuotaUsage, tokens: int, cap: int | None, words: str) -> None:
    said = why_full(usage, tokens, cap, max_jobs=100)
    assert said.startswith(words) if words else said == ""


@pytest.mark.parametrize(
    ("usage", "words"),
    [
        (QuotaUsage(0, 0, 2), "2 jobs cancelled in the last two days"),
        (QuotaUsage(1, 500, 0), "about 500 do"),
        (QuotaUsage(0, 0, 0), "Nothing of this installation is under way"),
    ],
)
def test_a_refusal_without_details_is_explained_by_what_is_known(usage: QuotaUsage, words: str) -> None:
    assert words in likely_limit(usage, 10)


def test_cancelled_jobs_count_for_two_days() -> None:
    assert CANCELLED_QUOTA_SECONDS == 2 * 86_400
