"""Watching jobs and saving what they return: late, short, gone, cancelled; and nothing deleted before it is saved."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batch.errors import ApiError, InputError
from lifecycle.core.observation_kinds import DURATION_HOURS
from lifecycle.core.transport import BatchLimits
from lifecycle.results.collect.build import build_results
from lifecycle.workflow.stages import collect as collect_stage
from lifecycle.workflow.worker import STAGES
from tests.lifecycle.simulation import MODEL, SETTLE_SECONDS, FakeGeminiClient, InjectedFault, Simulation

WRITES = 52  # more than a run of one job makes in its life


@pytest.fixture
def simulation(tmp_path: Path) -> Iterator[Simulation]:
    with Simulation(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("late", [0.0, 30.0, 5 * SETTLE_SECONDS])
def test_results_that_appear_after_the_job_succeeded_are_waited_for(simulation: Simulation, late: float) -> None:
    simulation.google.late_output = late
    run_id = simulation.submit()
    simulation.run_until_ended(run_id)
    assert len(simulation.answers(run_id)) == 3
    assert simulation.row(run_id).state == "finished"


def test_results_that_never_appear_end_the_run_with_every_row_missing(simulation: Simulation) -> None:
    simulation.google.late_output = 1e9
    run_id = simulation.submit()
    simulation.run_until_ended(run_id, hours=1)
    assert simulation.row(run_id).counts == {"answered": 0, "missing": 3}
    assert simulation.row(run_id).state == "failed"
    assert "shows no results" in simulation.row(run_id).error


def test_a_job_with_fewer_results_than_requests_is_fetched_twice_and_no_more(simulation: Simulation) -> None:
    simulation.google.lost_keys = {"r1-1"}
    run_id = simulation.submit()
    simulation.run_until_ended(run_id)
    assert simulation.google.calls.count("download") == 2
    assert simulation.row(run_id).counts == {"answered": 2, "missing": 1}


def test_a_worse_second_look_does_not_replace_what_was_saved(simulation: Simulation) -> None:
    simulation.google.lost_keys = {"r1-1"}
    run_id = simulation.submit()
    while "download" not in simulation.google.calls:
        simulation.work(1)
    simulation.google.lost_keys = {"r1-0", "r1-1"}
    simulation.run_until_ended(run_id)
    assert sorted(simulation.answers(run_id)) == ["r1-0", "r1-2"]


def test_keys_are_counted_not_lines(simulation: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many lines as requests, but one row twice and another not at all: that is not complete."""
    real = FakeGeminiClient.download_file

    def doubled(self: FakeGeminiClient, name: str, to: Path) -> None:
        real(self, name, to)
        lines = to.read_text().splitlines(keepends=True)
        to.write_text("".join([lines[0], lines[0], lines[2]]))

    monkeypatch.setattr(FakeGeminiClient, "download_file", doubled)
    run_id = simulation.submit()
    simulation.run_until_ended(run_id)
    assert simulation.google.calls.count("download") == 2
    assert "returned 2 results for 3" in simulation.log_text(run_id)


@pytest.mark.parametrize("tail", ['{"key": "r1-2", "resp', "\n\n", "nonsense\n", "\xff"])
def test_a_broken_last_line_costs_one_look_and_no_more(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch, tail: str
) -> None:
    real = FakeGeminiClient.download_file

    def broken(self: FakeGeminiClient, name: str, to: Path) -> None:
        real(self, name, to)
        to.write_text("".join(to.read_text().splitlines(keepends=True)[:2]) + tail, encoding="latin-1")

    monkeypatch.setattr(FakeGeminiClient, "download_file", broken)
    monkeypatch.setattr(collect_stage, "build_results", lambda *a, **k: _nothing())
    run_id = simulation.submit()
    simulation.run_until_ended(run_id)
    assert simulation.google.calls.count("download") == 2


def _nothing() -> Any:
    from lifecycle.results.store.reconciliation import Reconciliation

    return Reconciliation(sent=3, matched=2, missing=1, counts={"answered": 2}, usd=0.0)


@pytest.mark.parametrize("outcome", ["EXPIRED", "FAILED"])
def test_a_job_that_ended_badly_is_looked_at_twice_before_it_is_said_to_have_left_nothing(
    simulation: Simulation, outcome: str
) -> None:
    simulation.google.outcome = outcome
    run_id = simulation.submit()
    simulation.run_until_ended(run_id)
    assert simulation.google.calls.count("get") >= 3  # once under way, twice ended
    assert "left no results" in simulation.log_text(run_id)


