"""One job for each shard: before the create, after it, when it is refused, and when it turns up later."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batch.errors import InputError
from batch.model import SendAs, Stage
from lifecycle.core.transport import BatchLimits
from lifecycle.workflow.worker import STAGES
from tests.lifecycle.simulation import (
    LEASE_SECONDS,
    SETTLE_SECONDS,
    SURVIVABLE_FAULTS,
    TIMEOUT_SECONDS,
    FakeGeminiClient,
    InjectedFault,
    Job,
    Process,
    Simulation,
)


@pytest.fixture
def simulation(tmp_path: Path) -> Iterator[Simulation]:
    with Simulation(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("kind", SURVIVABLE_FAULTS)
@pytest.mark.parametrize("op", ["list", "upload", "list files", "create", "get", "download", "delete file"])
def test_whatever_befalls_a_call_there_is_one_job_and_a_finished_run(
    simulation: Simulation, op: str, kind: str
) -> None:
    simulation.google.faults.append(InjectedFault(op, kind))
    run_id = simulation.submit()
    simulation.run_until_ended(run_id)
    assert simulation.row(run_id).state == "finished"
    assert len(simulation.google.jobs) == 1
    assert not simulation.google.files
    assert len(simulation.answers(run_id)) == 3


@pytest.mark.parametrize("lag", [0.0, 20.0, SETTLE_SECONDS - 1])
@pytest.mark.parametrize("kind", ["crash after", "lost after", "500 after"])
def test_a_job_that_is_listed_late_is_adopted(simulation: Simulation, kind: str, lag: float) -> None:
    simulation.google.list_lag = lag
    simulation.google.faults.append(InjectedFault("create", kind))
    run_id = simulation.submit(send_as=SendAs.INLINE)
    simulation.run_until_ended(run_id)
    assert len(simulation.google.jobs) == 1
    assert "adopted" in simulation.log_text(run_id)


def test_it_is_looked_before_the_first_create_too(simulation: Simulation) -> None:
    """A database put back from a copy knows nothing of the job that it had already sent."""
    run_id = simulation.submit()
    name, now = f"gbr-test-{run_id}-s0000", simulation.google.now
    simulation.google.jobs.append(Job("batches/before", name, [f"{run_id}-{n}" for n in range(3)], now, now + 5))
    simulation.run_until_ended(run_id)
    assert [job.name for job in simulation.google.jobs] == ["batches/before"]
    assert len(simulation.answers(run_id)) == 3


def test_a_create_that_outlasts_its_timeout_is_settled_from_when_its_process_died(simulation: Simulation) -> None:
    """A slow upload of a large create: the process lives, and sends, longer than any timeout; then it is killed."""
    simulation.google.list_lag = SETTLE_SECONDS - 1

    def a_long_time() -> None:
        simulation.google.jobs[-1].created = simulation.google.now = simulation.google.now + 600

    simulation.google.faults.append(InjectedFault("create", "crash after", during=a_long_time))
    run_id = simulation.submit()
    simulation.run_until_ended(run_id)
    assert len(simulation.google.jobs) == 1


@pytest.mark.parametrize("short", [1, 2])
def test_one_list_cut_short_does_not_buy_a_second_job(simulation: Simulation, short: int) -> None:
    simulation.google.faults.append(InjectedFault("create", "lost after"))
    run_id = simulation.submit(send_as=SendAs.INLINE)
    simulation.work(0)
    simulation.google.short_lists = short
    simulation.run_until_ended(run_id)
    assert len(simulation.google.jobs) == 1


def test_after_a_long_absence_one_list_cut_short_is_not_believed(simulation: Simulation) -> None:
    simulation.google.faults.append(InjectedFault("create", "lost after"))
    run_id = simulation.submit(send_as=SendAs.INLINE)
    simulation.work(0)
    simulation.google.now += 3600
    simulation.google.short_lists = 1
    simulation.run_until_ended(run_id)
    assert len(simulation.google.jobs) == 1


def test_a_second_job_is_cancelled_before_the_first_is_adopted_even_if_the_cancel_fails_once(
    simulation: Simulation,
) -> None:
    google = simulation.google
    google.duration, google.list_lag = 1_000.0, 1e9
    google.faults.append(InjectedFault("create", "lost after"))
    run_id = simulation.submit(send_as=SendAs.INLINE)
    simulation.work(SETTLE_SECONDS * 3)
    assert len(google.jobs) == 2  # the service broke its word: it listed nothing for over a minute
    google.list_lag = 0.0
    google.faults.append(InjectedFault("cancel", "503"))
    simulation.run_until_ended(run_id)
    assert sorted(job.state for job in google.jobs) == ["CANCELLED", "SUCCEEDED"]
    assert "found and cancelled" in simulation.log_text(run_id)
    assert len(simulation.answers(run_id)) == 3


def test_while_a_second_job_is_looked_for_one_that_is_awaited_is_not_taken_for_it(simulation: Simulation) -> None:
    """The first shard's create was repeated; the second's, just sent without a reply, must not be cancelled."""
    simulation.limits = BatchLimits(rows=2)
    simulation.restart()
    google = simulation.google
    google.duration = 1_000.0
    google.faults += [InjectedFault("create", "lost before"), InjectedFault("create", "lost after")]
    run_id = simulation.submit(rows=4)
    google.list_lag = 30.0
    simulation.work(SETTLE_SECONDS + 10)
    assert len(google.jobs) == 1
    google.faults += [InjectedFault("create", "lost after")]
    simulation.run_until_ended(run_id)
    assert [job.state for job in google.jobs] == ["SUCCEEDED"] * 2
    assert len(simulation.answers(run_id)) == 4


def test_two_jobs_found_at_once_leave_one(simulation: Simulation) -> None:
    google = simulation.google
    google.faults += [InjectedFault("create", "lost after")]
    run_id = simulation.submit(send_as=SendAs.INLINE)
    simulation.work(0)
    google.jobs.append(type(google.jobs[0])(**{**vars(google.jobs[0]), "name": "batches/twin", "ends": 9e12}))
    google.faults.append(InjectedFault("cancel", "503"))
    simulation.run_until_ended(run_id)
    assert sorted(job.state for job in google.jobs) == ["CANCELLED", "SUCCEEDED"]


def test_a_refusals_delay_is_kept_while_other_jobs_are_watched(simulation: Simulation) -> None:
    """Two shards: the first runs and is looked at every second; the second was told to wait for 20 s."""
    simulation.limits = BatchLimits(rows=2)
    simulation.restart()
    simulation.google.duration = 300.0
    run_id = simulation.submit(rows=4)
    simulation.google.faults.append(InjectedFault("create", "429 with delay"))
    simulation.work(0)
    simulation.work(19)
    assert simulation.google.calls.count("create") == 1
    simulation.work(5)
    assert simulation.google.calls.count("create") == 3
    simulation.run_until_ended(run_id)


def test_a_full_queue_is_fed_as_jobs_end(simulation: Simulation) -> None:
    """Five shards and room for two: each goes as soon as one before it has ended."""
    simulation.limits = BatchLimits(rows=2)
    simulation.restart()
    simulation.google.max_open_jobs, simulation.google.duration = 2, 30.0
    run_id = simulation.submit(rows=10)
    simulation.work(1)
    row = simulation.row(run_id)
    assert row.state == "waiting_for_capacity"
    assert "Trying again in" in row.note or "goes when one ends" in row.note
    started = simulation.google.now
    simulation.run_until_ended(run_id)
    assert len(simulation.google.jobs) == 5
    assert simulation.google.now - started < 5 * 30 + 60
    assert len(simulation.answers(run_id)) == 10


def test_our_own_limit_of_jobs_is_kept_and_refused_runs_do_not_block_each_other(simulation: Simulation) -> None:
    simulation.limits = BatchLimits(jobs=2)
    simulation.restart()
    simulation.google.faults += [InjectedFault("create", "429")] * 6
    runs = [simulation.submit() for _ in range(4)]
    simulation.run_until_ended(*runs)
    assert len(simulation.google.jobs) == 4
    assert all(simulation.row(run_id).state == "finished" for run_id in runs)


def test_a_job_too_large_for_the_queue_is_cut_until_it_fits(simulation: Simulation) -> None:
    """Nothing else is under way, and it is refused again and again: the limit is learned, and the rows are sent."""
    simulation.google.max_tokens = 3  # here: rows
    run_id = simulation.submit(rows=10)
    simulation.run_until_ended(run_id)
    assert simulation.row(run_id).state == "finished"
    assert len(simulation.answers(run_id)) == 10
    assert all(len(job.keys) <= 3 for job in simulation.google.jobs)
    assert sum(len(job.keys) for job in simulation.google.jobs) == 10
    later = simulation.submit(rows=10)
    refused = simulation.google.calls.count("create")
    simulation.run_until_ended(later)
    assert simulation.google.calls.count("create") - refused <= 2 * sum(
        1 for j in simulation.google.jobs if "r2-" in j.keys[0]
    )


@pytest.mark.parametrize("crash_after", [False, True])
def test_a_crash_while_a_job_is_cut_sends_no_row_twice(simulation: Simulation, crash_after: bool) -> None:
    for after in range(1, 10, 2):
        simulation.google.max_tokens, simulation.process.store.crash_in = 5, 0
        run_id = simulation.submit(rows=10)
        while len(simulation.shards(run_id)) < 2 and not simulation.row(run_id).progress.backoff.refusals:
            simulation.work(1)
        while 0 < simulation.row(run_id).progress.backoff.refusals < 3:
            simulation.work(1)
        simulation.process.store.crash_in, simulation.process.store.crash_after = after, crash_after
        simulation.run_until_ended(run_id)
        bought = [key for job in simulation.google.jobs for key in job.keys if key.startswith(f"{run_id}-")]
        assert len(bought) == len(set(bought)) == 10


def test_cancelled_jobs_are_named_as_the_likely_cause(simulation: Simulation) -> None:
    simulation.google.outcome = "STUCK"
    first = simulation.submit()
    simulation.work(10)
    simulation.process.store.request_cancel(first)
    simulation.run_until_ended(first)
    simulation.google.faults += [InjectedFault("create", "429")] * 6
    second = simulation.submit(rows=8)
    simulation.google.outcome = "SUCCEEDED"
    simulation.work(2)
    assert "cancelled in the last two days" in simulation.row(second).note
    simulation.run_until_ended(second)
    assert len(simulation.google.jobs) == 2, "a job was cut although cancelled ones may have filled the queue"


def test_a_bad_key_stops_a_run_that_has_sent_nothing_and_says_what_to_do(simulation: Simulation) -> None:
    simulation.google.key_accepted = False
    run_id = simulation.submit()
    simulation.run_until_ended(run_id, hours=0.1)
    assert simulation.row(run_id).state == "failed"
    assert "does not accept this API key" in simulation.row(run_id).error


def test_a_key_that_goes_bad_later_loses_nothing(simulation: Simulation) -> None:
    simulation.google.duration = 100.0
    run_id = simulation.submit()
    simulation.work(10)
    simulation.google.key_accepted = False
    simulation.work(600)
    assert simulation.row(run_id).state == "active"
    assert "does not accept this API key" in simulation.row(run_id).note
    simulation.google.key_accepted = True
    simulation.run_until_ended(run_id)
    assert simulation.row(run_id).state == "finished"


def test_an_uploaded_file_that_expired_before_its_create_is_uploaded_again(simulation: Simulation) -> None:
    simulation.google.faults.append(InjectedFault("create", "429 with delay"))
    run_id = simulation.submit()
    simulation.work(0)
    simulation.google.files.clear()
    simulation.run_until_ended(run_id)
    assert simulation.row(run_id).state == "finished"
    assert simulation.google.calls.count("upload") == 2


def test_a_cancel_during_an_unanswered_create_stops_the_job_it_may_have_made(simulation: Simulation) -> None:
    simulation.google.list_lag, simulation.google.duration = 20.0, 1000.0
    simulation.google.faults.append(InjectedFault("create", "lost after"))
    run_id = simulation.submit()
    simulation.work(1)
    simulation.process.store.request_cancel(run_id)
    simulation.run_until_ended(run_id)
    assert simulation.row(run_id).state == "cancelled"
    assert [job.state for job in simulation.google.jobs] == ["CANCELLED"]


def test_a_create_that_took_effect_and_was_refused_is_stopped(simulation: Simulation) -> None:
    """The service breaks its word: 400, and yet there is a job. The run fails with a reason, and leaves nothing."""
    simulation.google.duration = 1000.0
    simulation.google.faults.append(InjectedFault("create", "400 after"))
    run_id = simulation.submit()
    simulation.run_until_ended(run_id)
    assert simulation.row(run_id).state == "failed"
    assert [job.state for job in simulation.google.jobs] == ["CANCELLED"]
    assert not simulation.google.files


def test_a_create_is_sent_only_while_the_lease_outlives_its_timeout(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else another process could look, find nothing, and create, while this one's create is still on its way."""
    left, real = [], FakeGeminiClient.create_batch

    def create(self: FakeGeminiClient, model: str, batch: Any, method: str) -> Any:
        left.append(simulation.row(run_id).lease_until - simulation.google.now)
        return real(self, model, batch, method)

    monkeypatch.setattr(FakeGeminiClient, "create_batch", create)
    run_id = simulation.submit()
    simulation.run_until_ended(run_id)
    assert left and min(left) > TIMEOUT_SECONDS


