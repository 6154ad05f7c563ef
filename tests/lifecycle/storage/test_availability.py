"""A database that is away is told in plain words and waited for; one that must not be used is refused."""

from __future__ import annotations

import argparse
import logging
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from batch.errors import InputError
from batch.model import RunState
from lifecycle.storage import store as store_module
from lifecycle.storage.availability import StoreUnavailable
from lifecycle.storage.store import Store
from terminal.steps.watch import report_outcome, wait_for_run
from tests.emulator_process import EmulatorProcess
from tests.lifecycle.conftest import KEY, Bench, wait_until, wait_until_ended
from tests.lifecycle.storage.test_store import run_record

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(f"sqlite:///{tmp_path / 'runs.db'}")) as opened:
        yield opened


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("database is locked", "another program keeps it locked"),
        ("database or disk is full", "the disk is full"),
        ("attempt to write a readonly database", "it cannot be written to"),
        ("disk I/O error", "the disk cannot be read or written"),
        ("unable to open database file", "its file cannot be opened"),
    ],
)
def test_what_the_driver_says_is_told_in_words(
    store: Store, monkeypatch: pytest.MonkeyPatch, said: str, told: str
) -> None:
    def away(*_: Any) -> Any:
        raise OperationalError("BEGIN", {}, sqlite3.OperationalError(said))

    monkeypatch.setattr(store.engine, "connect", away)
    with pytest.raises(StoreUnavailable, match=told):
        store.runs("a")


def test_a_file_that_another_program_keeps_locked_is_waited_for_no_longer_than_told(
    store: Store, tmp_path: Path
) -> None:
    with store.reading() as c:
        c.exec_driver_sql("PRAGMA busy_timeout=50")
    with closing(sqlite3.connect(tmp_path / "runs.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            store.add_run(run_record("r1"))
        other.execute("ROLLBACK")
    store.add_run(run_record("r1"))


def test_tables_that_are_gone_are_told(store: Store, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "runs.db")) as other:
        other.execute("DROP TABLE run")
    with pytest.raises(StoreUnavailable, match="its tables are gone"):
        store.runs("a")


def test_a_run_goes_on_when_the_database_is_there_again_and_the_terminal_waits(
    bench: Bench, emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch, caplog: Any, capsys: Any
) -> None:
    emulator.settings(pace=1)
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run_id = bench.submit(runner, account, "Say hello.")
    wait_until(lambda: any(job.name for job in runner.runs.get(account, run_id).jobs))
    engine, away = runner._context.store.engine, threading.Event()
    real = engine.connect

    def connect(*_: Any) -> Any:
        if away.is_set():
            raise OperationalError("BEGIN", {}, sqlite3.OperationalError("database or disk is full"))
        return real()

    monkeypatch.setattr(engine, "connect", connect)
    away.set()
    assert runner.store_trouble() is not None
    outcome: list[int] = []

    def watch() -> None:
        run = wait_for_run(runner, account, run_id, until_ended=True)
        outcome.append(report_outcome(run, argparse.Namespace(json=False)))

    watching = threading.Thread(target=watch)
    with caplog.at_level(logging.WARNING):
        watching.start()
        wait_until(lambda: "The database cannot be used now" in caplog.text)
        time.sleep(1.5)  # several looks, one line
        away.clear()
        watching.join(60)
    assert outcome == [0]
    assert wait_until_ended(runner, account, run_id).state is RunState.FINISHED
    assert len(emulator.ledger()["batch_jobs"]) == 1
    told = [record.getMessage() for record in caplog.records if "database" in record.getMessage()]
    assert told == ["The database cannot be used now: the disk is full.", "The database is there again."]
    said = capsys.readouterr().err
    assert said.count("the disk is full") == 1 and "The database is there again." in said


def test_an_empty_database_beside_folders_of_runs_is_refused(bench: Bench) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    wait_until_ended(runner, account, bench.submit(runner, account, "Say hello."))
    runner.close(2)
    for path in bench.folder.glob("runs.db*"):
        path.unlink()
    for _ in range(2):  # being refused once must not make it pass
        with pytest.raises(InputError, match="has 1 folder of runs, but the database is empty"):
            bench.open()


# Root may write anywhere; a child without that right is told what a file's modes say, like everybody.
WITHOUT_RIGHT = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(24, 1, 0, 0, 0); os.execv(sys.executable, sys.argv[1:])"
)


@pytest.mark.skipif(sys.platform != "linux", reason="modes bind root here only on Linux")
def test_a_read_only_folder_can_be_read(bench: Bench, tmp_path: Path) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run_id = bench.submit(runner, account, "Say hello.")
    wait_until_ended(runner, account, run_id)
    runner.close(2)
    places = [*bench.folder.rglob("*"), bench.folder]
    for path in places:
        path.chmod(0o500 if path.is_dir() else 0o400)
    env = {**os.environ, "DATA_DIR": str(bench.folder), "GEMINI_API_KEY": KEY}
    out = tmp_path / "answers.csv"
    try:
        for verb in (["runs"], ["show", run_id], ["results", run_id, "--out", str(out)], ["spend"]):
            command = [sys.executable, "-c", WITHOUT_RIGHT, sys.executable, "cli.py", *verb]
            done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            assert verb[0] == "results" or run_id in done.stdout or verb[0] == "spend", done.stdout
    finally:
        for path in places:
            path.chmod(0o700 if path.is_dir() else 0o600)
    assert "Say hello." in out.read_text()


def test_a_connection_is_not_waited_for_for_minutes() -> None:
    assert store_module.CONNECT_SECONDS <= 10
