"""A shard's batch job at Google: found by its name, adopted, recorded; and what must not be there, stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batch.errors import ApiError
from gemini.wire import Operation, job_state, operation
from lifecycle.core.job_states import Fate, fate
from lifecycle.storage.store import Row
from lifecycle.workflow.shards import poll_schedule
from lifecycle.workflow.shards.context import UNRETURNED, Work

UNDER_WAY = 1e11  # as `settle_at`: a create is being sent; whoever finds this later has taken over from a dead process
_PREFERRED = {Fate.COLLECT: 0, Fate.WAITING: 1, Fate.UNKNOWN: 1, Fate.SALVAGE: 2}


class Listing:
    """Google's list of jobs, over all pages: read at the first need, and again once it may be out of date."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._read_at = -1.0
        self._ops: list[Operation] = []

    def of(self, shard: Row) -> list[Operation]:
        """Every job that is this shard's by display name and model; the one to keep comes first.

        A list read before the shard's last create had time to show up proves nothing, and is read again.
        """
        if self._read_at < max(0.0, float(shard["settle_at"])):
            self._read()
        name, model = shard["display_name"], self._work.model
        mine = [op for op in self._ops if op.display_name == name and op.model == model]
        return sorted(mine, key=_preference)

    def strays(self, known: set[str], awaited: set[str]) -> list[Operation]:
        """Jobs of this run, by their display name, that are not known by name, nor awaited by display name."""
        if self._read_at < 0:
            self._read()
        prefix = self._work.display_prefix
        ours = [op for op in self._ops if op.display_name.startswith(prefix)]
        return [op for op in ours if op.name not in known and op.display_name not in awaited]

    def open(self) -> int:
        """How many jobs are under way under this key, whoever made them."""
        if self._read_at < 0:
            self._read()
        return sum(1 for op in self._ops if is_open(op))

    def _read(self) -> None:
        began = self._work.clock()
        self._ops = [operation(body) for body in self._work.gateway.list_batches()]
        self._read_at = began


def _preference(op: Operation) -> tuple[int, bool, Any]:
    """Which of several jobs to keep: one with results, else one that may have some, and of equals the oldest."""
    return _PREFERRED[fate(job_state(op.state))], op.created_at is None, op.created_at


def is_open(op: Operation) -> bool:
    return fate(job_state(op.state)) in (Fate.WAITING, Fate.UNKNOWN)


def adopt(work: Work, shard: Row, found: list[Operation]) -> None:
    """Take the first of the shard's jobs as its own; any other is cancelled before, so that a crash forgets none."""
    for extra in found[1:]:
        stop(work, extra)
    record(work, shard, found[0])
    work.tell(f"Google already has job {found[0].name} for this submission; it was adopted.")


def stop(work: Work, op: Operation) -> None:
    """Cancel a job that nobody waits for, and report it: what of it Google has finished may be billed."""
    work.data.setdefault(UNRETURNED, {})[op.name] = max(1, op.stats["requests"] if op.stats else 0)
    if is_open(op):
        tolerant(work.gateway.cancel_batch, op.name)
        work.tell(f"Another job for the same requests, {op.name}, was found and cancelled.", "warning")
    else:
        words = f"Another job for the same requests, {op.name}, was found; it had already ended"
        work.tell(f"{words} ({job_state(op.state)}) and may have been billed.", "warning")


def stop_strays(work: Work, shards: list[Row], *, ending: bool = False) -> None:
    """Stop every job of this run that none of its shards has, or waits for.

    At the run's end none waits any more, and a shard that knew of no job now knows this one.
    """
    open_ = [shard for shard in shards if shard["stage"] in ("waiting", "intended")]
    stopped = work.data.setdefault("stopped", [])
    known = {*stopped, *(str(shard["job_name"]) for shard in shards)}
    for op in Listing(work).strays(known, set() if ending else {str(shard["display_name"]) for shard in open_}):
        stop(work, op)
        stopped.append(op.name)
        for shard in open_:
            if shard["display_name"] == op.display_name:
                work.set_shard(shard, job_name=op.name, stage="ended", settle_at=0.0)


def record(work: Work, shard: Row, op: Operation) -> None:
    """Write down which job a shard has."""
    created = op.created_at or work.server_now()
    work.set_shard(
        shard, stage="submitted", job_name=op.name, job_created_at=created.timestamp(), settle_at=0.0, misses=0
    )
    poll_schedule.begin(work, shard)


def settle(work: Work, shard: Row) -> float:
    """Seconds until a create that was sent must be in the list if it was accepted; 0: long since, or none was sent.

    A create whose process died was accepted before the lease ran out, if at all: from now on is late enough.
    """
    if shard["settle_at"] >= UNDER_WAY:
        work.set_shard(shard, settle_at=work.clock() + work.options.settle, misses=0)
    return max(0.0, float(shard["settle_at"]) - work.clock())


def tolerant(act: Callable[[str], None], name: str) -> None:
    """Delete or cancel; that it is gone already, or may not be touched, is no reason to stop."""
    try:
        act(name)
    except ApiError as error:
        if not error.permanent:
            raise
