"""What earlier lives of this installation left at Google is released; what is another's, or is needed, is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch.pricing.costs import RunCost
from gemini.client import GeminiClient
from gemini.wire import inline_batch_body
from lifecycle.runner import Runner
from lifecycle.workflow import maintenance
from tests.emulator_process import EmulatorProcess
from tests.lifecycle.conftest import KEY, MODEL, Bench, wait_until

TEXT = {"contents": [{"role": "user", "parts": [{"text": "The parties agree on this, and on nothing else. " * 300}]}]}


def leave(gateway: GeminiClient, folder: Path, prefix: str) -> None:
    """A cache, a file and a job under way, as a run leaves them that was killed and then forgotten."""
    gateway.create_cache({"model": f"models/{MODEL}", "displayName": f"{prefix}cgroup-0", **TEXT})
    (folder / "requests.jsonl").write_text("{}\n")
    gateway.upload_file(folder / "requests.jsonl", f"{prefix}s0000-hash")
    gateway.create_batch(MODEL, inline_batch_body(f"{prefix}s0000", [("k", TEXT)]))


def forget(runner: Runner, run_id: str) -> None:
    """A run that has ended here and was deleted: only its bill is left."""
    runner._context.store.add_run_cost("somebody", RunCost(run_id))


def alive(emulator: EmulatorProcess) -> list[str]:
    """Display names of what is there and costs something."""
    ledger = emulator.ledger()
    things = [thing for kind in ("cached_contents", "files") for thing in ledger[kind] if not thing["deleted_at"]]
    jobs = [job for job in ledger["batch_jobs"] if job["state"] in ("BATCH_STATE_PENDING", "BATCH_STATE_RUNNING")]
    return sorted(thing["display_name"] for thing in [*things, *jobs])


def prefix_of(runner: Runner) -> str:
    return runner._context.prefix


def test_a_server_sweeps_at_its_start_before_anybody_has_come(
    bench: Bench, emulator: EmulatorProcess, tmp_path: Path
) -> None:
    emulator.settings(job_outcome="stuck")
    first = bench.open()
    living = bench.submit(first, first.accounts.register_key(KEY), "one\ntwo", "t")
    wait_until(lambda: bool(emulator.ledger()["batch_jobs"]))
    first.close(2)
    ours, gateway = prefix_of(first), GeminiClient(KEY, emulator.base_url)
    for prefix in (f"{ours}rdead-", "gbr-another-rdead-", "mine"):
        leave(gateway, tmp_path, prefix)
    forget(first, "rdead")
    before = alive(emulator)
    assert len(before) == 10
    bench.open(env_key=KEY, settle_seconds=600.0)
    wait_until(lambda: not [name for name in alive(emulator) if name.startswith(f"{ours}rdead-")])
    assert alive(emulator) == [name for name in before if not name.startswith(f"{ours}rdead-")]
    assert f"{ours}{living}-s0000" in alive(emulator)
    shortened = [call for call in emulator.ledger()["calls"] if call.startswith("PATCH") and "cachedContents" in call]
    assert shortened, "storage may be charged for the life that was asked for, until it is shortened"


def test_a_sweep_that_could_not_look_is_tried_again_soon(
    bench: Bench, emulator: EmulatorProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "MAINTENANCE_SECONDS", 0.2)
    monkeypatch.setattr(maintenance, "ORPHAN_RETRY_SECONDS", 0.2)
    emulator.settings(job_outcome="stuck")
    runner = bench.open(start=False)
    forget(runner, "rdead")
    leave(GeminiClient(KEY, emulator.base_url), tmp_path, f"{prefix_of(runner)}rdead-")
    emulator.faults([{"method": "GET", "route": "/batches", "do": "status", "status": 503, "times": 2}])
    runner.accounts.register_key(KEY)
    runner.start()
    wait_until(lambda: not alive(emulator))


def test_a_run_that_is_not_known_here_may_be_alive_in_a_copy_of_the_data_folder(
    bench: Bench, emulator: EmulatorProcess, tmp_path: Path
) -> None:
    """Both copies have one installation's id: what the other makes under it is not swept up here."""
    emulator.settings(job_outcome="stuck")
    runner = bench.open(start=False)
    forget(runner, "rdead")
    for run_id in ("rcopy", "rdead"):
        leave(GeminiClient(KEY, emulator.base_url), tmp_path, f"{prefix_of(runner)}{run_id}-")
    runner.accounts.register_key(KEY)
    runner.start()
    wait_until(lambda: not [name for name in alive(emulator) if "rdead" in name])
    assert len([name for name in alive(emulator) if "rcopy" in name]) == 3
