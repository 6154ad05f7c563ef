"""One story in which nobody is killed for good: the list lags, a process sleeps, the store or the disk goes away.

The clock may be turned, too. Whatever happens, each row is paid once or the second job is stopped and told, and the
terminal that waits answers by what became of the run.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import psycopg

from tests.crash.crash_scenario import KEY, LEASE_SECONDS, ROOT, SETTLE_SECONDS, TIMEOUT_SECONDS
from tests.crash.holding_proxy import HeldCall, HoldingProxy
from tests.emulator_process import EmulatorProcess
from tests.patience import PATIENCE_SECONDS
from tests.run_checks import MODEL, find_violations, prompts, write_input

TROUBLES = (
    "list lag",
    "suspended before",
    "suspended after",
    "woken with a job",
    "clock",
    "disk full",
    "store locked",
    "store away",
)
CREATE = "batchGenerateContent"


@dataclass
class TroubleScenario:
    """What is to happen, and then what did. `strays` counts second jobs, every one of them stopped and told."""

    number: int
    trouble: str
    rows: int
    mode: str
    amount: float  # seconds of lag, of turning or of absence; for a disk, kB that a file may have
    violations: list[str] = field(default_factory=list)
    strays: int = 0
    jobs: int = 0
    seconds: float = 0.0
    said: str = ""


def make_scenario(number: int, trouble: str, seed: int) -> TroubleScenario:
    """The rest of a story by its number and the seed."""
    rng = Random(f"{seed}/{trouble}/{number}")
    amounts = {
        "list lag": lambda: rng.choice([0.0, 0.5, rng.uniform(1, 120), 120.0]),
        "suspended before": lambda: rng.uniform(4.5, 9.0),
        "suspended after": lambda: rng.uniform(4.5, 9.0),
        "woken with a job": lambda: rng.uniform(4.5, 9.0),
        "clock": lambda: rng.choice([-1, 1]) * rng.choice([40.0, 3_600.0, 86_400.0]),
        "disk full": lambda: rng.choice([4, 24, 48, 96, 160]),
        "store locked": lambda: rng.uniform(0.5, 4.0),
        "store away": lambda: rng.uniform(0.5, 4.0),
    }
    return TroubleScenario(number, trouble, rng.randint(3, 9), rng.choice(["file", "inline"]), amounts[trouble]())


class World:
    """The folder, the emulator and the store of one story, and the terminals in it."""

    def __init__(self, scenario: TroubleScenario, emulator: EmulatorProcess, folder: Path, database_url: str) -> None:
        self.scenario, self.emulator, self.folder, self.database_url = scenario, emulator, folder, database_url
        self.base_url = emulator.base_url
        self.clock, self.log = folder / "clock", folder / "terminal.log"

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        settings = {
            "GEMINI_API_KEY": KEY,
            "GOOGLE_GEMINI_BASE_URL": self.base_url,
            "DATA_DIR": str(self.folder / "data"),
            "DATABASE_URL": self.database_url,
            "CLOCK_FILE": str(self.clock),
            "REQUEST_TIMEOUT_SECONDS": str(TIMEOUT_SECONDS),
            "SETTLE_SECONDS": str(SETTLE_SECONDS),
            "LEASE_SECONDS": str(LEASE_SECONDS),
        }
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.crash.launcher", *arguments],
                cwd=ROOT,
                env={**os.environ, **settings, **environment},
                stdout=log,
                stderr=log,
            )

    def submit(self, **environment: str) -> subprocess.Popen[bytes]:
        scenario, path = self.scenario, str(self.folder / "input.jsonl")
        return self.start("submit", path, "--model", MODEL, "--mode", scenario.mode, "--wait", **environment)

    def ask(self, *arguments: str) -> Any:
        """What the terminal answers with --json, None if it does not."""
        process = self.start(*arguments, "--json")
        # Its answer is the last line of the log that is a document; nobody else writes now.
        process.wait(PATIENCE_SECONDS)
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line[:1] in "[{"]
        return json.loads(lines[-1]) if process.returncode == 0 and lines else None

    def jobs(self) -> int:
        return len(self.emulator.ledger()["batch_jobs"])

    def wait_for(self, process: subprocess.Popen[bytes]) -> None:
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            self.scenario.violations.append("a terminal did not end")


def run_scenario(
    scenario: TroubleScenario, emulator: EmulatorProcess, folder: Path, database_url: str = ""
) -> TroubleScenario:
    """Live through a story. `database_url` is a PostgreSQL of its own for "store away"."""
    started_at = time.monotonic()
    emulator.reset()
    emulator.settings(pace=1.5)
    texts = prompts(scenario.rows, f"t{scenario.number}")
    write_input(folder / "input.jsonl", texts)
    world = World(scenario, emulator, folder, database_url if scenario.trouble == "store away" else "")
    STORIES[scenario.trouble](world)
    emulator.clock(150)
    for _ in range(2):  # until nothing is under way, and once more for what shows up late
        world.wait_for(world.start("resume", "--wait"))
    _judge(world, texts)
    scenario.jobs, scenario.seconds = world.jobs(), time.monotonic() - started_at
    scenario.said = world.log.read_text(errors="replace")
    return scenario


def _judge(world: World, texts: dict[str, str]) -> None:
    """One finished run, every answer its own, one job; any other was stopped or had ended, and is told of."""
    runs, faults = world.ask("runs"), world.scenario.violations
    if not runs or len(runs) != 1 or (runs[0]["state"], runs[0]["stage"]) != ("finished", "finished"):
        faults.append(f"not one finished run: {[(run['state'], run['stage']) for run in runs or []]}")
        return
    shown, ledger = world.ask("show", runs[0]["id"]), world.emulator.ledger()
    own = {job["name"] for job in shown["jobs"]}
    others = [job for job in ledger["batch_jobs"] if f"batches/{job['name'].split('/')[-1]}" not in own]
    for job in others:
        if job["name"].split("/")[-1] not in str(shown["strays"]):
            faults.append(f"job {job['name']} was never told of")
        if not runs[0]["actual_at_least"]:
            faults.append("the cost does not say that it is a lower bound")
    world.scenario.strays = len(others)
    ledger["batch_jobs"] = [job for job in ledger["batch_jobs"] if job not in others] + [
        {**job, "display_name": f"stray {job['name']}"} for job in others
    ]
    faults += find_violations(ledger, world.folder / "data" / "runs" / runs[0]["id"], texts, 1 + len(others))


# -- the stories ---------------------------------------------------------------------------------------------------


def _list_lag(world: World) -> None:
    world.emulator.settings(list_lag_seconds=world.scenario.amount)
    world.emulator.faults([{"method": "POST", "route": CREATE, "do": "drop_after"}])
    process = world.submit()
    world.wait_for(process)
    _expect_finished(world, process)


def _woken_with_a_job(world: World) -> None:
    """The job of who slept is not listed, so that there are two; he wakes with the name of his."""
    world.emulator.settings(list_lag_seconds=60)
    _suspended(world, "after", answers=True)


def _suspended(world: World, moment: str, *, answers: bool = False) -> None:
    """A process sleeps before its create, or with the reply unread, while another does the whole run."""
    with HoldingProxy(world.emulator.base_url) as proxy:
        world.base_url = proxy.base_url
        proxy.held_call = held = HeldCall("POST", CREATE, moment, answers=answers)
        sleeper = world.submit()
        if not held.reached.wait(PATIENCE_SECONDS):
            world.scenario.violations.append("the create never came")
        sleeper.send_signal(signal.SIGSTOP)
        time.sleep(world.scenario.amount)  # longer than its lease
        world.base_url = world.emulator.base_url
        world.wait_for(world.start("resume", "--wait"))
        proxy.release()
        time.sleep(0.3)  # the reply is there when he wakes
        sleeper.send_signal(signal.SIGCONT)
        world.wait_for(sleeper)
        _expect_finished(world, sleeper)


def _clock(world: World) -> None:
    process = world.submit()
    _until(lambda: world.jobs() > 0 or process.poll() is not None)
    time.sleep(Random(world.scenario.number).uniform(0, 1.5))
    world.clock.write_text(str(world.scenario.amount))
    world.wait_for(process)
    _expect_finished(world, process)


def _disk_full(world: World) -> None:
    """The disk takes no more for some seconds; then the process is killed, and there is room again."""
    process = world.submit(MOST_FILE_BYTES=str(int(world.scenario.amount * 1000)))
    with_room = time.monotonic() + 8
    _until(lambda: process.poll() is not None or time.monotonic() > with_room)
    if process.poll() is None:
        process.kill()
    process.wait()
    if not _recorded(world):
        world.wait_for(world.submit())


def _store_locked(world: World) -> None:
    process = world.submit()
    _until(lambda: world.jobs() > 0 or process.poll() is not None)
    with closing(sqlite3.connect(world.folder / "data" / "runs.db", isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN IMMEDIATE")
        time.sleep(world.scenario.amount)
        other.execute("ROLLBACK")
    world.wait_for(process)
    _expect_finished(world, process)


def _store_away(world: World) -> None:
    process = world.submit()
    _until(lambda: world.jobs() > 0 or process.poll() is not None)
    with away(world.database_url):
        time.sleep(world.scenario.amount)
    world.wait_for(process)
    _expect_finished(world, process)


@contextmanager
def away(url: str) -> Iterator[None]:
    """PostgreSQL cannot be reached: its socket is moved away, and who was connected is cut off."""
    socket = Path(url.split("host=")[-1]) / ".s.PGSQL.5432"
    with psycopg.connect(url, autocommit=True) as admin:
        socket.rename(socket.with_suffix(".away"))
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
            "AND datname = current_database()"
        )
        try:
            yield
        finally:
            socket.with_suffix(".away").rename(socket)


def _recorded(world: World) -> bool:
    path = world.folder / "data" / "runs.db"
    if not path.exists():
        return False
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as connection:
        try:
            return bool(connection.execute("SELECT 1 FROM run").fetchone())
        except sqlite3.OperationalError:
            return False


def _expect_finished(world: World, process: subprocess.Popen[bytes]) -> None:
    if process.returncode != 0:
        world.scenario.violations.append(f"the terminal answered {process.returncode}")


def _until(condition: Any) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)


STORIES: dict[str, Any] = {
    "list lag": _list_lag,
    "suspended before": lambda world: _suspended(world, "before"),
    "suspended after": lambda world: _suspended(world, "after"),
    "woken with a job": _woken_with_a_job,
    "clock": _clock,
    "disk full": _disk_full,
    "store locked": _store_locked,
    "store away": _store_away,
}


def describe(scenario: TroubleScenario) -> str:
    """A story in one line."""
    what = f"{scenario.trouble} {scenario.amount:.1f}"
    settings = f"{scenario.mode}, {scenario.rows} rows, {scenario.jobs} jobs ({scenario.strays} told as strays)"
    return f"{scenario.number:4}  {what:26} {settings:48} {scenario.seconds:5.1f} s  " + (
        "; ".join(scenario.violations) or "right"
    )
