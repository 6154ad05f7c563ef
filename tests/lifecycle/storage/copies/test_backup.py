"""A copy of everything, made while runs are under way, and put back on a new machine."""

from __future__ import annotations

import io
import stat
import tarfile
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select

from assembly import restore
from batch.errors import InputError
from batch.model import RunState, Stage
from lifecycle.storage import schema
from lifecycle.storage.copies.backup import restore_backup, write_backup
from lifecycle.storage.store import Store
from settings import Settings
from tests.emulator_process import EmulatorProcess
from tests.lifecycle.conftest import KEY, Bench, wait_until, wait_until_ended


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder / 'runs.db'}"


def test_a_copy_made_in_mid_run_goes_on_elsewhere_and_loses_nothing(
    bench: Bench, emulator: EmulatorProcess, tmp_path: Path
) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    ended = bench.submit(runner, account, "Say hello.\nName a river.")
    wait_until_ended(runner, account, ended)
    costs = runner.billing.run_costs(account)
    emulator.settings(pace=3600)
    under_way = bench.submit(runner, account, "Name a lake.")
    wait_until(lambda: any(job.state for job in runner.runs.get(account, under_way).jobs))
    summary = runner.backup(tmp_path / "copy.tar")
    assert (summary.runs, summary.unfinished) == (2, 1)
    assert stat.S_IMODE(summary.path.stat().st_mode) == 0o600
    runner.close(2)
    content = summary.path.read_bytes()
    assert KEY.encode() not in content
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]

    elsewhere = Bench(tmp_path / "new", emulator.base_url)
    manifest = restore(Settings(data_dir=elsewhere.folder), summary.path)
    assert (manifest.runs, manifest.unfinished) == (2, 1)
    second = elsewhere.open()
    account = second.accounts.register_key(KEY)
    assert {run.id for run in second.runs.list_recent(account)} == {ended, under_way}
    assert [cost.usd for cost in second.billing.run_costs(account)] == [cost.usd for cost in costs]
    assert second.runs.results(account, ended).page()[1] == 2
    emulator.clock(4000)
    assert wait_until_ended(second, account, under_way).state is RunState.FINISHED
    assert len(emulator.ledger()["batch_jobs"]) == 2
    elsewhere.close()


def test_a_copy_is_of_one_moment_and_overwrites_nothing(bench: Bench, tmp_path: Path) -> None:
    runner = bench.open(start=False)
    account = runner.accounts.register_key(KEY)
    bench.submit(runner, account, "Say hello.")
    store = runner._context.store
    with store.snapshot() as c:
        assert len(c.execute(select(schema.run.c.id)).all()) == 1
        bench.submit(runner, account, "Name a lake.")
        assert len(c.execute(select(schema.run.c.id)).all()) == 1
    runner.backup(tmp_path / "copy.tar")
    with pytest.raises(InputError, match="exists"):
        runner.backup(tmp_path / "copy.tar")
    with pytest.raises(InputError, match="cannot be written"):
        runner.backup(tmp_path / "nowhere" / "copy.tar")


def test_a_place_that_has_runs_is_not_written_to(bench: Bench, tmp_path: Path) -> None:
    runner = bench.open(start=False)
    bench.submit(runner, runner.accounts.register_key(KEY), "Say hello.")
    runner.backup(tmp_path / "copy.tar")
    with pytest.raises(InputError, match="has runs already"):
        restore_backup(tmp_path / "copy.tar", url_of(bench.folder), bench.folder)
    with pytest.raises(InputError, match="database has runs already"):
        restore_backup(tmp_path / "copy.tar", url_of(bench.folder), tmp_path / "new")
    assert not (tmp_path / "new" / "runs").exists()


@pytest.mark.parametrize("name", ["../outside", "/outside", "runs/../../outside", "cookie-secret", "runs/r1"])
def test_what_no_copy_holds_is_refused(tmp_path: Path, name: str) -> None:
    with tarfile.open(tmp_path / "copy.tar", "w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = 4
        tar.addfile(entry, io.BytesIO(b"evil"))
    with pytest.raises(InputError, match="which no copy does"):
        restore_backup(tmp_path / "copy.tar", url_of(tmp_path / "new"), tmp_path / "new")
    assert not (tmp_path / "outside").exists()


def test_a_link_is_refused_and_so_is_what_is_no_tar(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "copy.tar", "w") as tar:
        entry = tarfile.TarInfo("runs/r1/a")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(entry)
    (tmp_path / "no.tar").write_text("no tar")
    for path in ("copy.tar", "no.tar", "missing.tar"):
        with pytest.raises(InputError):
            restore_backup(tmp_path / path, url_of(tmp_path / "new"), tmp_path / "new")


def test_from_sqlite_to_postgresql_and_back(bench: Bench, server: str, tmp_path: Path) -> None:
    runner = bench.open(start=False)
    account = runner.accounts.register_key(KEY)
    run_id = bench.submit(runner, account, "Say hello.")
    first = runner.backup(tmp_path / "one.tar")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE copy")
    url = server.replace("postgresql://postgres@/postgres", "postgresql+psycopg://postgres@/copy")
    restore_backup(first.path, url, tmp_path / "two")
    with closing(Store(url)) as store:
        store.add_event(run_id, "Later.")  # numbers itself on
        write_backup(store, tmp_path / "two", tmp_path / "two.tar")
    restore_backup(tmp_path / "two.tar", url_of(tmp_path / "three"), tmp_path / "three")
    with closing(Store(url_of(tmp_path / "three"))) as store:
        run = store.run(run_id)
        assert run is not None and run.stage is Stage.PLANNED and run.owner_id == account.owner_id
        assert [event.text for event in store.events(run_id)][-1] == "Later."
        assert store.get_setting("salt") == runner._context.store.get_setting("salt")
