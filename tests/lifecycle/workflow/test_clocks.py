"""A clock that is turned, forward or back, stalls no run, and makes no create early."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from batch.model import RunState, SendAs
from lifecycle.core.transport import BatchLimits
from lifecycle.storage import store as store_module
from lifecycle.workflow.clock_watch import ClockWatch
from tests.emulator_process import EmulatorProcess
from tests.lifecycle.conftest import KEY, Bench, wait_until, wait_until_ended
from tests.lifecycle.simulation import InjectedFault, Simulation

DAY = 86_400.0


@pytest.fixture
def simulation(tmp_path: Path) -> Iterator[Simulation]:
    with Simulation(tmp_path) as opened:
        yield opened


def test_a_clock_that_is_turned_is_noticed_once() -> None:
    now = {"clock": 1_000.0, "steady": 10.0}
    watch = ClockWatch(lambda: now["clock"], lambda: now["steady"])
    seen = [watch.turned()]
    for clock, steady in ((100.0, 100.0), (1.0, 0.0), (-DAY, 3.0), (7.0, 7.0), (DAY, 0.0)):
        now["clock"] += clock
        now["steady"] += steady
        seen.append(watch.turned())
    assert seen == [False, False, False, True, False, True]


@pytest.mark.parametrize("turn", [-DAY, -600.0, 600.0, DAY])
def test_a_lost_create_is_settled_by_googles_clock(simulation: Simulation, turn: float) -> None:
    """The job is listed after 30 seconds; a clock that jumps over them must not have it bought again."""
    google = simulation.google
    google.list_lag = 30.0
    google.faults.append(InjectedFault("create", "lost after"))
    run_id = simulation.submit(send_as=SendAs.INLINE)
    simulation.work(1)
    simulation.turned = turn
    simulation.process.store.mark_all_due([simulation.owner])
    simulation.work(1)
    simulation.run_until_ended(run_id, hours=0.5)
    assert len(google.jobs) == 1
    assert len(simulation.answers(run_id)) == 3


@pytest.mark.parametrize("turn", [-DAY, DAY])
def test_polls_back_off_and_leases_of_before_stop_nothing(simulation: Simulation, turn: float) -> None:
    """A job under way, another refused with a delay, a lease of a process that died: then the clock is turned."""
    simulation.limits = BatchLimits(rows=2)
    simulation.restart()
    google = simulation.google
    google.duration = 400.0
    run_id = simulation.submit(rows=4)
    google.faults.append(InjectedFault("create", "429 with delay"))
    simulation.work(0)
    simulation.turned = turn
    simulation.process.store.mark_all_due([simulation.owner])
    started = google.now
    simulation.work(30)
    assert google.calls.count("create") == 3
    simulation.run_until_ended(run_id, hours=0.5)
    assert google.now - started < 400 + 120
    assert len(simulation.answers(run_id)) == 4


def test_a_lease_longer_than_any_is_one_of_before_the_clock_was_set_back(simulation: Simulation) -> None:
    store, owners = simulation.process.store, [simulation.owner]
    run_id = simulation.submit()
    first = store.claim(owners, 60)
    assert first is not None
    simulation.turned = -300.0
    store.mark_due(run_id)
    assert store.claim(owners, 60, longest_seconds=75.0, held=[run_id]) is None
    store.extend_lease(run_id, first.token, 60, longest_seconds=75.0)  # who holds it goes on, and makes it right
    assert store.claim(owners, 60, longest_seconds=75.0) is None
    simulation.turned = -600.0
    second = store.claim(owners, 60, longest_seconds=75.0)
    assert second is not None and second.token != first.token


def test_resume_looks_at_every_job_now(simulation: Simulation) -> None:
    google = simulation.google
    google.duration = 20_000.0
    run_id = simulation.submit()
    simulation.work(15_000)
    google.jobs[0].ends = google.now
    looks = google.calls.count("get")
    simulation.work(0)
    assert google.calls.count("get") == looks
    simulation.process.store.mark_due(run_id)
    simulation.work(0)
    assert simulation.row(run_id).stage == "finished"


@pytest.mark.parametrize("turn", [-DAY, DAY])
def test_a_server_whose_clock_is_turned_goes_on(
    bench: Bench, emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch, turn: float
) -> None:
    turned = 0.0
    monkeypatch.setattr(store_module, "time", SimpleNamespace(time=lambda: time.time() + turned))
    emulator.settings(pace=2)
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run_id = bench.submit(runner, account, "Say hello.")
    wait_until(lambda: any(job.state for job in runner.runs.get(account, run_id).jobs))
    turned = turn
    assert wait_until_ended(runner, account, run_id).state is RunState.FINISHED
    assert len(emulator.ledger()["batch_jobs"]) == 1
