"""One story: the real terminal submits, is killed with SIGKILL at some point, and another process goes on."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from batch.pricing import catalog
from lifecycle.runner import Runner, Setup
from tests.crash.holding_proxy import HeldCall, HoldingProxy
from tests.emulator_process import EmulatorProcess
from tests.patience import PATIENCE_SECONDS
from tests.run_checks import MODEL, PICTURES, find_violations, prompts, write_input

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_SECONDS, SETTLE_SECONDS, LEASE_SECONDS = 2.0, 1.0, 1.5
MAX_WAIT_SECONDS = PATIENCE_SECONDS
KEY = "made-up-key"


@dataclass(frozen=True)
class CallPoint:
    """A point of a run's conversation: the n-th call of a method on a route."""

    name: str
    method: str
    route: str
    nth: int = 1
    cached: bool = False
    pictures: bool = False


CALLS = (  # the first look at each list is the sweep's
    CallPoint("sweep", "GET", "/batches[?]"),
    CallPoint("look for the job", "GET", "/batches[?]", 2),
    CallPoint("upload start", "POST", "/upload/"),
    CallPoint("upload chunk", "POST", "/upload/", 2),
    CallPoint("create", "POST", "batchGenerateContent"),
    CallPoint("first poll", "GET", "/batches/"),
    CallPoint("second poll", "GET", "/batches/", 2),
    CallPoint("download", "GET", ":download"),
    CallPoint("look for strays", "GET", "/batches[?]", 3),
    CallPoint("list files", "GET", "/files[?]", 2),
    CallPoint("delete file", "DELETE", "/files/"),
    CallPoint("look for the cache", "GET", "/cachedContents[?]", 2, True),
    CallPoint("create cache", "POST", "/cachedContents$", 1, True),
    CallPoint("shorten cache", "PATCH", "/cachedContents/", 1, True),
    CallPoint("delete cache", "DELETE", "/cachedContents/", 1, True),
    CallPoint("list files before pictures", "GET", "/files[?]", pictures=True),
    CallPoint("picture upload start", "POST", "/upload/[^?]*$", pictures=True),
    CallPoint("picture chunk", "POST", "upload_id=", pictures=True),
    CallPoint("last picture chunk", "POST", "upload_id=", PICTURES, pictures=True),
    CallPoint("look at a picture", "GET", "/files/[^?]*$", pictures=True),
    CallPoint("create with pictures", "POST", "batchGenerateContent", pictures=True),
    CallPoint("delete picture", "DELETE", "/files/", 2, pictures=True),
)
STAGES = ("planned", "submitting", "running", "collecting", "releasing", "finished")
MOMENTS = {"upload chunk": ("before", "during", "after"), "create": ("before", "during", "after")}
MOMENTS |= dict.fromkeys(("picture chunk", "last picture chunk"), ("before", "during", "after"))


@dataclass(frozen=True)
class CrashPoint:
    """Where to kill: `call` at a `moment`, or as soon as the database shows `stage`, or after so many seconds."""

    call: CallPoint | None = None
    moment: str = ""
    stage: str = ""
    seconds: float = 0.0

    def __str__(self) -> str:
        if self.call:
            return f"{self.moment} {self.call.name}"
        return f"at stage {self.stage}" if self.stage else "at random"


def crash_points() -> list[CrashPoint]:
    """Every call before and after its effect, the large ones also half sent, and every stage."""
    calls = [CrashPoint(call, moment) for call in CALLS for moment in MOMENTS.get(call.name, ("before", "after"))]
    return calls + [CrashPoint(stage=stage) for stage in STAGES]


@dataclass
class CrashScenario:
    """What is to happen, and then what did. `violations` say what must not be, `killed` if the kill hit a process.

    Otherwise `said` has the exit code and the words of the process that ended by itself.
    """

    number: int
    point: CrashPoint
    rows: int = 5
    mode: str = "file"
    cached: bool = False
    pictures: bool = False
    second_kill: float = 0.0
    terminal: bool = True
    violations: list[str] = field(default_factory=list)
    killed: bool = False
    said: str = ""
    stage: str = ""
    seconds: float = 0.0
    jobs: int = 0


