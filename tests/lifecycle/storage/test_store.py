"""Leases, fencing tokens, and a database that does not grow with polls."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from batch.errors import OverBudget
from batch.model import RunState, Stage
from batch.pricing.costs import RunCost
from lifecycle.core.models import RunSpec
from lifecycle.core.run_progress import Assumptions, Ending, ImplicitAtStake, PollTimes, RunProgress
from lifecycle.core.run_records import RunRecord, ShardRecord, ShardStage
from lifecycle.storage.store import LeaseLost, OwnerSpending, Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(f"sqlite:///{tmp_path / 'runs.db'}")
    yield made
    made.close()


def run_record(run_id: str, **values: Any) -> RunRecord:
    blank = RunRecord(
        id=run_id,
        owner_id="a",
        spec=RunSpec(model="m"),
        model="m",
        rows=1,
        created_at=time.time(),
        idempotency_key=run_id,
    )
    return replace(blank, **values)


def shard_record(**values: Any) -> ShardRecord:
    blank = ShardRecord(
        run_id="r1", n=0, rows=1, size_bytes=1, tokens=1, transport="file", groups=[], display_name="s0"
    )
    return replace(blank, **values)


def test_of_many_runs_recorded_at_once_each_is_asked_about_with_those_before_it(store: Store) -> None:
    def admit(spending: OwnerSpending) -> None:
        if len(spending.under_way) >= 2:
            raise OverBudget("It is too much.")

    def add(n: int) -> str:
        try:
            return store.add_run(run_record(f"r{n}"), admit)
        except OverBudget:
            return ""

    with ThreadPoolExecutor(8) as pool:
        recorded = sorted(filter(None, pool.map(add, range(8))))
    assert len(recorded) == 2 and sorted(run.id for run in store.unfinished(["a"])) == recorded
    assert store.add_run(run_record("again", idempotency_key=recorded[0]), admit) == recorded[0]


def test_the_same_idempotency_key_records_one_run(store: Store) -> None:
    """A double click is one submission."""
    assert store.add_run(run_record("r1", idempotency_key="t")) == "r1"
    assert store.add_run(run_record("r2", idempotency_key="t")) == "r1"
    assert store.add_run(run_record("r3", idempotency_key="t", owner_id="b")) == "r3"


def test_a_live_lease_cannot_be_claimed_and_an_expired_one_can(store: Store) -> None:
    store.add_run(run_record("r1"))
    first = store.claim(["a"], 60)
    assert first is not None
    assert store.claim(["a"], 60) is None
    store.commit("r1", first.token, {}, delay=0)
    second = store.claim(["a"], 0.0)
    assert second is not None
    assert second.token != first.token


def test_only_runs_whose_key_is_held_are_claimed(store: Store) -> None:
    store.add_run(run_record("r1", owner_id="a"))
    assert store.claim(["b"], 60) is None
    assert store.claim([], 60) is None


def test_a_holder_whose_run_was_taken_writes_nothing(store: Store) -> None:
    """Every write is fenced: run, shard and cache."""
    store.add_run(run_record("r1"))
    old = store.claim(["a"], 0.0)
    new = store.claim(["a"], 60)
    assert old is not None and new is not None
    for write in (
        lambda: store.commit("r1", old.token, {"note": "stale"}, delay=1),
        lambda: store.add_shards("r1", old.token, [shard_record()]),
        lambda: store.set_shard("r1", old.token, 0, job_name="stale"),
        lambda: store.put_cache("r1", old.token, "g", 0, name="stale"),
        lambda: store.extend_lease("r1", old.token, 60),
    ):
        with pytest.raises(LeaseLost):
            write()
    row = store.run("r1")
    assert row is not None and row.note == ""


def test_a_lease_is_never_shortened(store: Store) -> None:
    store.add_run(run_record("r1"))
    row = store.claim(["a"], 60)
    assert row is not None
    store.extend_lease("r1", row.token, 5)
    after = store.run("r1")
    assert after is not None and after.lease_until > time.time() + 50


def test_a_cancel_that_lands_during_a_stage_is_seen_at_once(store: Store) -> None:
    store.add_run(run_record("r1"))
    row = store.claim(["a"], 60)
    assert row is not None
    store.request_cancel("r1")
    store.commit("r1", row.token, {}, delay=300)
    assert store.claim(["a"], 60) is not None


def test_a_cancel_already_seen_does_not_hurry_the_run(store: Store) -> None:
    store.add_run(run_record("r1", cancel=True))
    row = store.claim(["a"], 60)
    assert row is not None
    store.commit("r1", row.token, {}, delay=300, cancel_seen=True)
    assert store.claim(["a"], 60) is None


def test_two_processes_share_one_database_and_its_constants(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'runs.db'}"
    one, two = Store(url), Store(url)
    assert one.get_or_create_setting("salt", lambda: "x") == two.get_or_create_setting("salt", lambda: "y") == "x"
    one.add_run(run_record("r1"))
    assert two.claim(["a"], 60) is not None
    assert one.claim(["a"], 60) is None
    one.close()
    two.close()


def test_polls_do_not_make_the_database_grow(store: Store) -> None:
    """Looking again writes one row in place; a repeated line of the log is not written again."""
    store.add_run(run_record("r1"))
    for _ in range(50):
        row = store.claim(["a"], 60)
        assert row is not None
        store.add_event("r1", "Still running.")
        store.commit("r1", row.token, {"note": "n"}, delay=0)
    assert len(store.events("r1")) == 1


def test_an_owner_with_many_runs_does_not_starve_others(store: Store) -> None:
    for n in range(3):
        store.add_run(run_record(f"a{n}", owner_id="a"))
    store.add_run(run_record("b0", owner_id="b"))
    claimed = [store.claim(["a", "b"], 60, max_per_owner=2) for _ in range(3)]
    assert [row.owner_id for row in claimed if row] == ["a", "a", "b"]
    assert store.claim(["a", "b"], 60, max_per_owner=2) is None


def test_what_an_ended_run_may_have_sent_takes_up_no_room(store: Store) -> None:
    """A create that was never answered counts while its run looks for the job, and no longer."""
    store.add_run(run_record("r1", stage=Stage.SUBMITTING))
    row = store.claim(["a"], 60)
    assert row is not None
    sent = shard_record(tokens=7, creates=1, stage=ShardStage.INTENDED, settle_at=1.0)
    store.add_shards("r1", row.token, [sent])
    assert [(model, shard.tokens) for model, shard in store.quota_shards("a", 0.0)] == [("m", 7)]
    store.commit("r1", row.token, {"stage": Stage.FINISHED})
    assert store.quota_shards("a", 0.0) == []


def test_removing_a_run_leaves_nothing_of_it(store: Store) -> None:
    store.add_run(run_record("r1", stage=Stage.FINISHED))
    store.add_event("r1", "x")
    store.remove_run("r1")
    assert store.run("r1") is None
    assert store.events("r1") == []


def test_what_a_run_has_cost_is_recorded_once(store: Store) -> None:
    store.add_run(run_record("r1", stage=Stage.FINISHED, state=RunState.FINISHED))
    assert [run.id for run in store.runs_without_cost("a")] == ["r1"]
    for usd in (0.5, 0.7):
        store.add_run_cost("a", RunCost("r1", rows_usd=usd))
    assert [cost.rows_usd for cost in store.run_costs("a")] == [0.5]
    assert store.runs_without_cost("a") == [] and store.run_costs("b") == []


def test_a_run_comes_back_as_it_was_recorded(store: Store) -> None:
    """Whatever its progress holds: numbers as keys, tuples, and the difference between None and not known."""
    progress = RunProgress(
        assumed=Assumptions(token_counts={"1f": 3}, explicit_minimum=None),
        poll_times={0: PollTimes(1.0, 2.0)},
        file_expires_at={3: None},
        implicit_at_stake=ImplicitAtStake(2, 4096),
        ending=Ending(RunState.FAILED, "It broke."),
    )
    spec = RunSpec(model="m", allow_uncached=False, delete_user_caches=True, overrides={"g": "none"})
    run = run_record("r1", spec=spec, progress=progress, counts={"answered": 1}, actual_usd=0.25)
    store.add_run(run)
    assert store.run("r1") == run
    store.add_run(run_record("r2"))
    second = store.run("r2")
    assert second is not None and second.progress.assumed.explicit_minimum is UNSET
