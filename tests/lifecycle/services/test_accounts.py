"""Forget means forgotten: in mid-run, on every server, and for copies of the cookie."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from batch.errors import KeyMissing, NotFound
from batch.model import RunState
from lifecycle.core.models import Visitor
from lifecycle.storage.audit_log import AUDIT_FILE
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


def test_people_who_share_a_key_have_their_own_runs_which_go_on_after_a_restart(
    bench: Bench, emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a login before one key of the house: what one does, another neither sees nor ends; all is on record."""
    monkeypatch.setattr(maintenance, "MAINTENANCE_SECONDS", 0.05)
    emulator.settings(pace=3600)
    # A busy computer must not make a reply late: the create would be repeated, rightly, and be a second job.
    patient: dict[str, Any] = {"env_key": KEY, "request_timeout_seconds": 60.0, "settle_seconds": 60.0}
    first = bench.open(**patient)
    ann, bea = (
        first.accounts.register_key(KEY, permanent=True, visitor=Visitor(name, "10.0.0.1")) for name in ("ann", "bea")
    )
    run_id = bench.submit(first, ann, PROMPTS)
    for ask in (first.runs.get, first.runs.cancel, first.runs.delete):
        with pytest.raises(NotFound):
            ask(bea, run_id)
    wait_until(lambda: any(job.name for job in first.runs.get(ann, run_id).jobs))
    first.close(2)
    emulator.clock(4000)
    second = bench.open(**patient)
    assert wait_until_ended(second, ann, run_id).counts["answered"] == 2
    assert len(emulator.ledger()["batch_jobs"]) == 1
    second.runs.delete(second.accounts.register_key(KEY, permanent=True, visitor=Visitor("ann", "10.0.0.2")), run_id)
    lines = [orjson.loads(line) for line in (bench.folder / AUDIT_FILE).read_bytes().splitlines()]
    assert [(line["user"], line["address"], line["what"], line["run"]) for line in lines] == [
        ("ann", "10.0.0.1", "submit", run_id),
        ("ann", "10.0.0.2", "delete", run_id),
    ]
