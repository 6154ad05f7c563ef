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
from tests.crash.gate import Gate, Hold
from tests.emulator_process import EmulatorProcess
from tests.witness import MODEL, complaints, prompts, write_input

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT, SETTLE, LEASE = 2.0, 1.0, 1.5
PATIENCE_SECONDS = 90.0
KEY = "made-up-key"


@dataclass(frozen=True)
class Call:
    """A point of a run's conversation: the n-th call of a method on a route."""

    name: str
    method: str
    route: str
    nth: int = 1
    cached: bool = False


CALLS = (  # the first look at each list is the sweep's
    Call("sweep", "GET", "/batches[?]"),
    Call("look for the job", "GET", "/batches[?]", 2),
    Call("upload start", "POST", "/upload/"),
    Call("upload chunk", "POST", "/upload/", 2),
    Call("create", "POST", "batchGenerateContent"),
    Call("first poll", "GET", "/batches/"),
    Call("second poll", "GET", "/batches/", 2),
    Call("download", "GET", ":download"),
    Call("look for strays", "GET", "/batches[?]", 3),
    Call("list files", "GET", "/files[?]", 2),
    Call("delete file", "DELETE", "/files/"),
    Call("look for the cache", "GET", "/cachedContents[?]", 2, True),
    Call("create cache", "POST", "/cachedContents$", 1, True),
    Call("shorten cache", "PATCH", "/cachedContents/", 1, True),
    Call("delete cache", "DELETE", "/cachedContents/", 1, True),
)
STAGES = ("planned", "submitting", "running", "collecting", "releasing", "finished")
MOMENTS = {"upload chunk": ("before", "during", "after"), "create": ("before", "during", "after")}


@dataclass(frozen=True)
class Point:
    """Where to kill: `call` at a `moment`, or as soon as the database shows `stage`, or after so many seconds."""

    call: Call | None = None
    moment: str = ""
    stage: str = ""
    seconds: float = 0.0

    def __str__(self) -> str:
        if self.call:
            return f"{self.moment} {self.call.name}"
        return f"at stage {self.stage}" if self.stage else "at random"


def chosen_points() -> list[Point]:
    """Every call before and after its effect, the large ones also half sent, and every stage."""
    calls = [Point(call, moment) for call in CALLS for moment in MOMENTS.get(call.name, ("before", "after"))]
    return calls + [Point(stage=stage) for stage in STAGES]


@dataclass
class Story:
    """What is to happen, and then what did. `wrong` says what must not be, `killed` if the kill hit a process."""

    number: int
    point: Point
    rows: int = 5
    mode: str = "file"
    cached: bool = False
    second_kill: float = 0.0
    terminal: bool = True
    wrong: list[str] = field(default_factory=list)
    killed: bool = False
    stage: str = ""
    seconds: float = 0.0
    jobs: int = 0


def imagine(number: int, point: Point, seed: int) -> Story:
    """The rest of a story by its number and the seed."""
    chance = Random(f"{seed}/{number}")
    cached = point.call.cached if point.call else chance.random() < 0.3
    files = point.call is not None and (
        "file" in point.call.route or "upload" in point.call.route or "download" in point.call.route
    )
    mode = "file" if cached or files else chance.choice(["file", "inline"])
    if not point.call and not point.stage:
        point = Point(seconds=chance.uniform(1.0, 5.0))
    second = chance.uniform(1.5, 6.0) if chance.random() < 0.25 else 0.0
    return Story(number, point, chance.randint(2, 9), mode, cached, second, chance.random() < 0.5)


def tell(story: Story, emulator: EmulatorProcess, folder: Path) -> Story:
    """Live through a story."""
    began = time.monotonic()
    emulator.reset()
    texts = prompts(story.rows, f"s{story.number}")
    write_input(folder / "input.jsonl", texts, shared=story.cached)
    with Gate(emulator.base_url) as gate:
        _first_life(story, folder, gate)
        if story.second_kill:
            _kill(_terminal(folder, gate.base_url, "resume", "--wait"), lambda: time.sleep(story.second_kill))
    if not _runs(folder):
        _submit_again(story, folder, emulator.base_url)
    _last_life(story, folder, emulator.base_url)
    for run_id, stage, state in _runs(folder):
        if (stage, state) != ("finished", "finished"):
            story.wrong.append(f"the run is {state} in stage {stage}")
        else:
            story.wrong += complaints(emulator.ledger(), folder / "data" / "runs" / run_id, texts)
    story.jobs = len(emulator.ledger()["batch_jobs"])
    story.seconds = time.monotonic() - began
    return story


