"""Rows sent again: only those that need it, never twice at once, and elsewhere when a job takes too long."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from batch.errors import InputError, NotFound, OverBudget
from batch.model import RunState
from batch.pricing.catalog import CatalogModel
from batch.rules.model_rules import ModelRules
from lifecycle.core.models import Account
from lifecycle.core.run_progress import RunProgress
from lifecycle.inputs.drafts import Draft, prepare
from lifecycle.planning.retry_draft import require_accepted
from lifecycle.results.collect.build import build_results
from lifecycle.runner import Runner
from lifecycle.workflow.stages import collect as collect_stage
from tests.emulator_process import EmulatorProcess
from tests.lifecycle.conftest import KEY, Bench, wait_until, wait_until_ended
from tests.lifecycle.simulation import Simulation

ELSEWHERE = "gemini-3.5-flash-lite"


@pytest.fixture
def runner(bench: Bench) -> Runner:
    return bench.open()


@pytest.fixture
def account(runner: Runner) -> Account:
    return runner.accounts.register_key(KEY)


def sent_in(emulator: EmulatorProcess) -> list[int]:
    """How many requests each job ever made has, oldest first."""
    return [int(job["request_count"]) for job in emulator.ledger()["batch_jobs"]]


def test_rows_that_are_being_sent_again_are_not_sent_once_more(
    bench: Bench, runner: Runner, account: Account, emulator: EmulatorProcess
) -> None:
    run_id = bench.submit(runner, account, "[[emulate: error:13]] one\n[[emulate: safety]] two\nthree")
    wait_until_ended(runner, account, run_id)
    emulator.settings(pace=1000)
    child = runner.retries.retry(account, run_id, "first")
    with pytest.raises(InputError, match=child):
        runner.retries.retry(account, run_id, "second")
    other = runner.retries.retry(account, run_id, "third", outcomes=["error_transient", "answer_blocked"])
    assert [runner.runs.get(account, each).rows for each in (child, other)] == [1, 1]
    wait_until(lambda: len(sent_in(emulator)) == 3)
    emulator.clock(2000)
    assert wait_until_ended(runner, account, child).counts == {"error_transient": 1}
    assert wait_until_ended(runner, account, other).counts == {"answer_blocked": 1}
    assert sent_in(emulator) == [3, 1, 1]


def test_the_same_wish_at_the_same_moment_is_one_run(bench: Bench, account: Account, emulator: EmulatorProcess) -> None:
    """Two processes that decided before either had recorded anything."""
    one, two = bench.runners[0], bench.open()
    two.accounts.register_key(KEY)
    run_id = bench.submit(one, account, "[[emulate: error:13]] one")
    wait_until_ended(one, account, run_id)
    offers = [each.retries.retry_forecast(account, run_id) for each in (one, two)]
    children = [each.retries.submit_retry(account, offer, "") for each, offer in zip((one, two), offers, strict=True)]
    assert children[0] == children[1]
    wait_until_ended(one, account, children[0])
    later = one.retries.retry(account, run_id, "")
    assert later != children[0] and wait_until_ended(one, account, later).state is RunState.FINISHED
    assert sent_in(emulator) == [1, 1, 1]


def test_a_retry_of_a_retry_sends_that_ones_rows_as_they_stand_now(
    bench: Bench, runner: Runner, account: Account, emulator: EmulatorProcess
) -> None:
    run_id = bench.submit(runner, account, "[[emulate: error:13]] one\n[[emulate: safety]] two\nthree")
    wait_until_ended(runner, account, run_id)
    child = runner.retries.retry(account, run_id, "a", model=ELSEWHERE)
    wait_until_ended(runner, account, child)
    again = runner.retries.retry(account, child, "b", outcomes=["error_transient", "answer_blocked"])
    run = wait_until_ended(runner, account, again)
    assert (run.rows, run.parent_id, run.model) == (1, run_id, ELSEWHERE)
    with pytest.raises(InputError, match="No row"):
        runner.retries.retry(account, child, "c", outcomes=["answer_blocked"])
    assert sent_in(emulator) == [3, 1, 1]


def test_rows_of_a_cancelled_run_are_sent_again_in_smaller_jobs(
    bench: Bench, runner: Runner, account: Account, emulator: EmulatorProcess
) -> None:
    emulator.settings(job_outcome="stuck")
    run_id = bench.submit(runner, account, "one\ntwo\nthree")
    wait_until(lambda: len(sent_in(emulator)) == 1)
    runner.runs.cancel(account, run_id)
    assert wait_until_ended(runner, account, run_id).counts == {"missing": 3}
    emulator.settings(job_outcome="succeeded")
    child = runner.retries.retry(account, run_id, "again", rows_per_job=2)
    assert wait_until_ended(runner, account, child).counts == {"answered": 3}
    assert runner.runs.results(account, run_id).counts() == {"answered": 3}
    assert sorted(sent_in(emulator)[1:]) == [1, 2]


def test_a_run_without_results_yet_cannot_be_retried(
    bench: Bench, runner: Runner, account: Account, emulator: EmulatorProcess
) -> None:
    emulator.settings(job_outcome="stuck")
    run_id = bench.submit(runner, account, "one")
    with pytest.raises(NotFound, match="no results yet"):
        runner.retries.retry(account, run_id, "t")


# -- cancel, and submit the rest elsewhere -----------------------------------------------------------------------------


def half_answered(bench: Bench, runner: Runner, account: Account, emulator: EmulatorProcess) -> str:
    """A run of two jobs: the first has answered its row, the second waits for the clock to be turned."""
    emulator.settings(pace=1000)
    run_id = bench.submit(runner, account, "one\ntwo\nthree", canary=1)
    wait_until(lambda: len(emulator.ledger()["batch_jobs"]) == 1)
    emulator.clock(2000)
    wait_until(lambda: len(emulator.ledger()["batch_jobs"]) == 2)
    return run_id


def test_only_what_a_cancelled_run_left_unanswered_is_sent_elsewhere(
    bench: Bench, runner: Runner, account: Account, emulator: EmulatorProcess
) -> None:
    run_id = half_answered(bench, runner, account, emulator)
    offer = runner.retries.resubmit_forecast(account, run_id, model=ELSEWHERE, rows_per_job=1)
    assert offer.draft.rows == 3
    child = runner.retries.submit_retry(account, offer, "elsewhere")
    assert runner.retries.submit_retry(account, offer, "elsewhere") == child
    wait_until(lambda: len(emulator.ledger()["batch_jobs"]) == 4)
    emulator.clock(2000)
    run = wait_until_ended(runner, account, child)
    assert (run.rows, run.counts, run.model) == (2, {"answered": 2}, ELSEWHERE)
    assert runner.runs.get(account, run_id).state is RunState.CANCELLED
    assert runner.runs.results(account, run_id).counts() == {"answered": 3}
    jobs = emulator.ledger()["batch_jobs"]
    assert [(job["request_count"], job["model"].removeprefix("models/")) for job in jobs[2:]] == [(1, ELSEWHERE)] * 2
    old = next(job for job in jobs if job["request_count"] == 2)
    assert old["state"] == "BATCH_STATE_CANCELLED"


def test_the_wish_outlives_a_process_that_dies_before_it_has_cancelled(
    bench: Bench, account: Account, emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator.settings(job_outcome="stuck")
    first = bench.runners[0]
    run_id = bench.submit(first, account, "one")
    wait_until(lambda: bool(emulator.ledger()["batch_jobs"]))
    monkeypatch.setattr(first._context.store, "request_cancel", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        first.retries.submit_retry(account, first.retries.resubmit_forecast(account, run_id), "t")
    first.close()
    second = bench.open()
    second.accounts.register_key(KEY)
    assert wait_until_ended(second, account, run_id).state is RunState.CANCELLED
    emulator.settings(job_outcome="succeeded")
    (child,) = second.runs.retries_of(account, run_id)
    assert wait_until_ended(second, account, child.id).counts == {"answered": 1}


def test_a_waiting_run_that_is_cancelled_sends_nothing(
    bench: Bench, runner: Runner, account: Account, emulator: EmulatorProcess
) -> None:
    run_id = half_answered(bench, runner, account, emulator)
    emulator.faults([{"method": "POST", "route": ":cancel$", "times": -1, "do": "status", "status": 503}])
    child = runner.retries.submit_retry(account, runner.retries.resubmit_forecast(account, run_id), "t")
    runner.runs.cancel(account, child)
    assert wait_until_ended(runner, account, child).state is RunState.CANCELLED
    emulator.faults([])
    assert wait_until_ended(runner, account, run_id).state is RunState.CANCELLED
    assert sorted(sent_in(emulator)) == [1, 2]


def test_what_was_answered_after_all_is_not_bought_again(
    bench: Bench, runner: Runner, account: Account, emulator: EmulatorProcess
) -> None:
    emulator.settings(pace=1000)
    run_id = bench.submit(runner, account, "one\ntwo")
    wait_until(lambda: bool(emulator.ledger()["batch_jobs"]))
    offer = runner.retries.resubmit_forecast(account, run_id)
    emulator.clock(2000)
    wait_until_ended(runner, account, run_id)
    child = wait_until_ended(runner, account, runner.retries.submit_retry(account, offer, "t"))
    assert (child.state, child.rows) == (RunState.FINISHED, 0)
    assert sent_in(emulator) == [2]
    with pytest.raises(InputError, match="has ended"):
        runner.retries.resubmit_forecast(account, run_id)


def test_a_dearer_elsewhere_is_held_against_the_budget(
    bench: Bench, runner: Runner, account: Account, emulator: EmulatorProcess
) -> None:
    emulator.settings(job_outcome="stuck")
    run_id = bench.submit(runner, account, "one", max_usd=0.004)
    with pytest.raises(OverBudget):
        runner.retries.submit_retry(
            account, runner.retries.resubmit_forecast(account, run_id, model="gemini-3.1-pro-preview"), "t"
        )
    assert not runner.runs.get(account, run_id).cancel_requested


@pytest.mark.parametrize("crash_after", [False, True])
def test_dying_at_any_write_sends_every_row_elsewhere_once(tmp_path: Path, crash_after: bool) -> None:
    with Simulation(tmp_path) as simulation:
        simulation.patches.setattr(collect_stage, "build_results", build_results)
        for write in range(1 + 4 * crash_after, 200, 9):
            simulation.google.outcome = "STUCK"
            old = simulation.submit()
            simulation.work(2)
            child = simulation.submit(parent=old, progress=RunProgress(replaces_run=old))
            for name in ("requests.jsonl", "inputs.parquet"):
                (simulation.folder(child) / name).unlink()
                os.link(simulation.folder(old) / name, simulation.folder(child) / name)
            draft = Draft(simulation.folder(old), "", "jsonl", 3, 0)
            (simulation.folder(old) / "draft.json").write_bytes(msgspec.json.encode(draft, enc_hook=str))
            kept = (simulation.folder(old) / "inputs.parquet").read_bytes()
            simulation.process.store.crash_in, simulation.process.store.crash_after = write, crash_after
            simulation.run_until_ended(old)
            simulation.google.outcome = "SUCCEEDED"
            simulation.run_until_ended(child)
            assert [simulation.row(run).state for run in (old, child)] == ["cancelled", "finished"]
            assert sorted(simulation.answers(child)) == [f"{old}-{n}" for n in range(3)]
            assert [len(simulation.google.jobs_named(f"gbr-test-{run}-s0000")) for run in (old, child)] == [1, 1]
            assert (simulation.folder(old) / "inputs.parquet").read_bytes() == kept
            if simulation.process.store.crash_in > 0:
                break
        assert simulation.process.store.crash_in > 0, "there are more writes than were tried"


def test_rows_are_held_to_the_rules_of_the_model_that_they_are_sent_to_again(tmp_path: Path) -> None:
    level = '{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"thinkingConfig":{"thinkingLevel":"LOW"}}}'
    draft = prepare("".join(f'{{"key":"k{n}","request":{level}}}\n' for n in range(3)), tmp_path, kind="jsonl")
    require_accepted(draft, ModelRules("gemini-9"))  # whatever nobody knows is tried
    require_accepted(draft, ModelRules("gemini-3", CatalogModel(thinking="levels")))
    with pytest.raises(InputError, match=r'3 rows cannot be sent to gemini-2. "k0": thinkingLevel is LOW'):
        require_accepted(draft, ModelRules("gemini-2", CatalogModel(thinking="budget")))
