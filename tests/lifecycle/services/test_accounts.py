"""Forget means forgotten: in mid-run, on every server, and for copies of the cookie."""

from __future__ import annotations

import pytest

from batch.errors import KeyMissing
from batch.model import RunState
from lifecycle.workflow import maintenance
from tests.emulator_process import EmulatorProcess
from tests.lifecycle.conftest import KEY, Bench, wait_until, wait_until_ended

PROMPTS = "What is two plus two?\nName a river."


def test_a_forgotten_key_is_used_no_more_and_its_live_run_waits_for_it(bench: Bench, emulator: EmulatorProcess) -> None:
    """At once, as it is after a restart; when the key comes back, the run goes on, with the one job that it has."""
    emulator.settings(pace=3600)
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run_id = bench.submit(runner, account, PROMPTS)
    wait_until(lambda: any(job.name for job in runner.runs.get(account, run_id).jobs))
    client = runner._context.client(account)
    runner.accounts.forget(account)
    wait_until(lambda: runner.runs.get(account, run_id).state is RunState.WAITING_FOR_KEY)
    assert runner.runs.list_recent(account)[0].status_text == "waiting for your key"
    with pytest.raises(Exception, match="forgotten"):
        client.get_batch("batches/1")
    with pytest.raises(KeyMissing):
        runner._context.client(account)
    assert runner._context.keyring.owners() == []
    emulator.clock(4000)
    runner.runs.poll_now(runner.accounts.register_key(KEY), run_id)
    assert wait_until_ended(runner, account, run_id).counts["answered"] == 2
    assert len(emulator.ledger()["batch_jobs"]) == 1


def test_another_server_lets_go_of_it_too(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "MAINTENANCE_SECONDS", 0.05)
    one, other = bench.open(start=False), bench.open(start=False)
    account = one.accounts.register_key(KEY)
    other.accounts.register_key(KEY)
    other.start(serving=True)
    one.accounts.forget(account)
    other._context.wake_worker()
    wait_until(lambda: not other.accounts.keep(account))
    assert other.accounts.is_forgotten(account)
    other.accounts.register_key(KEY)
    assert not one.accounts.is_forgotten(account)


def test_idle_keys_leave_a_server_but_not_those_that_a_run_needs(
    bench: Bench, emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator.settings(pace=3600)
    monkeypatch.setattr(maintenance, "MAINTENANCE_SECONDS", 0.05)
    monkeypatch.setattr(maintenance, "IDLE_KEY_SECONDS", 0.0)
    runner = bench.open(start=False, env_key="made-up-key-of-the-house")
    account = runner.accounts.register_key(KEY)
    bench.submit(runner, account, PROMPTS)
    idle = runner.accounts.register_key("made-up-key-of-a-closed-page")
    rehearsal = runner.accounts.register_rehearsal("made-up-identity")
    runner.start(serving=True)
    wait_until(lambda: not runner.accounts.keep(idle) and not runner.accounts.keep(rehearsal))
    assert len(runner._context.keyring.owners()) == 2 and runner.accounts.keep(account)
    assert not runner.accounts.is_forgotten(idle)


def test_the_key_of_the_house_cannot_be_forgotten(bench: Bench) -> None:
    runner = bench.open(env_key=KEY)
    account = runner.accounts.register_key(KEY)
    runner.accounts.forget(account)
    assert runner.accounts.keep(account) and not runner.accounts.is_forgotten(account)


def test_a_process_that_works_on_nothing_says_nothing_of_keys(bench: Bench, emulator: EmulatorProcess) -> None:
    """`gemini-batch runs` beside a server: that it holds no key means nothing, until the run is overdue."""
    emulator.settings(pace=3600)
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run_id = bench.submit(runner, account, PROMPTS)
    looker = bench.open(start=False)
    assert looker.runs.get(account, run_id).state is RunState.ACTIVE
