"""Every call of a run × everything that can befall it: `make faults` prints the table.

Each cell is one run through the real client against a real emulator, with waiting times cut short. It must finish
right, or stop saying what to do; with one job for its shard, and nothing left at the service.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from batch.model import ContextMode, RunState, SendAs, SendFiles
from batch.pricing import catalog
from lifecycle.core import polling
from lifecycle.core.models import RunSpec, RunView
from lifecycle.inputs.attachments import FileAccess
from lifecycle.runner import Runner, Setup
from lifecycle.workflow import orphan_cleanup
from tests.emulator_process import EmulatorProcess, start_emulator
from tests.patience import PATIENCE_SECONDS
from tests.run_checks import MODEL, find_leftovers, find_violations, prompts, write_input

TIMEOUT_SECONDS, SETTLE_SECONDS, LEASE_SECONDS = (
    1.5,
    0.7,
    15.0,
)  # nobody dies here: the lease only has to outlast a busy computer
MAX_WAIT_SECONDS = PATIENCE_SECONDS
RETRY_INFO = {
    "error": {
        "code": 429,
        "message": "You exceeded your current quota. Please retry in 1s.",
        "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1s"}],
    }
}


@dataclass(frozen=True)
class RunCall:
    """One call of a run's life: which it is on the wire, how often such calls come before it, and what run makes it."""

    name: str
    method: str
    route: str
    after: int = 0
    send_as: SendAs = SendAs.FILE
    cached: bool = False
    cancel: bool = False
    pictures: bool = False


CALLS = (
    RunCall("upload start", "POST", "/upload/"),
    RunCall("upload chunk", "POST", "/upload/", after=1),
    RunCall("create, file", "POST", "batchGenerateContent"),
    RunCall("create, inline", "POST", "batchGenerateContent", send_as=SendAs.INLINE),
    RunCall("list jobs", "GET", "/batches$"),
    RunCall("list jobs, last", "GET", "/batches$", after=1),
    RunCall("get job", "GET", "/batches/"),
    RunCall("get job, inline", "GET", "/batches/", after=1, send_as=SendAs.INLINE),
    RunCall("download", "GET", ":download"),
    RunCall("list files", "GET", "/files$"),
    RunCall("delete file", "DELETE", "/files/"),
    RunCall("cancel", "POST", ":cancel", cancel=True),
    RunCall("create cache", "POST", "/cachedContents$", cached=True),
    RunCall("list caches", "GET", "/cachedContents$", cached=True),
    RunCall("patch cache", "PATCH", "/cachedContents/", cached=True),
    RunCall("delete cache", "DELETE", "/cachedContents/", cached=True),
    RunCall("list files, pictures", "GET", "/files$", pictures=True),
    RunCall("picture start", "POST", "/upload/[^?]*$", pictures=True),
    RunCall("picture chunk", "POST", "upload_id=", pictures=True),
    RunCall("look at picture", "GET", "/files/[^:]*$", pictures=True),
    RunCall("create, pictures", "POST", "batchGenerateContent", pictures=True),
    RunCall("delete picture", "DELETE", "/files/", after=1, pictures=True),
)
FAULTS: dict[str, dict[str, Any]] = {
    "429": {"do": "status", "status": 429},
    "429 details": {"do": "status", "status": 429, "body": RETRY_INFO},
    "500": {"do": "status", "status": 500},
    "503": {"do": "status", "status": 503},
    "reset before": {"do": "drop_before"},
    "reset after": {"do": "drop_after"},
    "hang": {"do": "hang"},
    "truncated": {"do": "truncate", "bytes": 20},
    "malformed": {"do": "malformed"},
    "done, 500": {"do": "status_after", "status": 500},
    "done, 503": {"do": "status_after", "status": 503},
    "done, 429": {"do": "status_after", "status": 429},
    "done, 400": {"do": "status_after", "status": 400},
}
FINISHED, STOPPED = "finished", "stopped"


@dataclass(frozen=True)
class Cell:
    """What became of one run: FINISHED, or STOPPED with `words` shown to the user; `wrong` is what must not be."""

    outcome: str
    seconds: float
    message: str
    violations: tuple[str, ...]


