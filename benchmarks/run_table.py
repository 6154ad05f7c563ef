"""A page of the table of runs, in every order, of an account with 5,000 runs.

Reference: the same page by reading all runs of the account and sorting them in Python, as long as there was no table.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from batch.model import RunState, Stage
from lifecycle.core.models import RunQuery, RunSort, RunSpec
from lifecycle.core.run_records import RunRecord
from lifecycle.storage import run_summary, schema
from lifecycle.storage.run_table import RunTable
from lifecycle.storage.store import Store

RUNS = 5_000
REPEATS = 9
OWNER = "owner"


def record(n: int, chance: random.Random) -> RunRecord:
    """A run with an estimate of usual size; one in eight is a retry."""
    counts = {"answered": chance.randrange(2_000), "refused": chance.choice([0, 0, 3]), "empty": chance.choice([0, 5])}
    estimate = {"usd": {"expected": chance.random()}, "groups": [{"id": f"g{k}", "usd": 0.5} for k in range(60)]}
    return RunRecord(
        id=f"r{n:012x}",
        owner_id=OWNER,
        spec=RunSpec(model="gemini-3.8-flash"),
        model="gemini-3.8-flash",
        rows=sum(counts.values()),
        created_at=float(n),
        idempotency_key=str(n),
        parent_id=f"r{n - 1:012x}" if n % 8 == 7 else "",
        name=f"invoices-week-{chance.randrange(60)}",
        stage=Stage.FINISHED,
        state=RunState.FINISHED,
        estimate=estimate,
        counts=counts,
        actual_usd=chance.random(),
        ended_at=n + chance.random() * 5_000,
    )


def milliseconds(action: Callable[[], object]) -> float:
    """The median of some repetitions."""
    took = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        action()
        took.append(1e3 * (time.perf_counter() - started))
    return statistics.median(took)


def ask(table: RunTable, query: RunQuery) -> None:
    """What one drawing of the table asks."""
    table.page(query)
    table.counts(query)


def main() -> None:
    chance = random.Random(1)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        store = Store(f"sqlite:///{Path(folder) / 'runs.db'}")
        runs = [record(n, chance) for n in range(RUNS)]
        with store.writing() as c:
            c.execute(schema.run.insert(), [msgspec.to_builtins(run, str_keys=True) for run in runs])
            c.execute(schema.run_summary.insert(), [run_summary.columns_of(run) for run in runs])
        table = RunTable(store, OWNER)
        reference = milliseconds(lambda: sorted(store.runs(OWNER, RUNS), key=lambda run: run.actual_usd or 0.0)[:25])
        print(f"{RUNS:,} runs; all read and sorted in Python: {reference:.0f} ms")
        for sort in RunSort:
            for first in (0, RUNS // 2):
                took = milliseconds(partial(ask, table, RunQuery(sort=sort, first=first)))
                print(f"page at {first:>5,} by {sort:<9}: {took:6.1f} ms, {took / reference:.3f} of that")
        found = milliseconds(lambda: table.page(RunQuery(text="week-4 flash")))
        print(f"searched            : {found:6.1f} ms, {found / reference:.3f} of that")
        store.close()


if __name__ == "__main__":
    main()
