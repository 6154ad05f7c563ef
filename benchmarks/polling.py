"""What it costs to watch 200 active runs: processor time, and growth of the database.

The runs are recorded as submitted so long ago, with stuck jobs at an emulator in its own process; the runner is the
real one, in this process, with the real client. Reference: the share of one core that the same polls take as plain
GETs through the same client, without store and stages.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from batch.model import Stage
from batch.pricing import catalog
from gemini.client import GeminiClient
from gemini.wire import inline_batch_body
from lifecycle.core.models import RunSpec
from lifecycle.core.polling import poll_delay
from lifecycle.core.run_records import RunRecord, ShardRecord, ShardStage
from lifecycle.runner import Runner, Setup
from lifecycle.storage.store import Store
from tests.emulator_process import start_emulator

MODEL = "gemini-3.8-flash"
KEY = "made-up-key"
RUNS = 200


class Watch(NamedTuple):
    """Figures of one window: polls made, processor seconds, wall seconds, bytes and rows that the database grew by."""

    polls: int
    cpu: float
    seconds: float
    grown_bytes: int
    grown_rows: int

    @property
    def share(self) -> float:
        """Of one core."""
        return self.cpu / self.seconds


def watch(age_seconds: float, seconds: float, runs: int = RUNS) -> Watch:
    """Watch so many runs, submitted so long ago, for so long."""
    with start_emulator() as emulator, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        emulator.settings(job_outcome="stuck", max_jobs=runs)
        folder = Path(name)
        url = f"sqlite:///{folder / 'runs.db'}"
        runner = Runner(
            Setup(folder, url, catalog.load(), lambda: emulator.base_url, base_url=emulator.base_url, env_key=KEY)
        )
        owner = runner.accounts.register_key(KEY).owner_id
        store = Store(url)
        _record(store, GeminiClient(KEY, emulator.base_url), owner, runs, age_seconds)
        runner.start()
        time.sleep(min(poll_delay(age_seconds), 30.0))
        before, rows = _size(folder), _rows(store)
        polls = emulator.ledger()["calls"]["GET /batches/{id}"]
        cpu, began = time.process_time(), time.monotonic()
        time.sleep(seconds)
        spent, wall = time.process_time() - cpu, time.monotonic() - began
        polls = emulator.ledger()["calls"]["GET /batches/{id}"] - polls
        grown, more = _size(folder) - before, _rows(store) - rows
        runner.close(2)
        store.close()
        return Watch(polls, spent, wall, grown, more)


def plain(polls: int) -> float:
    """Processor seconds of so many GETs of a job through the client alone."""
    with start_emulator() as emulator:
        emulator.settings(job_outcome="stuck")
        gateway = GeminiClient(KEY, emulator.base_url)
        name = gateway.create_batch(MODEL, inline_batch_body("one", [("k", REQUEST)]))["name"]
        gateway.get_batch(name)
        began = time.process_time()
        for _ in range(polls):
            gateway.get_batch(name)
        return time.process_time() - began


REQUEST = {"contents": [{"role": "user", "parts": [{"text": "x"}]}]}


def _record(store: Store, gateway: GeminiClient, owner: str, runs: int, age: float) -> None:
    """Runs as they are while their job is under way, due at moments spread over a poll's delay."""
    now, delay = time.time(), poll_delay(age)
    for n in range(runs):
        job = gateway.create_batch(MODEL, inline_batch_body(f"benchmark-{n}", [("k", REQUEST)]))
        run = RunRecord(
            id=f"r{n}",
            owner_id=owner,
            spec=RunSpec(model=MODEL),
            model=MODEL,
            rows=1,
            created_at=now - age,
            idempotency_key=f"r{n}",
            stage=Stage.RUNNING,
            due_at=now + delay * n / runs,
        )
        store.add_run(run)
        shard = ShardRecord(
            run_id=run.id,
            n=0,
            rows=1,
            size_bytes=1,
            tokens=1,
            transport="inline",
            groups=[],
            display_name=f"benchmark-{n}",
            stage=ShardStage.SUBMITTED,
            creates=1,
            job_name=job["name"],
            job_state="JOB_STATE_PENDING",
            job_created_at=now - age,
        )
        store.add_shards(run.id, "", [shard])


def _size(folder: Path) -> int:
    """Bytes of the database without its log, which is written in a circle."""
    return (folder / "runs.db").stat().st_size


def _rows(store: Store) -> int:
    with store.engine.connect() as c:
        return sum(
            int(c.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())
            for table in ("run", "shard", "event", "observation")
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    print(f"{RUNS} active runs, each with one job; share of one core, {options.seconds:.0f} s windows")
    print("runs' age      poll every   polls/s   share of a core   ms a poll   grown bytes, rows")
    worst = 0.0
    for age in (120.0, 600.0, 3_600.0, 4 * 3_600.0):
        seen = watch(age, options.seconds)
        each = seen.cpu / max(1, seen.polls) * 1000
        print(
            f"{age / 60:6.0f} min   {poll_delay(age):9.0f} s   {seen.polls / seen.seconds:7.1f}   {seen.share:15.1%}   "
            f"{each:9.2f}   {seen.grown_bytes}, {seen.grown_rows}"
        )
        worst = max(worst, each)
    alone = plain(300) / 300 * 1000
    print(
        f"reference: {alone:.2f} ms a poll as a plain GET through the client; ours cost {worst / alone:.1f} times that"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
