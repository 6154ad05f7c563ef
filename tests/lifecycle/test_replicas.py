"""Two replicas on one PostgreSQL and one data folder; one is killed, and nobody helps."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from batch.errors import InputError
from batch.model import RunState
from batch.pricing import catalog
from lifecycle.core.models import RunSpec
from lifecycle.runner import Runner, Setup
from tests.emulator_process import EmulatorProcess, start_emulator
from tests.patience import PATIENCE_SECONDS
from tests.postgres_server import NoPostgres, postgres
from tests.run_checks import MODEL, find_leftovers, find_violations, prompts, write_input

ROOT = Path(__file__).resolve().parents[2]
KEY = "made-up-key"
RUNS = 8


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[EmulatorProcess, str, Path]]:
    with ExitStack() as stack:
        emulator = stack.enter_context(start_emulator(pace=3))
        try:
            url = stack.enter_context(postgres())
        except NoPostgres as why:
            pytest.skip(f"No PostgreSQL on this computer: {why}. It comes with requirements-dev.txt on Linux.")
        yield emulator, url, tmp_path


def replica(emulator: EmulatorProcess, url: str, folder: Path) -> subprocess.Popen[str]:
    seconds = {"REQUEST_TIMEOUT_SECONDS": "2", "SETTLE_SECONDS": "1", "LEASE_SECONDS": "1.5"}
    where = {"DATABASE_URL": url, "DATA_DIR": str(folder / "data"), "GOOGLE_GEMINI_BASE_URL": emulator.base_url}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.lifecycle.replica"],
        cwd=ROOT,
        env={**os.environ, **where, **seconds, "GEMINI_API_KEY": KEY},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.stdout.close()
    return process


def client(emulator: EmulatorProcess, url: str, folder: Path) -> Runner:
    """Records runs and looks at them; works on none."""
    return Runner(
        Setup(
            data_dir=folder,
            database_url=url.replace("postgresql://", "postgresql+psycopg://"),
            catalog=catalog.load(),
            rehearsal_url=lambda: emulator.base_url,
            base_url=emulator.base_url,
        )
    )


def test_one_of_two_replicas_is_killed_and_all_runs_finish_unaided(
    place: tuple[EmulatorProcess, str, Path],
) -> None:
    emulator, url, folder = place
    runner = client(emulator, url, folder / "data")
    account = runner.accounts.register_key(KEY)
    texts = {}
    replicas = [replica(emulator, url, folder) for _ in range(2)]
    try:
        for n in range(RUNS):
            path = folder / f"{n}.jsonl"
            rows = prompts(4, f"run{n}")
            write_input(path, rows)
            texts[
                runner.submissions.submit(
                    account, runner.forecasts.prepare_draft(path, kind="jsonl"), RunSpec(MODEL), f"t{n}"
                )
            ] = rows
        wait(lambda: len(emulator.ledger()["batch_jobs"]) >= RUNS // 2)
        replicas[0].send_signal(signal.SIGKILL)
        wait(lambda: all(run.state.ended for run in runner.runs.list_recent(account)))
    finally:
        for process in replicas:
            process.kill()
            process.wait()
    assert {run.state for run in runner.runs.list_recent(account)} == {RunState.FINISHED}
    ledger = emulator.ledger()
    assert set(Counter(job["display_name"] for job in ledger["batch_jobs"]).values()) == {1}
    assert find_leftovers(ledger) == []
    assert [
        c for run_id, rows in texts.items() for c in find_violations(ledger, runner.folder(run_id), rows, RUNS)
    ] == []
    runner.close()


def test_a_replica_with_another_data_folder_is_turned_away(place: tuple[EmulatorProcess, str, Path]) -> None:
    """It would find runs in the database whose files it does not have."""
    emulator, url, folder = place
    client(emulator, url, folder / "shared").close()
    client(emulator, url, folder / "shared").close()
    with pytest.raises(InputError, match="DATA_DIR"):
        client(emulator, url, folder / "another")


def wait(condition: object, seconds: float = PATIENCE_SECONDS) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