def _first_life(story: Story, folder: Path, gate: Gate) -> None:
    """Submit, and die at the story's point."""
    point = story.point
    if point.call:
        gate.hold = Hold(point.call.method, point.call.route, point.moment, point.call.nth)
    context = "explicit" if story.cached else "none"
    options = ["--model", MODEL, "--mode", story.mode, "--context", context, "--json", "--wait"]
    process = _terminal(folder, gate.base_url, "submit", str(folder / "input.jsonl"), *options)

    def wait() -> None:
        deadline = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < deadline and not _is_there(point, gate, folder, process):
            time.sleep(0.005)

    story.killed = _kill(process, wait)
    story.stage = next((stage for _, stage, _ in _runs(folder)), "")
    gate.open()


def _is_there(point: Point, gate: Gate, folder: Path, process: Started) -> bool:
    """Whether the point has been reached at which to kill."""
    if point.call:
        return gate.hold is not None and gate.hold.reached.is_set()
    if point.stage:
        return any(stage == point.stage for _, stage, _ in _runs(folder))
    return time.monotonic() - process.began >= point.seconds


def _last_life(story: Story, folder: Path, base_url: str) -> None:
    """Another process goes on until everything has ended: the terminal, or a runner as the server has one."""
    if story.terminal:
        _let_end(_terminal(folder, base_url, "resume", "--wait"))
        return
    runner = Runner(_setup(folder, base_url))
    runner.start()
    runner.accounts.hold_key(KEY)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(stage != "finished" for _, stage, _ in _runs(folder)) and time.monotonic() < deadline:
        time.sleep(0.05)
    runner.close(5)


def _submit_again(story: Story, folder: Path, base_url: str) -> None:
    """Nothing was recorded before the kill: the user submits again."""
    what = ["submit", str(folder / "input.jsonl"), "--model", MODEL, "--mode", story.mode]
    _let_end(_terminal(folder, base_url, *what))


def _setup(folder: Path, base_url: str) -> Setup:
    data = folder / "data"
    return Setup(
        data_dir=data,
        database_url=f"sqlite:///{data / 'runs.db'}",
        catalog=catalog.load(),
        rehearsal_url=lambda: base_url,
        base_url=base_url,
        request_timeout_seconds=TIMEOUT,
        settle_seconds=SETTLE,
        lease_seconds=LEASE,
    )


class Started(subprocess.Popen[bytes]):
    """A process, and when it began."""

    began: float


def _terminal(folder: Path, base_url: str, *arguments: str) -> Started:
    seconds = {"REQUEST_TIMEOUT_SECONDS": TIMEOUT, "SETTLE_SECONDS": SETTLE, "LEASE_SECONDS": LEASE}
    place = {"GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": base_url, "DATA_DIR": str(folder / "data")}
    with (folder / "terminal.log").open("ab") as log:
        process = Started(
            [sys.executable, "cli.py", *arguments],
            cwd=ROOT,
            env={**os.environ, **place, **{name: str(value) for name, value in seconds.items()}},
            stdout=log,
            stderr=log,
        )
    process.began = time.monotonic()
    return process


def _let_end(process: Started) -> None:
    """Wait for a process; one that takes too long is killed, and what it left undone is told by the run's state."""
    try:
        process.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        _kill(process, lambda: None)


def _kill(process: Started, wait: Callable[[], None]) -> bool:
    """SIGKILL after `wait`; False if the process had ended by itself."""
    wait()
    lived = process.poll() is None
    if lived:
        process.send_signal(signal.SIGKILL)
    process.wait()
    return lived


def _runs(folder: Path) -> list[tuple[str, str, str]]:
    """(id, stage, state) of every run recorded, read from the database itself."""
    path = folder / "data" / "runs.db"
    if not path.exists():
        return []
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
        try:
            return [tuple(map(str, row)) for row in connection.execute("SELECT id, stage, state FROM run")]  # type: ignore[misc]
        finally:
            connection.close()
    except sqlite3.OperationalError:  # the tables are not there yet
        return []


def show(story: Story) -> str:
    """A story in one line."""
    how = f"{story.mode}{', cache' if story.cached else ''}, {story.rows} rows{', twice' if story.second_kill else ''}"
    return f"{story.number:4}  {story.point!s:28} stage {story.stage or '-':11} {how:32} {story.seconds:5.1f} s  " + (
        "; ".join(story.wrong) or "right"
    )