def test_a_run_that_cannot_go_on_waits_for_the_job_that_it_may_have_made(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A create without a reply, then an error that ends the run: the job is listed late, and cancelled."""
    simulation.google.list_lag, simulation.google.duration = SETTLE_SECONDS - 1, 1000.0
    simulation.google.faults.append(InjectedFault("create", "lost after"))
    run_id = simulation.submit()
    simulation.work(0)

    def impossible(work: Any) -> Any:
        raise InputError("This cannot be done.", "Do something else.")

    monkeypatch.setitem(STAGES, Stage.SUBMITTING, impossible)
    simulation.run_until_ended(run_id)
    assert simulation.row(run_id).state == "failed"
    assert [job.state for job in simulation.google.jobs] == ["CANCELLED"]


def test_a_process_that_slept_through_its_lease_writes_nothing_and_its_job_is_cancelled(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paused for ten minutes between the intent and the send, while another process took over."""
    google = simulation.google
    google.duration = 5_000.0
    run_id = simulation.submit()
    other, real = Process(simulation), FakeGeminiClient.create_batch

    def create(self: FakeGeminiClient, model: str, batch: Any, method: str) -> Any:
        monkeypatch.setattr(FakeGeminiClient, "create_batch", real)
        for _ in range(15):
            google.now += LEASE_SECONDS
            while other.step():
                pass
        return real(self, model, batch, method)

    monkeypatch.setattr(FakeGeminiClient, "create_batch", create)
    simulation.work(0)
    assert len(google.jobs) == 2
    simulation.run_until_ended(run_id)
    other.kill()
    assert sorted(job.state for job in google.jobs) == ["CANCELLED", "SUCCEEDED"]
    assert len(simulation.answers(run_id)) == 3