@pytest.mark.parametrize("outcome", ["CANCELLED", "EXPIRED"])
def test_partial_results_of_a_job_that_ended_badly_are_kept_even_if_they_come_late(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch, outcome: str
) -> None:
    google, looks = simulation.google, itertools.count(1)
    google.outcome, google.lost_keys = outcome, {"r1-2"}
    real = FakeGeminiClient._shown

    def shown(self: FakeGeminiClient, job: Any, full: bool = True) -> dict[str, Any]:
        operation = real(self, job, full)
        if job.state == outcome and full and next(looks) > 1:
            operation["metadata"]["output"] = {"responsesFile": f"files/batch-{job.name[8:]}"}
        return operation

    monkeypatch.setattr(FakeGeminiClient, "_shown", shown)
    run_id = simulation.submit()
    simulation.run_until_ended(run_id)
    assert sorted(simulation.answers(run_id)) == ["r1-0", "r1-1"]
    assert "2 results were saved" in simulation.log_text(run_id)


def test_a_cancelled_job_that_finished_after_all_is_collected(simulation: Simulation) -> None:
    simulation.google.duration = 100.0
    run_id = simulation.submit()
    simulation.work(10)
    simulation.google.faults.append(InjectedFault("cancel", "lost before"))
    simulation.process.store.request_cancel(run_id)
    simulation.google.jobs[0].ends = simulation.google.now
    simulation.run_until_ended(run_id)
    assert len(simulation.answers(run_id)) == 3
    assert simulation.row(run_id).state == "cancelled"


