"""A job that shows up after its run has ended is stopped and told of, for as long as one may show up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batch.errors import ApiError
from batch.model import SendAs
from batch.pricing.costs import RunCost
from lifecycle.storage.sign_ins import SignIns
from lifecycle.storage.stray_ledger import StrayLedger
from lifecycle.workflow import stray_jobs
from lifecycle.workflow.maintenance import Maintenance
from lifecycle.workflow.shards.batch_jobs import STRAY_SECONDS
from tests.lifecycle.simulation import (
    LEASE_SECONDS,
    PREFIX,
    SETTLE_SECONDS,
    FakeGeminiClient,
    InjectedFault,
    Process,
    Simulation,
)


@pytest.fixture
def simulation(tmp_path: Path) -> Iterator[Simulation]:
    with Simulation(tmp_path) as opened:
        yield opened


def look(simulation: Simulation) -> None:
    """What a process does beside its runs, once."""
    store, keyring = simulation.process.store, simulation.process.keyring
    keyring.client(simulation.owner)
    Maintenance(store, keyring, PREFIX, SignIns(store)).run_once(lambda task, owner_id: task(owner_id))


def strays_found(simulation: Simulation) -> int:
    client = simulation.process.keyring.client(simulation.owner)
    assert client is not None
    return stray_jobs.look_for_strays(client, simulation.process.store, simulation.owner, PREFIX)


def end_with_a_lost_create(simulation: Simulation, lag: float) -> str:
    """A run whose first create is listed so late that it has ended before, with the job of its second create."""
    google = simulation.google
    google.list_lag, google.duration = lag, 5_000.0
    google.faults.append(InjectedFault("create", "lost after"))
    run_id = simulation.submit(send_as=SendAs.INLINE)
    simulation.work(SETTLE_SECONDS + 10)
    assert len(google.jobs) == 2
    google.jobs[1].ends = google.now
    simulation.run_until_ended(run_id)
    assert simulation.row(run_id).state == "finished"
    return run_id


def test_a_job_listed_after_the_end_of_its_run_is_cancelled_and_told(simulation: Simulation) -> None:
    google = simulation.google
    run_id = end_with_a_lost_create(simulation, lag=STRAY_SECONDS - 60)
    simulation.process.store.add_run_cost(simulation.owner, RunCost(run=run_id, rows=3, uncached_usd=1.0))
    look(simulation)
    assert google.jobs[0].state == "RUNNING"
    google.now += STRAY_SECONDS - 60
    look(simulation)
    google.advance()
    assert [job.state for job in google.jobs] == ["CANCELLED", "SUCCEEDED"]
    assert "found and cancelled" in simulation.log_text(run_id)
    progress = simulation.row(run_id).progress
    assert progress.cancelled_duplicates == [google.jobs[0].name]
    assert progress.no_result_rows == {google.jobs[0].name: 3}
    (cost,) = simulation.process.store.run_costs(simulation.owner)
    assert (cost.unreturned, cost.uncached_usd, cost.at_least) == (3, None, True)
    lists = google.calls.count("list")
    look(simulation)
    assert google.calls.count("list") == lists + 1  # the sweep of orphans alone: nothing else is expected


def test_a_list_that_is_an_hour_old_ends_the_search(simulation: Simulation) -> None:
    google = simulation.google
    run_id = end_with_a_lost_create(simulation, lag=1e9)
    look(simulation)
    assert simulation.shards(run_id)[0].lost_creates == 1
    google.now += STRAY_SECONDS + 60
    look(simulation)
    assert simulation.shards(run_id)[0].lost_creates == 0
    assert simulation.row(run_id).progress.no_result_rows == {}


def test_the_search_survives_a_restart_and_a_list_that_cannot_be_had(simulation: Simulation) -> None:
    google = simulation.google
    end_with_a_lost_create(simulation, lag=200.0)
    google.now += 200
    simulation.restart()
    google.faults += [InjectedFault("list", "503"), InjectedFault("list", "503")]
    look(simulation)
    look(simulation)
    google.advance()
    assert google.jobs[0].state == "CANCELLED"


def test_a_reply_that_was_found_again_leaves_nothing_to_look_for(simulation: Simulation) -> None:
    simulation.google.faults.append(InjectedFault("create", "lost after"))
    run_id = simulation.submit(send_as=SendAs.INLINE)
    simulation.run_until_ended(run_id)
    assert simulation.shards(run_id)[0].lost_creates == 0
    lists = simulation.google.calls.count("list")
    assert strays_found(simulation) == 0
    assert simulation.google.calls.count("list") == lists


def sleep_in_create(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch, other: Process, leases: int, after: bool
) -> None:
    """The process is suspended before its create is sent, or after, while another works for so many leases."""
    real = FakeGeminiClient.create_batch

    def create(self: FakeGeminiClient, model: str, batch: Any, method: str) -> Any:
        monkeypatch.setattr(FakeGeminiClient, "create_batch", real)
        reply = real(self, model, batch, method) if after else None
        for _ in range(leases):
            simulation.google.now += LEASE_SECONDS
            while other.step():
                pass
        return reply or real(self, model, batch, method)

    monkeypatch.setattr(FakeGeminiClient, "create_batch", create)


def test_a_job_of_a_process_that_slept_is_adopted_by_who_took_over(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its job is not listed yet, and no second create was sent: the run gets it by name."""
    simulation.google.list_lag = 1e9
    other = Process(simulation)
    run_id = simulation.submit()
    sleep_in_create(simulation, monkeypatch, other, leases=6, after=True)
    simulation.work(0)
    assert simulation.shards(run_id)[0].handed_jobs == ["batches/1"]
    simulation.run_until_ended(run_id)
    other.kill()
    assert [job.state for job in simulation.google.jobs] == ["SUCCEEDED"]
    assert len(simulation.answers(run_id)) == 3