def make_scenario(number: int, point: CrashPoint, seed: int) -> CrashScenario:
    """The rest of a story by its number and the seed."""
    rng = Random(f"{seed}/{number}")
    cached = point.call.cached if point.call else rng.random() < 0.3
    pictures = point.call.pictures if point.call else rng.random() < 0.3
    files = point.call is not None and (
        "file" in point.call.route or "upload" in point.call.route or "download" in point.call.route
    )
    mode = "file" if cached or files else rng.choice(["file", "inline"])
    if not point.call and not point.stage:
        point = CrashPoint(seconds=rng.uniform(1.0, 5.0))
    second = rng.uniform(1.5, 6.0) if rng.random() < 0.25 else 0.0
    return CrashScenario(number, point, rng.randint(3, 9), mode, cached, pictures, second, rng.random() < 0.5)


def run_scenario(scenario: CrashScenario, emulator: EmulatorProcess, folder: Path) -> CrashScenario:
    """Live through a story."""
    started_at = time.monotonic()
    emulator.reset()
    if scenario.pictures:
        emulator.settings(file_processing_seconds=0.3)
    texts = prompts(scenario.rows, f"s{scenario.number}")
    write_input(folder / "input.jsonl", texts, shared=scenario.cached, pictures=scenario.pictures)
    with HoldingProxy(emulator.base_url) as proxy:
        _run_until_killed(scenario, folder, proxy)
        if scenario.second_kill:
            _kill(_terminal(folder, proxy.base_url, "resume", "--wait"), lambda: time.sleep(scenario.second_kill))
    if not _runs(folder):
        _submit_again(scenario, folder, emulator.base_url)
    _resume_until_finished(scenario, folder, emulator.base_url)
    for run_id, stage, state in _runs(folder):
        if (stage, state) != ("finished", "finished"):
            scenario.violations.append(f"the run is {state} in stage {stage}")
        else:
            scenario.violations += find_violations(emulator.ledger(), folder / "data" / "runs" / run_id, texts)
    scenario.jobs = len(emulator.ledger()["batch_jobs"])
    scenario.seconds = time.monotonic() - started_at
    return scenario


def _run_until_killed(scenario: CrashScenario, folder: Path, proxy: HoldingProxy) -> None:
    """Submit, and die at the story's point."""
    point = scenario.point
    if point.call:
        proxy.held_call = HeldCall(point.call.method, point.call.route, point.moment, point.call.nth)
    context = "explicit" if scenario.cached else "none"
    options = ["--model", MODEL, "--mode", scenario.mode, "--context", context, "--json", "--wait"]
    options += ["--send-files", "upload"]
    process = _terminal(folder, proxy.base_url, "submit", str(folder / "input.jsonl"), *options)

    def wait() -> None:
        deadline = time.monotonic() + MAX_WAIT_SECONDS
        while (
            process.poll() is None and time.monotonic() < deadline and not _point_reached(point, proxy, folder, process)
        ):
            time.sleep(0.005)

    scenario.killed = _kill(process, wait)
    if not scenario.killed:
        scenario.said = f"exit code {process.returncode}: {(folder / 'terminal.log').read_text()}"
    if scenario.killed and point.call and not _point_reached(point, proxy, folder, process):
        scenario.violations.append("the call at which to kill never came")
    scenario.stage = next((stage for _, stage, _ in _runs(folder)), "")
    proxy.release()


def _point_reached(point: CrashPoint, proxy: HoldingProxy, folder: Path, process: TimedProcess) -> bool:
    """Whether the point has been reached at which to kill."""
    if point.call:
        return proxy.held_call is not None and proxy.held_call.reached.is_set()
    if point.stage:
        return any(stage == point.stage for _, stage, _ in _runs(folder))
    return time.monotonic() - process.started_at >= point.seconds