@pytest.mark.parametrize("status", [403, 404])
def test_results_that_cannot_be_fetched_end_the_run_and_are_not_deleted(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    def gone(self: FakeGeminiClient, name: str, to: Path) -> None:
        self.google.calls.append("download")
        raise ApiError("No such file.", status=status)

    monkeypatch.setattr(FakeGeminiClient, "download_file", gone)
    run_id = simulation.submit()
    simulation.run_until_ended(run_id, hours=1)
    assert simulation.google.calls.count("download") > 3
    assert simulation.row(run_id).state == "failed"
    assert "cannot be fetched" in simulation.row(run_id).error
    assert simulation.google.calls.count("delete file") == 1  # the input only


def test_a_job_not_found_for_a_while_is_not_given_up(simulation: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    """A direct get may lag behind a create too; only after ten minutes is a job taken to have been deleted."""
    google, real = simulation.google, FakeGeminiClient.get_batch
    google.duration = 400.0

    def hidden(self: FakeGeminiClient, name: str) -> dict[str, Any]:
        if google.now < 1_800_000_000.0 + 9 * 60:
            raise ApiError("Requested entity was not found.", status=404)
        return real(self, name)

    monkeypatch.setattr(FakeGeminiClient, "get_batch", hidden)
    run_id = simulation.submit()
    simulation.run_until_ended(run_id)
    assert len(simulation.answers(run_id)) == 3


def test_a_deleted_job_ends_its_run_with_a_reason(simulation: Simulation) -> None:
    simulation.google.duration = 9e9
    run_id = simulation.submit()
    simulation.work(10)
    simulation.google.jobs.clear()
    simulation.run_until_ended(run_id, hours=2)
    assert simulation.row(run_id).state == "failed"
    assert "deleted at Google" in simulation.row(run_id).error


def test_one_job_in_trouble_does_not_hide_the_others(simulation: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first job's look fails for ever; the second job's results are saved all the same."""
    simulation.limits = BatchLimits(rows=2)
    simulation.restart()
    real = FakeGeminiClient.get_batch

    def get(self: FakeGeminiClient, name: str) -> dict[str, Any]:
        if name == simulation.google.jobs[0].name:
            raise ApiError("The service is overloaded.", status=503, ambiguous=True)
        return real(self, name)

    monkeypatch.setattr(FakeGeminiClient, "get_batch", get)
    run_id = simulation.submit(rows=4)
    simulation.work(600)
    assert [shard.stage for shard in simulation.shards(run_id)] == ["submitted", "ended"]
    assert "Could not check" in simulation.row(run_id).note
    monkeypatch.setattr(FakeGeminiClient, "get_batch", real)
    simulation.run_until_ended(run_id)
    assert len(simulation.answers(run_id)) == 4


def test_when_nobody_answers_the_other_jobs_are_not_waited_for_one_by_one(simulation: Simulation) -> None:
    simulation.limits = BatchLimits(rows=1)
    simulation.restart()
    simulation.google.duration = 1_000.0
    run_id = simulation.submit(rows=20)
    simulation.work(5)
    before = simulation.google.calls.count("get")
    simulation.google.faults += [InjectedFault("get", "unreachable")] * 20
    while simulation.row(run_id).failures == 0:
        simulation.work(1)
    assert simulation.google.calls.count("get") < before + 100
    assert len(simulation.google.faults) == 19


def test_a_job_stuck_for_two_days_is_seen_to_expire(simulation: Simulation) -> None:
    simulation.google.outcome = "STUCK"
    run_id = simulation.submit()
    simulation.run_until_ended(run_id)
    assert simulation.google.now - 1_800_000_000.0 > 47 * 3600
    assert "expired after 48 hours" in simulation.log_text(run_id)
    assert simulation.google.calls.count("get") < 1_000


def test_an_old_job_is_warned_about_once_at_12_24_and_36_hours_and_nothing_is_done_about_it(
    simulation: Simulation,
) -> None:
    simulation.google.outcome = "STUCK"
    run_id = simulation.submit()
    for hours, warned in ((11.9, 0), (0.2, 1), (11.8, 1), (0.2, 2), (11.8, 2), (0.2, 3), (11.5, 3)):
        simulation.work(hours * 3600)
        assert simulation.log_text(run_id).count("Google ends jobs after 48 hours") == warned
    assert [simulation.google.calls.count(op) for op in ("create", "cancel")] == [1, 0]


def test_polls_write_nothing_new(simulation: Simulation) -> None:
    """Hours of looks: the same rows, written in place, and a log that says only what changed."""
    simulation.google.outcome = "STUCK"
    run_id = simulation.submit()
    simulation.work(3600)
    events = len(simulation.process.store.events(run_id, 10_000))
    size = (simulation.root / "runs.db").stat().st_size
    simulation.work(4 * 3600)
    assert len(simulation.process.store.events(run_id, 10_000)) == events
    assert (simulation.root / "runs.db").stat().st_size == size


# -- disk and saving ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["download", "fsync", "collect"])
def test_a_full_disk_stops_the_work_with_a_message_and_loses_nothing(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    full = [True]

    def checked(real: Any) -> Any:
        def act(*args: Any, **more: Any) -> Any:
            if full[0]:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*args, **more)

        return act

    if place == "download":
        monkeypatch.setattr(FakeGeminiClient, "download_file", checked(FakeGeminiClient.download_file))
    elif place == "fsync":
        monkeypatch.setattr(os, "fsync", checked(os.fsync))
    else:
        monkeypatch.setattr(collect_stage, "build_results", checked(build_results))
    run_id = simulation.submit()
    simulation.work(3600)
    assert "No space left on device" in simulation.row(run_id).note
    saved = place == "collect"
    assert simulation.google.calls.count("delete file") == saved, "the input may go once its results are saved"
    assert simulation.row(run_id).state == "active"
    full[0] = False
    simulation.run_until_ended(run_id)
    assert len(simulation.answers(run_id)) == 3
    assert len(simulation.google.jobs) == 1


@pytest.mark.parametrize("crash_after", [False, True])
def test_dying_at_any_write_loses_nothing_and_pays_once(simulation: Simulation, crash_after: bool) -> None:
    """One run for each write of a run's life, killed just before or just after it."""
    for write in range(1 + crash_after, WRITES, 2):
        simulation.process.store.crash_in, simulation.process.store.crash_after = write, crash_after
        run_id = simulation.submit_alive()
        simulation.run_until_ended(run_id)
        assert len(simulation.answers(run_id)) == 3
        assert simulation.row(run_id).state == "finished"
        assert len(simulation.google.jobs_named(f"gbr-test-{run_id}-s0000")) == 1
        assert not simulation.google.files
    assert simulation.process.store.crash_in > 0, "runs have more writes than were tried"
    lessons = simulation.process.store.observations(simulation.owner, MODEL, DURATION_HOURS, limit=1000)
    assert len(lessons) == len(simulation.google.jobs), "each job teaches once how long jobs take"


def test_nothing_is_deleted_at_google_before_the_results_are_on_disk(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulation.limits = BatchLimits(rows=1)
    simulation.restart()
    google, real = simulation.google, FakeGeminiClient.delete_file
    deleted: list[str] = []

    def checked(self: FakeGeminiClient, name: str) -> None:
        deleted.append(name)
        about = google.files[name] if name in google.files else google.results[name]
        assert set(about.keys) <= set(simulation.answers(run_id))
        real(self, name)

    monkeypatch.setattr(FakeGeminiClient, "delete_file", checked)
    run_id = simulation.submit(rows=3)
    simulation.run_until_ended(run_id)
    assert len(deleted) == 6  # three inputs and three results


def test_uploaded_files_make_room_for_the_next_as_their_jobs_end(simulation: Simulation) -> None:
    """Google keeps 20 GB for a project: a run that is larger must not wait for its own end."""
    simulation.limits = BatchLimits(rows=1)
    simulation.restart()
    simulation.google.max_files = 2
    run_id = simulation.submit(rows=5)
    simulation.work(2)
    assert simulation.row(run_id).state == "waiting_for_capacity"
    assert "file storage, 20 GB, is full" in simulation.row(run_id).note
    simulation.run_until_ended(run_id, hours=1)
    assert len(simulation.answers(run_id)) == 5
    assert not simulation.google.files


def test_a_job_is_looked_at_often_while_it_is_young_and_seldom_when_it_is_old(simulation: Simulation) -> None:
    """Also beside a younger one, and while another waits for room."""
    simulation.limits = BatchLimits(rows=1, jobs=1)
    simulation.restart()
    simulation.google.outcome = "STUCK"
    run_id = simulation.submit(rows=2)
    simulation.work(2 * 3600)
    before = simulation.google.calls.count("get")
    simulation.work(1800)
    assert simulation.google.calls.count("get") - before <= 7, "an old job is looked at every five minutes"
    simulation.google.outcome = "SUCCEEDED"
    simulation.google.jobs[0].ends = 0.0
    simulation.work(301)
    assert len(simulation.google.jobs) == 2
    started = simulation.google.now
    simulation.run_until_ended(run_id)
    assert simulation.google.now - started < 10, "a young job of an old run is looked at every second"


def test_a_cancel_of_an_old_job_is_seen_within_seconds(simulation: Simulation) -> None:
    google = simulation.google
    google.outcome, google.cancel_seconds = "STUCK", 4.0
    run_id = simulation.submit()
    simulation.work(3 * 3600)
    asked = google.now
    simulation.process.store.request_cancel(run_id)
    simulation.run_until_ended(run_id)
    assert simulation.row(run_id).state == "cancelled"
    assert google.now - asked < 30


def test_the_result_file_of_a_run_that_died_after_saving_is_deleted_too(simulation: Simulation) -> None:
    """Its name must be written down before the job counts as ended."""
    deleted: list[str] = []
    for write in range(2, WRITES, 3):
        simulation.process.store.crash_in, simulation.process.store.crash_after = write, True
        run_id = simulation.submit_alive()
        simulation.run_until_ended(run_id)
        deleted = list(simulation.row(run_id).progress.result_files.values())
        assert deleted == [f"files/batch-{simulation.google.jobs[-1].name[8:]}"]


# -- what cannot go on -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["planned", "collecting", "releasing"])
def test_a_stage_that_cannot_go_on_ends_the_run_with_its_reason(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    def impossible(work: Any) -> Any:
        raise InputError("This cannot be done.", "Do something else.")

    monkeypatch.setitem(STAGES, next(s for s in STAGES if s == stage), impossible)
    run_id = simulation.submit()
    simulation.run_until_ended(run_id)
    assert simulation.row(run_id).state == "failed"
    assert simulation.row(run_id).error == "This cannot be done. Do something else."


@pytest.mark.parametrize("op", ["delete file", "list files", "list"])
def test_what_cannot_be_released_does_not_keep_a_run_from_ending(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch, op: str
) -> None:
    name = {"delete file": "delete_file", "list files": "list_files", "list": "list_batches"}[op]
    real = getattr(FakeGeminiClient, name)

    def fails(self: FakeGeminiClient, *args: Any) -> Any:
        if "download" in self.google.calls:
            raise ApiError("The service is overloaded.", status=503, ambiguous=True)
        return real(self, *args)

    monkeypatch.setattr(FakeGeminiClient, name, fails)
    run_id = simulation.submit()
    simulation.run_until_ended(run_id)
    assert simulation.row(run_id).state == "finished"
    assert "expires there by itself" in simulation.log_text(run_id)