@contextmanager
def shortened_delays() -> Iterator[None]:
    """Back off by tenths of seconds instead of seconds, and sweep nothing: that would take the run's faults away."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(polling, "BASE_BACKOFF_SECONDS", 0.2)
        patch.setattr(polling, "MIN_POLL_SECONDS", 0.2)
        patch.setattr(orphan_cleanup, "release_orphans", lambda *_: 0)
        yield


def run_cell(emulator: EmulatorProcess, call: RunCall, fault: dict[str, Any], times: int = 1) -> Cell:
    """One run with one fault."""
    emulator.reset()
    if call.cancel:
        emulator.settings(job_outcome="stuck")
    started_at = time.monotonic()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:  # a sweep may still be at work
        folder = Path(name)
        texts = prompts(4, "row")
        write_input(folder / "input.jsonl", texts, shared=call.cached, pictures=call.pictures)
        if call.pictures:
            emulator.settings(file_processing_seconds=0.3)
        emulator.faults([{"method": call.method, "route": call.route, "after": call.after, "times": times, **fault}])
        runner = _runner(folder, emulator.base_url)
        try:
            run, reason = _run_to_end(runner, folder, call)
            return _evaluate(emulator, runner, run, reason, texts, call, time.monotonic() - started_at)
        finally:
            runner.close(5)


def _runner(folder: Path, base_url: str) -> Runner:
    runner = Runner(
        Setup(
            data_dir=folder / "data",
            database_url=f"sqlite:///{folder / 'data' / 'runs.db'}",
            catalog=catalog.load(),
            rehearsal_url=lambda: base_url,
            base_url=base_url,
            request_timeout_seconds=TIMEOUT_SECONDS,
            settle_seconds=SETTLE_SECONDS,
            lease_seconds=LEASE_SECONDS,
        )
    )
    runner.start()
    return runner


def _run_to_end(runner: Runner, folder: Path, call: RunCall) -> tuple[RunView, str]:
    """Submit, perhaps cancel, and wait for the end; returns the run and the last words said of trouble."""
    account = runner.accounts.register_key("made-up-key")
    draft = runner.forecasts.prepare_draft(folder / "input.jsonl", kind="jsonl", access=FileAccess(folder))
    context = ContextMode.EXPLICIT if call.cached else ContextMode.NONE
    spec = RunSpec(MODEL, send_as=call.send_as, context=context, send_files=SendFiles.UPLOAD)
    run_id = runner.submissions.submit(account, draft, spec, "")
    deadline, cancel_requested = time.monotonic() + MAX_WAIT_SECONDS, not call.cancel
    run, reason = runner.runs.get(account, run_id), ""
    while not run.state.ended and time.monotonic() < deadline:
        if not cancel_requested and any(job.state for job in run.jobs):
            runner.runs.cancel(account, run_id)
            cancel_requested = True
        time.sleep(0.05)
        run = runner.runs.get(account, run_id)
        reason = run.note or reason
    return run, run.error or reason


def _evaluate(
    emulator: EmulatorProcess,
    runner: Runner,
    run: RunView,
    reason: str,
    texts: dict[str, str],
    call: RunCall,
    seconds: float,
) -> Cell:
    ledger = emulator.ledger()
    if any("cancel" in name for name in ledger["calls"]):  # such a job takes its time to end; one left alone is seen
        emulator.clock(60)
        ledger = emulator.ledger()
    if run.state is RunState.FINISHED:
        return Cell(FINISHED, seconds, "", tuple(find_violations(ledger, runner.folder(run.id), texts)))
    violations = find_leftovers(ledger) + (
        [f"{len(ledger['batch_jobs'])} jobs"] if len(ledger["batch_jobs"]) > 1 else []
    )
    if run.state is RunState.CANCELLED and call.cancel:
        return Cell(FINISHED, seconds, "", tuple(violations))
    if run.state is not RunState.FAILED or not run.error:
        violations.append(f"still {run.state}: {reason}")
    return Cell(STOPPED, seconds, reason, tuple(violations))


def run_cells(cell_names: Sequence[tuple[str, str]], workers: int, times: int = 1) -> dict[tuple[str, str], Cell]:
    """Try the cells of these calls and faults, several at once, each with an emulator to itself."""
    calls = {call.name: call for call in CALLS}
    idle_emulators: SimpleQueue[EmulatorProcess] = SimpleQueue()

    def run_one(cell_name: tuple[str, str]) -> Cell:
        emulator = idle_emulators.get()
        try:
            return run_cell(emulator, calls[cell_name[0]], FAULTS[cell_name[1]], times)
        finally:
            idle_emulators.put(emulator)

    with ExitStack() as stack, shortened_delays():
        for _ in range(workers):
            idle_emulators.put(stack.enter_context(start_emulator()))
        with ThreadPoolExecutor(workers) as pool:
            return dict(zip(cell_names, pool.map(run_one, cell_names), strict=True))


def run_all(workers: int, times: int, only: str) -> int:
    """Try every cell and print the table; returns how many are wrong."""
    cells = run_cells(
        [(call.name, name) for call in CALLS for name in FAULTS if only in f"{call.name} {name}"], workers, times
    )
    _print_table(cells)
    return sum(1 for cell in cells.values() if cell.violations)


def _print_table(cells: dict[tuple[str, str], Cell]) -> None:
    width = max(len(call.name) for call in CALLS) + 1
    columns = [name for name in FAULTS if any((call.name, name) in cells for call in CALLS)]
    print(" " * width + "".join(f"{name:>13}" for name in columns))
    for call in CALLS:
        cell_texts = [_cell_text(cells[call.name, name]) if (call.name, name) in cells else "" for name in columns]
        if any(cell_texts):
            print(f"{call.name:<{width}}" + "".join(f"{text:>13}" for text in cell_texts))
    counts = {
        outcome: sum(1 for c in cells.values() if c.outcome == outcome and not c.violations)
        for outcome in (FINISHED, STOPPED)
    }
    failed_cells = {place: cell for place, cell in cells.items() if cell.violations}
    summary = f"{counts[FINISHED]} finished right, {counts[STOPPED]} stopped with a reason"
    print(f"\n{len(cells)} runs: {summary}, {len(failed_cells)} WRONG")
    for (name, fault), cell in cells.items():
        if cell.outcome == STOPPED and not cell.violations:
            print(f"  stopped: {name}, {fault}: {cell.message[:200]}")
    for (name, fault), cell in failed_cells.items():
        print(f"  WRONG: {name}, {fault}: {'; '.join(cell.violations)} [{cell.message[:200]}]")


def _cell_text(cell: Cell) -> str:
    return f"{'WRONG' if cell.violations else 'ok' if cell.outcome == FINISHED else 'stops'} {cell.seconds:.1f} s"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--times", type=int, default=1, help="how often each fault strikes")
    parser.add_argument("--only", default="", help="only cells whose name contains this")
    options = parser.parse_args()
    return 1 if run_all(options.workers, options.times, options.only) else 0


if __name__ == "__main__":
    sys.exit(main())
