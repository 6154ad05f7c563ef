"""Batch jobs that nobody waits for: creates whose reply was lost, and jobs that a process made without a lease.

What is written here needs no lease of the run: a process that has lost it knows something that its next owner must
know, and a run that has ended has no owner any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, select

from batch.model import Stage
from lifecycle.core.run_records import RunRecord, ShardRecord
from lifecycle.storage import schema
from lifecycle.storage.store import Store, run_record


@dataclass(frozen=True)
class WatchedRun:
    """An ended run of which another job may still show up, and all its shards."""

    run: RunRecord
    shards: list[ShardRecord]


class StrayLedger:
    """The strays of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def hand_over(self, run_id: str, shard: int, job_name: str) -> bool:
        """Let the run's owner know of a job that was made for a shard. False for a run that has ended, or is gone."""
        s = schema.shard
        with self._store.writing() as c:
            stage = self._locked_stage(c, run_id)
            if stage in (None, Stage.FINISHED):
                return False
            this = (s.c.run_id == run_id) & (s.c.n == shard)
            names = c.execute(select(s.c.handed_jobs).where(this)).scalar_one()
            c.execute(s.update().where(this).values(handed_jobs=[*names, job_name]))
            return True

    def add_lost_create(self, run_id: str, shard: int, until: float) -> None:
        """A create of a shard was sent without a lease, and nobody knows what became of it."""
        s = schema.shard
        with self._store.writing() as c:
            this = (s.c.run_id == run_id) & (s.c.n == shard)
            c.execute(s.update().where(this).values(lost_creates=s.c.lost_creates + 1, strays_until=until))

    def watched(self, owner_ids: Sequence[str]) -> list[WatchedRun]:
        """The owners' ended runs of which another job may still show up."""
        r, s = schema.run, schema.shard
        lost = select(s.c.run_id).where(s.c.lost_creates > 0)
        query = select(r.c.id).where(r.c.owner_id.in_(owner_ids), r.c.stage == Stage.FINISHED, r.c.id.in_(lost))
        with self._store.reading() as c:
            run_ids = list(c.execute(query).scalars())
        runs = [run for run_id in run_ids if (run := self._store.run(run_id)) is not None]
        return [WatchedRun(run, self._store.shards(run.id)) for run in runs]

    def settle(self, run_id: str, shard: int) -> None:
        """Nothing more is expected to show up."""
        s = schema.shard
        with self._store.writing() as c:
            c.execute(s.update().where((s.c.run_id == run_id) & (s.c.n == shard)).values(lost_creates=0))

    def record_stray(self, run_id: str, display_name: str, job_name: str, rows: int) -> bool:
        """Write down a job that nobody waited for on an ended run and on its bill: that many rows may be billed.

        False if it is written down already, or neither is known here.
        """
        with self._store.writing() as c:
            known = self._locked_stage(c, run_id) is not None
            new = self._add_to_run(c, run_id, display_name, job_name, rows) if known else False
            return (self._add_to_bill(c, run_id, job_name, rows) or new) if new or not known else False

    @staticmethod
    def _add_to_run(c: Connection, run_id: str, display_name: str, job_name: str, rows: int) -> bool:
        r, s = schema.run, schema.shard
        progress = run_record(c.execute(select(r).where(r.c.id == run_id)).mappings().one()).progress
        if job_name in progress.cancelled_duplicates:
            return False
        progress.cancelled_duplicates.append(job_name)
        progress.no_result_rows[job_name] = rows
        values = {"progress": msgspec.to_builtins(progress, str_keys=True)}
        c.execute(r.update().where(r.c.id == run_id).values(values))
        at_least = {"usd_at_least": progress.cost_is_lower_bound}
        c.execute(schema.run_summary.update().where(schema.run_summary.c.run_id == run_id).values(at_least))
        this = (s.c.run_id == run_id) & (s.c.display_name == display_name) & (s.c.lost_creates > 0)
        c.execute(s.update().where(this).values(lost_creates=s.c.lost_creates - 1))
        return True

    @staticmethod
    def _add_to_bill(c: Connection, run_id: str, job_name: str, rows: int) -> bool:
        """With rows that nothing came back for, what the same would have cost otherwise is not known."""
        b = schema.run_cost
        jobs = c.execute(select(b.c.jobs).where(b.c.run == run_id).with_for_update()).scalar()
        if jobs is None or job_name in jobs:
            return False
        values = {"unreturned": b.c.unreturned + rows, "uncached_usd": None, "standard_usd": None}
        c.execute(b.update().where(b.c.run == run_id).values(jobs=[*jobs, job_name], **values))
        return True

    @staticmethod
    def _locked_stage(c: Connection, run_id: str) -> str | None:
        """The stage of a run that nobody changes until this transaction ends; None if it is gone."""
        query = select(schema.run.c.stage).where(schema.run.c.id == run_id)
        return c.execute(query.with_for_update()).scalar()
