"""One job for each shard: before the create, after it, when it is refused, and when it turns up later."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batch.errors import InputError
from batch.model import SendAs, Stage
from lifecycle.workflow.shards.context import Limits
from lifecycle.workflow.worker import STAGES
from tests.lifecycle.simulation import LEASE, SETTLE, SURVIVABLE, TIMEOUT, FakeGateway, Job, Process, Trouble, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as made:
        yield made


@pytest.mark.parametrize("kind", SURVIVABLE)
@pytest.mark.parametrize("op", ["list", "upload", "list files", "create", "get", "download", "delete file"])
def test_whatever_befalls_a_call_there_is_one_job_and_a_finished_run(world: World, op: str, kind: str) -> None:
    world.google.troubles.append(Trouble(op, kind))
    run_id = world.submit()
    world.until_ended(run_id)
    assert world.row(run_id)["state"] == "finished"
    assert len(world.google.jobs) == 1
    assert not world.google.files
    assert len(world.answers(run_id)) == 3


@pytest.mark.parametrize("lag", [0.0, 20.0, SETTLE - 1])
@pytest.mark.parametrize("kind", ["crash after", "lost after", "500 after"])
def test_a_job_that_is_listed_late_is_adopted(world: World, kind: str, lag: float) -> None:
    world.google.lag = lag
    world.google.troubles.append(Trouble("create", kind))
    run_id = world.submit(send_as=SendAs.INLINE)
    world.until_ended(run_id)
    assert len(world.google.jobs) == 1
    assert "adopted" in world.texts(run_id)


def test_it_is_looked_before_the_first_create_too(world: World) -> None:
    """A database put back from a copy knows nothing of the job that it had already sent."""
    run_id = world.submit()
    name, now = f"gbr-test-{run_id}-s0000", world.google.now
    world.google.jobs.append(Job("batches/before", name, [f"{run_id}-{n}" for n in range(3)], now, now + 5))
    world.until_ended(run_id)
    assert [job.name for job in world.google.jobs] == ["batches/before"]
    assert len(world.answers(run_id)) == 3


def test_a_create_that_outlasts_its_timeout_is_settled_from_when_its_process_died(world: World) -> None:
    """A slow upload of a large create: the process lives, and sends, longer than any timeout; then it is killed."""
    world.google.lag = SETTLE - 1

    def a_long_time() -> None:
        world.google.jobs[-1].created = world.google.now = world.google.now + 600

    world.google.troubles.append(Trouble("create", "crash after", during=a_long_time))
    run_id = world.submit()
    world.until_ended(run_id)
    assert len(world.google.jobs) == 1


@pytest.mark.parametrize("short", [1, 2])
def test_one_list_cut_short_does_not_buy_a_second_job(world: World, short: int) -> None:
    world.google.troubles.append(Trouble("create", "lost after"))
    run_id = world.submit(send_as=SendAs.INLINE)
    world.work(0)
    world.google.short_lists = short
    world.until_ended(run_id)
    assert len(world.google.jobs) == 1


def test_after_a_long_absence_one_list_cut_short_is_not_believed(world: World) -> None:
    world.google.troubles.append(Trouble("create", "lost after"))
    run_id = world.submit(send_as=SendAs.INLINE)
    world.work(0)
    world.google.now += 3600
    world.google.short_lists = 1
    world.until_ended(run_id)
    assert len(world.google.jobs) == 1


def test_a_second_job_is_cancelled_before_the_first_is_adopted_even_if_the_cancel_fails_once(world: World) -> None:
    google = world.google
    google.duration, google.lag = 1_000.0, 1e9
    google.troubles.append(Trouble("create", "lost after"))
    run_id = world.submit(send_as=SendAs.INLINE)
    world.work(SETTLE * 3)
    assert len(google.jobs) == 2  # the service broke its word: it listed nothing for over a minute
    google.lag = 0.0
    google.troubles.append(Trouble("cancel", "503"))
    world.until_ended(run_id)
    assert sorted(job.state for job in google.jobs) == ["CANCELLED", "SUCCEEDED"]
    assert "found and cancelled" in world.texts(run_id)
    assert len(world.answers(run_id)) == 3


def test_while_a_second_job_is_looked_for_one_that_is_awaited_is_not_taken_for_it(world: World) -> None:
    """The first shard's create was repeated; the second's, just sent without a reply, must not be cancelled."""
    world.limits = Limits(rows=2)
    world.restart()
    google = world.google
    google.duration = 1_000.0
    google.troubles += [Trouble("create", "lost before"), Trouble("create", "lost after")]
    run_id = world.submit(rows=4)
    google.lag = 30.0
    world.work(SETTLE + 10)
    assert len(google.jobs) == 1
    google.troubles += [Trouble("create", "lost after")]
    world.until_ended(run_id)
    assert [job.state for job in google.jobs] == ["SUCCEEDED"] * 2
    assert len(world.answers(run_id)) == 4


def test_two_jobs_found_at_once_leave_one(world: World) -> None:
    google = world.google
    google.troubles += [Trouble("create", "lost after")]
    run_id = world.submit(send_as=SendAs.INLINE)
    world.work(0)
    google.jobs.append(type(google.jobs[0])(**{**vars(google.jobs[0]), "name": "batches/twin", "ends": 9e12}))
    google.troubles.append(Trouble("cancel", "503"))
    world.until_ended(run_id)
    assert sorted(job.state for job in google.jobs) == ["CANCELLED", "SUCCEEDED"]


def test_a_refusals_delay_is_kept_while_other_jobs_are_watched(world: World) -> None:
    """Two shards: the first runs and is looked at every second; the second was told to wait for 20 s."""
    world.limits = Limits(rows=2)
    world.restart()
    world.google.duration = 300.0
    run_id = world.submit(rows=4)
    world.google.troubles.append(Trouble("create", "429 with delay"))
    world.work(0)
    world.work(19)
    assert world.google.calls.count("create") == 1
    world.work(5)
    assert world.google.calls.count("create") == 3
    world.until_ended(run_id)


def test_a_full_queue_is_fed_as_jobs_end(world: World) -> None:
    """Five shards and room for two: each goes as soon as one before it has ended."""
    world.limits = Limits(rows=2)
    world.restart()
    world.google.room, world.google.duration = 2, 30.0
    run_id = world.submit(rows=10)
    world.work(1)
    row = world.row(run_id)
    assert row["state"] == "waiting_for_capacity"
    assert "Trying again in" in row["note"] or "goes when one ends" in row["note"]
    started = world.google.now
    world.until_ended(run_id)
    assert len(world.google.jobs) == 5
    assert world.google.now - started < 5 * 30 + 60
    assert len(world.answers(run_id)) == 10


def test_our_own_limit_of_jobs_is_kept_and_refused_runs_do_not_block_each_other(world: World) -> None:
    world.limits = Limits(jobs=2)
    world.restart()
    world.google.troubles += [Trouble("create", "429")] * 6
    runs = [world.submit() for _ in range(4)]
    world.until_ended(*runs)
    assert len(world.google.jobs) == 4
    assert all(world.row(run_id)["state"] == "finished" for run_id in runs)


def test_a_job_too_large_for_the_queue_is_cut_until_it_fits(world: World) -> None:
    """Nothing else is under way, and it is refused again and again: the limit is learned, and the rows are sent."""
    world.google.tokens = 3  # here: rows
    run_id = world.submit(rows=10)
    world.until_ended(run_id)
    assert world.row(run_id)["state"] == "finished"
    assert len(world.answers(run_id)) == 10
    assert all(len(job.keys) <= 3 for job in world.google.jobs)
    assert sum(len(job.keys) for job in world.google.jobs) == 10
    later = world.submit(rows=10)
    refused = world.google.calls.count("create")
    world.until_ended(later)
    assert world.google.calls.count("create") - refused <= 2 * sum(1 for j in world.google.jobs if "r2-" in j.keys[0])


@pytest.mark.parametrize("crash_after", [False, True])
def test_a_crash_while_a_job_is_cut_sends_no_row_twice(world: World, crash_after: bool) -> None:
    for after in range(1, 10, 2):
        world.google.tokens, world.process.store.crash_in = 5, 0
        run_id = world.submit(rows=10)
        while len(world.shards(run_id)) < 2 and "refusals" not in world.row(run_id)["data"]:
            world.work(1)
        while int(world.row(run_id)["data"].get("refusals", 9)) < 3:
            world.work(1)
        world.process.store.crash_in, world.process.store.crash_after = after, crash_after
        world.until_ended(run_id)
        bought = [key for job in world.google.jobs for key in job.keys if key.startswith(f"{run_id}-")]
        assert len(bought) == len(set(bought)) == 10


def test_cancelled_jobs_are_named_as_the_likely_cause(world: World) -> None:
    world.google.outcome = "STUCK"
    first = world.submit()
    world.work(10)
    world.process.store.ask_cancel(first)
    world.until_ended(first)
    world.google.troubles += [Trouble("create", "429")] * 6
    second = world.submit(rows=8)
    world.google.outcome = "SUCCEEDED"
    world.work(2)
    assert "cancelled in the last two days" in world.row(second)["note"]
    world.until_ended(second)
    assert len(world.google.jobs) == 2, "a job was cut although cancelled ones may have filled the queue"


def test_a_bad_key_stops_a_run_that_has_sent_nothing_and_says_what_to_do(world: World) -> None:
    world.google.good_key = False
    run_id = world.submit()
    world.until_ended(run_id, hours=0.1)
    assert world.row(run_id)["state"] == "failed"
    assert "does not accept this API key" in world.row(run_id)["error"]


def test_a_key_that_goes_bad_later_loses_nothing(world: World) -> None:
    world.google.duration = 100.0
    run_id = world.submit()
    world.work(10)
    world.google.good_key = False
    world.work(600)
    assert world.row(run_id)["state"] == "active"
    assert "does not accept this API key" in world.row(run_id)["note"]
    world.google.good_key = True
    world.until_ended(run_id)
    assert world.row(run_id)["state"] == "finished"


def test_an_uploaded_file_that_expired_before_its_create_is_uploaded_again(world: World) -> None:
    world.google.troubles.append(Trouble("create", "429 with delay"))
    run_id = world.submit()
    world.work(0)
    world.google.files.clear()
    world.until_ended(run_id)
    assert world.row(run_id)["state"] == "finished"
    assert world.google.calls.count("upload") == 2


def test_a_cancel_during_an_unanswered_create_stops_the_job_it_may_have_made(world: World) -> None:
    world.google.lag, world.google.duration = 20.0, 1000.0
    world.google.troubles.append(Trouble("create", "lost after"))
    run_id = world.submit()
    world.work(1)
    world.process.store.ask_cancel(run_id)
    world.until_ended(run_id)
    assert world.row(run_id)["state"] == "cancelled"
    assert [job.state for job in world.google.jobs] == ["CANCELLED"]


def test_a_create_that_took_effect_and_was_refused_is_stopped(world: World) -> None:
    """The service breaks its word: 400, and yet there is a job. The run fails with a reason, and leaves nothing."""
    world.google.duration = 1000.0
    world.google.troubles.append(Trouble("create", "400 after"))
    run_id = world.submit()
    world.until_ended(run_id)
    assert world.row(run_id)["state"] == "failed"
    assert [job.state for job in world.google.jobs] == ["CANCELLED"]
    assert not world.google.files


def test_a_create_is_sent_only_while_the_lease_outlives_its_timeout(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else another process could look, find nothing, and create, while this one's create is still on its way."""
    left, real = [], FakeGateway.create_batch

    def create(self: FakeGateway, model: str, batch: Any) -> Any:
        left.append(world.row(run_id)["lease_until"] - world.google.now)
        return real(self, model, batch)

    monkeypatch.setattr(FakeGateway, "create_batch", create)
    run_id = world.submit()
    world.until_ended(run_id)
    assert left and min(left) > TIMEOUT