@pytest.mark.parametrize("duration", [1.0, 5_000.0])
def test_a_job_of_a_process_that_slept_is_cancelled_where_there_is_another(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch, duration: float
) -> None:
    """Who slept wakes after the run has another job, or has even ended; its own job is never listed."""
    google = simulation.google
    google.list_lag, google.duration = 1e9, duration
    other = Process(simulation)
    run_id = simulation.submit(send_as=SendAs.INLINE)
    sleep_in_create(simulation, monkeypatch, other, leases=20, after=False)
    simulation.work(0)
    assert len(google.jobs) == 2
    google.jobs[0].ends = min(google.jobs[0].ends, google.now + 100)
    google.jobs[1].ends = 9e12
    simulation.run_until_ended(run_id)
    other.kill()
    google.advance()
    assert [job.state for job in google.jobs] == ["SUCCEEDED", "CANCELLED"]
    assert google.jobs[1].name in simulation.row(run_id).progress.no_result_rows
    assert google.jobs[1].name in simulation.log_text(run_id)


def test_a_reply_lost_by_a_process_that_slept_is_looked_for(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    google = simulation.google
    google.list_lag, google.duration = 300.0, 1.0
    other = Process(simulation)
    run_id = simulation.submit(send_as=SendAs.INLINE)
    real = FakeGeminiClient.create_batch

    def create(self: FakeGeminiClient, model: str, batch: Any, method: str) -> Any:
        monkeypatch.setattr(FakeGeminiClient, "create_batch", real)
        for _ in range(20):
            google.now += LEASE_SECONDS
            while other.step():
                pass
        real(self, model, batch, method)
        google.jobs[-1].ends = 9e12
        raise ApiError("The connection broke.", reason="NETWORK", ambiguous=True)

    monkeypatch.setattr(FakeGeminiClient, "create_batch", create)
    simulation.work(0)
    assert simulation.row(run_id).stage == "finished"
    google.now += 400
    look(simulation)
    other.kill()
    google.advance()
    assert [job.state for job in google.jobs] == ["SUCCEEDED", "CANCELLED"]


def test_a_job_that_another_run_has_adopted_is_left_alone(simulation: Simulation) -> None:
    """The user recovered it by its name meanwhile."""
    google = simulation.google
    end_with_a_lost_create(simulation, lag=200.0)
    google.now += 200
    other = simulation.submit()
    simulation.work(0)
    store = simulation.process.store
    row = store.claim([simulation.owner], 60) or simulation.row(other)
    google.now += 120
    row = store.claim([simulation.owner], 60) or row
    store.set_shard(other, row.token, 0, job_name=google.jobs[0].name)
    assert strays_found(simulation) == 0


def test_nothing_is_handed_to_a_run_that_is_gone(simulation: Simulation) -> None:
    ledger = StrayLedger(simulation.process.store)
    assert not ledger.hand_over("nowhere", 0, "batches/9")
    assert not ledger.record_stray("nowhere", "", "batches/9", 3)
