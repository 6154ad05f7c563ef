"""Folders of runs are taken up again where the database is lost, or on another computer."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from batch.errors import InputError
from batch.model import RunState
from lifecycle.core.run_files import RUN_RECORD
from lifecycle.storage.copies import run_record
from tests.emulator_process import EmulatorProcess
from tests.lifecycle.conftest import KEY, Bench, wait_until, wait_until_ended


def lose_database(bench: Bench) -> None:
    for path in bench.folder.glob("runs.db*"):
        path.unlink()


def test_after_the_database_is_lost_ended_runs_are_there_again_and_open_ones_go_on(
    bench: Bench, emulator: EmulatorProcess
) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    ended = bench.submit(runner, account, "Say hello.\nName a river.")
    cost = wait_until_ended(runner, account, ended).actual_usd
    emulator.settings(pace=3600)
    under_way = bench.submit(runner, account, "Name a lake.")
    wait_until(lambda: any(job.state for job in runner.runs.get(account, under_way).jobs))
    prefix = runner._context.prefix
    runner.close(2)
    lose_database(bench)
    second = bench.open(adopting=True)
    account = second.accounts.register_key(KEY)
    for run_id in (ended, under_way):
        second.runs.adopt_folder(account, bench.folder / "runs" / run_id)
    assert second._context.prefix == prefix  # what is at Google is still known as ours
    assert second.runs.get(account, ended).actual_usd == cost
    assert second.runs.results(account, ended).page()[1] == 2
    assert "Job batches/" in " ".join(event.text for event in second.runs.events(account, ended))
    emulator.clock(4000)
    assert wait_until_ended(second, account, under_way).state is RunState.FINISHED
    assert len(emulator.ledger()["batch_jobs"]) == 2
    with pytest.raises(InputError, match="known already"):
        second.runs.adopt_folder(account, bench.folder / "runs" / ended)


def test_a_job_that_the_record_does_not_know_is_found_at_google(bench: Bench, emulator: EmulatorProcess) -> None:
    """The process died before it wrote down what it had sent."""
    emulator.settings(pace=3600)
    runner = bench.open(start=False)
    account = runner.accounts.register_key(KEY)
    run_id = bench.submit(runner, account, "Name a lake.")
    folder = bench.folder / "runs" / run_id
    early = run_record.read(folder)
    runner.start()
    wait_until(lambda: any(job.state for job in runner.runs.get(account, run_id).jobs))
    runner.close(2)
    lose_database(bench)
    assert all(not shard.job_name for shard in early.shards)
    (folder / RUN_RECORD).write_bytes(msgspec.json.encode(early))
    second = bench.open(adopting=True)
    account = second.accounts.register_key(KEY)
    second.runs.adopt_folder(account, folder)
    emulator.clock(4000)
    assert wait_until_ended(second, account, run_id).counts["answered"] == 1
    assert len(emulator.ledger()["batch_jobs"]) == 1


def test_a_folder_from_another_computer_is_copied_without_its_links(bench: Bench, tmp_path: Path) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run_id = bench.submit(runner, account, "Say hello.")
    wait_until_ended(runner, account, run_id)
    runner.close(2)
    carried = Path(shutil.copytree(bench.folder / "runs" / run_id, tmp_path / "stick"))
    (carried / "link").symlink_to("/etc/passwd")
    assert KEY not in (carried / RUN_RECORD).read_text()
    there = Bench(tmp_path / "new", "http://127.0.0.1:9")
    second = there.open(start=False)
    other = second.accounts.register_key("another-made-up-key")
    assert second.runs.adopt_folder(other, carried).counts["answered"] == 1
    assert not (there.folder / "runs" / run_id / "link").exists()
    assert second.runs.results(other, run_id).page()[1] == 1
    there.close()


def test_what_is_no_folder_of_a_run_is_refused_with_words(bench: Bench, tmp_path: Path) -> None:
    runner = bench.open(start=False)
    account = runner.accounts.register_key(KEY)
    with pytest.raises(InputError, match="no run\\.json"):
        runner.runs.adopt_folder(account, tmp_path)
    (tmp_path / RUN_RECORD).write_text('{"prefix": 1}')
    with pytest.raises(InputError, match="is broken"):
        runner.runs.adopt_folder(account, tmp_path)
    run_id = bench.submit(runner, account, "Say hello.")
    folder = bench.folder / "runs" / run_id
    run_record.write(runner._context.store, folder, run_id, "gbr-x-")
    text = (folder / RUN_RECORD).read_text()
    (tmp_path / RUN_RECORD).write_text(text.replace(run_id, "../../outside"))
    with pytest.raises(InputError, match="not the folder of a run"):
        runner.runs.adopt_folder(account, tmp_path)
    with pytest.raises(InputError, match="leave --rehearse out"):
        runner.runs.adopt_folder(runner.accounts.register_rehearsal("made-up"), folder)