def test_a_run_that_cannot_go_on_waits_for_the_job_that_it_may_have_made(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A create without a reply, then an error that ends the run: the job is listed late, and cancelled."""
    world.google.lag, world.google.duration = SETTLE - 1, 1000.0
    world.google.troubles.append(Trouble("create", "lost after"))
    run_id = world.submit()
    world.work(0)

    def impossible(work: Any) -> Any:
        raise InputError("This cannot be done.", "Do something else.")

    monkeypatch.setitem(STAGES, Stage.SUBMITTING, impossible)
    world.until_ended(run_id)
    assert world.row(run_id)["state"] == "failed"
    assert [job.state for job in world.google.jobs] == ["CANCELLED"]


def test_a_process_that_slept_through_its_lease_writes_nothing_and_its_job_is_cancelled(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paused for ten minutes between the intent and the send, while another process took over."""
    google = world.google
    google.duration = 5_000.0
    run_id = world.submit()
    other, real = Process(world), FakeGateway.create_batch

    def create(self: FakeGateway, model: str, batch: Any) -> Any:
        monkeypatch.setattr(FakeGateway, "create_batch", real)
        for _ in range(15):
            google.now += LEASE
            while other.step():
                pass
        return real(self, model, batch)

    monkeypatch.setattr(FakeGateway, "create_batch", create)
    world.work(0)
    assert len(google.jobs) == 2
    world.until_ended(run_id)
    other.die()
    assert sorted(job.state for job in google.jobs) == ["CANCELLED", "SUCCEEDED"]
    assert len(world.answers(run_id)) == 3