def _resume_until_finished(scenario: CrashScenario, folder: Path, base_url: str) -> None:
    """Another process goes on until everything has ended: the terminal, or a runner as the server has one."""
    if scenario.terminal:
        _wait_or_kill(_terminal(folder, base_url, "resume", "--wait"))
        return
    runner = Runner(_setup(folder, base_url))
    runner.start()
    runner.accounts.register_key(KEY)
    deadline = time.monotonic() + MAX_WAIT_SECONDS
    while any(stage != "finished" for _, stage, _ in _runs(folder)) and time.monotonic() < deadline:
        time.sleep(0.05)
    runner.close(5)


def _submit_again(scenario: CrashScenario, folder: Path, base_url: str) -> None:
    """Nothing was recorded before the kill: the user submits again."""
    arguments = ["submit", str(folder / "input.jsonl"), "--model", MODEL, "--mode", scenario.mode]
    arguments += ["--send-files", "upload"]
    _wait_or_kill(_terminal(folder, base_url, *arguments))


def _setup(folder: Path, base_url: str) -> Setup:
    data = folder / "data"
    return Setup(
        data_dir=data,
        database_url=f"sqlite:///{data / 'runs.db'}",
        catalog=catalog.load(),
        rehearsal_url=lambda: base_url,
        base_url=base_url,
        request_timeout_seconds=TIMEOUT_SECONDS,
        settle_seconds=SETTLE_SECONDS,
        lease_seconds=LEASE_SECONDS,
    )


class TimedProcess(subprocess.Popen[bytes]):
    """A process, and when it began."""

    started_at: float


def _terminal(folder: Path, base_url: str, *arguments: str) -> TimedProcess:
    seconds = {
        "REQUEST_TIMEOUT_SECONDS": TIMEOUT_SECONDS,
        "SETTLE_SECONDS": SETTLE_SECONDS,
        "LEASE_SECONDS": LEASE_SECONDS,
    }
    place = {"GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": base_url, "DATA_DIR": str(folder / "data")}
    with (folder / "terminal.log").open("ab") as log:
        process = TimedProcess(
            [sys.executable, "cli.py", *arguments],
            cwd=ROOT,
            env={
                **os.environ,
                "PYTHONFAULTHANDLER": "1",
                **place,
                **{name: str(value) for name, value in seconds.items()},
            },
            stdout=log,
            stderr=log,
        )
    process.started_at = time.monotonic()
    return process


def _wait_or_kill(process: TimedProcess) -> None:
    """Wait for a process; one that takes too long is killed, and what it left undone is told by the run's state."""
    try:
        process.wait(MAX_WAIT_SECONDS)
    except subprocess.TimeoutExpired:
        _kill(process, lambda: None)


def _kill(process: TimedProcess, wait: Callable[[], None]) -> bool:
    """SIGKILL after `wait`; False if the process had ended by itself."""
    wait()
    was_running = process.poll() is None
    if was_running:
        process.send_signal(signal.SIGKILL)
    process.wait()
    return was_running


def _runs(folder: Path) -> list[tuple[str, str, str]]:
    """(id, stage, state) of every run recorded, read from the database itself."""
    path = folder / "data" / "runs.db"
    if not path.exists():
        return []
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
        try:
            return [tuple(map(str, row)) for row in connection.execute("SELECT id, stage, state FROM run")]
        finally:
            connection.close()
    except sqlite3.OperationalError:  # the tables are not there yet
        return []


def describe(scenario: CrashScenario) -> str:
    """A story in one line."""
    cached, twice = ", cache" if scenario.cached else "", ", twice" if scenario.second_kill else ""
    pictures = ", pictures" if scenario.pictures else ""
    settings = f"{scenario.mode}{cached}{pictures}, {scenario.rows} rows{twice}"
    place = f"{scenario.number:4}  {scenario.point!s:28} stage {scenario.stage or '-':11}"
    return f"{place} {settings:32} {scenario.seconds:5.1f} s  " + ("; ".join(scenario.violations) or "right")
