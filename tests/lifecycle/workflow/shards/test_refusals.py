"""An account that cannot pay pauses a run and teaches nothing; what passes by itself is waited for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from batch.errors import ApiError
from lifecycle.core.run_progress import RunProgress
from lifecycle.planning.quota import ENQUEUED_TOKENS
from tests.emulator_process import EmulatorProcess
from tests.lifecycle import simulation as simulation_module
from tests.lifecycle.conftest import KEY, MODEL, Bench, wait_until, wait_until_ended
from tests.lifecycle.simulation import InjectedFault, Simulation

HOUR = 3600.0
DUNNING = "Lightning dunning decision is deny for project: projects/1"
PREPAY = "Your prepayment credits are depleted. Please go to AI Studio at https://ai.studio/projects to manage it."
LEAKED = "Your API key was reported as leaked. Please use another API key."
NOT_ACTIVE = "The File f1 is not in an ACTIVE state and usage is not allowed."
REFUSALS = {
    "dunning": ApiError(DUNNING, status=403, reason="PERMISSION_DENIED"),
    "prepay": ApiError(PREPAY, status=429, reason="RESOURCE_EXHAUSTED"),
    "leaked": ApiError(LEAKED, status=403, reason="PERMISSION_DENIED"),
    "new 429": ApiError("The weekly allowance is used up.", status=429, reason="RESOURCE_EXHAUSTED"),
}


@pytest.fixture
def simulation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulation]:
    faults = {name: (False, lambda error=error: error) for name, error in REFUSALS.items()}
    monkeypatch.setattr(simulation_module, "FAULTS", {**simulation_module.FAULTS, **faults})
    with Simulation(tmp_path) as opened:
        yield opened


def learned(simulation: Simulation) -> object:
    return simulation.process.store.latest_observation(simulation.owner, simulation_module.MODEL, ENQUEUED_TOKENS)


@pytest.mark.parametrize("call", ["create", "upload"])
@pytest.mark.parametrize("kind", ["prepay", "dunning"])
def test_an_empty_account_pauses_and_is_looked_at_seldom(simulation: Simulation, kind: str, call: str) -> None:
    """Refused for more than a day: some thirty tries, one job in the end, nothing divided, nothing learned."""
    simulation.google.faults += [InjectedFault(call, kind)] * 30
    started = simulation.google.now
    run_id = simulation.submit(rows=8)
    while simulation.google.faults:
        simulation.work(600)
        assert simulation.row(run_id).state in ("active", "waiting_for_capacity")
    assert 24 * HOUR < simulation.google.now - started < 31 * HOUR
    assert simulation.row(run_id).note.startswith("Paused.") and str(REFUSALS[kind]) in simulation.row(run_id).note
    simulation.run_until_ended(run_id)
    assert simulation.row(run_id).state == "finished" and len(simulation.google.jobs) == 1
    assert learned(simulation) is None and len(simulation.shards(run_id)) == 1
    texts = [event.text for event in simulation.process.store.events(run_id)]
    assert sum(text.startswith("Paused.") for text in texts) == 1
    assert sum("in order again" in text for text in texts) == 1


def test_who_asks_is_served_at_once(simulation: Simulation) -> None:
    simulation.google.faults += [InjectedFault("create", "prepay")]
    run_id = simulation.submit(rows=3)
    simulation.work(2)
    paused_at = simulation.google.now
    simulation.process.store.mark_due(run_id)
    simulation.run_until_ended(run_id)
    assert simulation.row(run_id).state == "finished" and simulation.google.now - paused_at < 60


def test_a_bill_that_falls_due_while_a_job_runs_loses_nothing(simulation: Simulation) -> None:
    run_id = simulation.submit(rows=3)
    simulation.work(2)
    simulation.google.faults += [InjectedFault("get", "dunning")] * 3
    simulation.work(20)
    row = simulation.row(run_id)
    assert row.state == "waiting_for_capacity" and DUNNING in row.note
    simulation.run_until_ended(run_id)
    assert simulation.row(run_id).state == "finished" and len(simulation.answers(run_id)) == 3


def test_a_leaked_key_stops_a_run_that_has_no_job(simulation: Simulation) -> None:
    simulation.google.faults += [InjectedFault("create", "leaked")]
    run_id = simulation.submit(rows=3)
    simulation.run_until_ended(run_id)
    row = simulation.row(run_id)
    assert row.state == "failed" and LEAKED in row.error and "48 hours" not in row.error


def test_a_refusal_in_unknown_words_divides_nothing(simulation: Simulation) -> None:
    simulation.google.faults += [InjectedFault("create", "new 429")] * 12
    run_id = simulation.submit(rows=8)
    simulation.run_until_ended(run_id)
    assert len(simulation.google.jobs) == 1 and learned(simulation) is None


def test_a_false_limit_is_forgotten_when_a_larger_job_is_accepted(simulation: Simulation) -> None:
    simulation.process.store.add_observation(simulation.owner, simulation_module.MODEL, ENQUEUED_TOKENS, 1.0)
    for _ in range(2):
        run_id = simulation.submit(rows=8)
        simulation.run_until_ended(run_id)
    assert len(simulation.google.jobs) == 2, "each run is one job"
    told = [event.text for event in simulation.process.store.events("r1")]
    assert sum("that is forgotten" in text for text in told) == 1


def test_an_account_that_is_topped_up_ends_with_one_job(bench: Bench, emulator: EmulatorProcess) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    emulator.settings(account="prepay_empty")
    run_id = bench.submit(runner, account, "one\ntwo\nthree")
    wait_until(lambda: runner.runs.get(account, run_id).state.value == "waiting_for_capacity")
    paused = runner.runs.get(account, run_id)
    assert paused.status_text.startswith("paused") and "prepayment credits are depleted" in paused.note
    emulator.settings(account="ok")
    runner.runs.poll_now(account, run_id)
    assert wait_until_ended(runner, account, run_id).counts == {"answered": 3}
    assert len(emulator.ledger()["batch_jobs"]) == 1
    assert runner._context.store.latest_observation(account.owner_id, MODEL, ENQUEUED_TOKENS) is None


def test_a_file_that_is_still_processing_is_waited_for(bench: Bench, emulator: EmulatorProcess) -> None:
    body = {"error": {"code": 400, "message": NOT_ACTIVE, "status": "FAILED_PRECONDITION"}}
    fault = {"method": "POST", "route": "batchGenerateContent", "do": "status", "status": 400, "body": body}
    emulator.faults([{**fault, "times": 1}])
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run_id = bench.submit(runner, account, "one\ntwo")
    assert wait_until_ended(runner, account, run_id).counts == {"answered": 2}
    told = " ".join(event.text for event in runner.runs.events(account, run_id))
    assert "still processing a file" in told and "region" not in told


def test_a_cancel_in_mid_run_keeps_and_bills_what_was_served(bench: Bench, emulator: EmulatorProcess) -> None:
    """The job ends as succeeded; its unserved rows cost nothing, and are told as cancelled."""
    emulator.settings(pace=1000, cancel="recorded")
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run_id = bench.submit(runner, account, "\n".join(f"question {n}" for n in range(20)))
    wait_until(lambda: any(job.name for job in runner.runs.get(account, run_id).jobs))
    emulator.clock(500)
    runner.runs.cancel(account, run_id)
    run = wait_until_ended(runner, account, run_id)
    assert run.state.value == "cancelled" and not run.cost_is_lower_bound
    served = run.counts["answered"]
    assert run.counts == {"answered": served, "no_response": 20 - served} and 0 < served < 20
    billed = emulator.ledger()["usage"]
    usage = runner.runs.results(account, run_id).reconciliation.usage
    assert sum(row["rows"] for row in billed) == served
    assert (usage.prompt, usage.candidates) == (sum(r["prompt"] for r in billed), sum(r["candidates"] for r in billed))
    told = " ".join(event.text for event in runner.runs.events(account, run_id))
    assert f"{served} of 20 requests were served" in told and f"{served} of 20 requests have a response" in told
    assert run.progress.done == served and RunProgress().backoff.reason == ""
