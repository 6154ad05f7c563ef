"""Look for jobs of ended runs whose create had lost its reply: one that shows up late is cancelled and reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemini.wire import Operation, parse_operation
from lifecycle.storage.store import Store
from lifecycle.storage.stray_ledger import StrayLedger, WatchedRun
from lifecycle.workflow.shards.batch_jobs import describe_stray, ignore_missing, is_open, rows_of

if TYPE_CHECKING:
    from gemini.client import GeminiClient


def look_for_strays(client: GeminiClient, store: Store, owner_id: str, prefix: str) -> int:
    """Stop what nobody waits for of an owner's ended runs, and returns how many jobs were found.

    A run under way looks by itself. Asks nobody while no reply is missing. Raises ApiError.
    """
    ledger = StrayLedger(store)
    watched = ledger.watched([owner_id])
    if not watched:
        return 0
    jobs = [parse_operation(body) for body in client.list_batches()]
    listed_at = client.server_now().timestamp()
    known_names = store.job_names(owner_id)
    known_names |= {run.progress.imported_job.name for run in store.runs(owner_id) if run.progress.imported_job}
    return sum(
        _stop_strays(client, store, ledger, entry, f"{prefix}{entry.run.id}-", jobs, known_names, listed_at)
        for entry in watched
    )


def record(store: Store, run_id: str, op: Operation) -> bool:
    """Tell a run, and its bill, of a job as it was found and stopped; False if both know of it."""
    if not StrayLedger(store).record_stray(run_id, op.display_name, op.name, rows_of(op)):
        return False
    if store.run(run_id) is not None:
        store.add_event(run_id, describe_stray(op), "warning")
    return True


def _stop_strays(
    client: GeminiClient,
    store: Store,
    ledger: StrayLedger,
    entry: WatchedRun,
    display_prefix: str,
    jobs: list[Operation],
    known_names: set[str],
    listed_at: float,
) -> int:
    run, count = entry.run, 0
    known = known_names.union(run.progress.cancelled_duplicates)
    for op in jobs:
        if not op.display_name.startswith(display_prefix) or op.name in known:
            continue
        if is_open(op):
            ignore_missing(client.cancel_batch, op.name)
        count += record(store, run.id, op)
    for shard in entry.shards:
        if shard.lost_creates and listed_at >= shard.strays_until:
            ledger.settle(run.id, shard.n)
    return count
