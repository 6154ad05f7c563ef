"""The store of runs on SQLite or PostgreSQL: leases with fencing tokens, and no row more for another poll."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    RowMapping,
    case,
    create_engine,
    event,
    func,
    not_,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import QueuePool

from batch.model import Stage
from batch.pricing.costs import RunCost
from lifecycle.core.run_records import CacheRecord, EventRecord, Observation, RunRecord, ShardRecord, ShardStage
from lifecycle.storage import migrations, run_summary, schema
from lifecycle.storage.availability import told_in_words

Record = TypeVar("Record")
SNOOZED = "snoozed:"  # setting, by run: the age in hours whose warning the user has answered
# msgspec learns a class when it is first used. Two threads that teach it the same one at once crash the process, so it
# learns all of them while this module is imported.
for _kind in (RunRecord, ShardRecord, CacheRecord, EventRecord, RunCost):
    msgspec.json.Decoder(_kind)
CONNECT_SECONDS = 5  # that a server may take to answer
LONGEST_LEASE_SECONDS = 600.0  # unless who claims knows better
ADVISORY_LOCK = 0x6762_7270  # any constant: one process at a time writes the schema and the constants


class LeaseLost(Exception):
    """Another process holds the run now; whatever this one was about to write must not be written."""


@dataclass(frozen=True)
class OwnerSpending:
    """What an owner's runs have cost, and those whose cost is not recorded yet: ended ones, and those under way."""

    costs: list[RunCost]
    ended: list[RunRecord]
    under_way: list[RunRecord]


class Store:
    """Rows of runs, shards, caches and events. Thread-safe; several processes may share one database."""

    def __init__(self, url: str, *, run_folders: int = 0, read_only: bool = False) -> None:
        """`run_folders` are beside an empty database, which is refused then; one that is `read_only` is not upgraded.

        Raises InputError for a database that this version must not use, and StoreUnavailable.
        """
        self.engine = _read_only_engine(url) if read_only else _engine(url)
        self._postgres = self.engine.dialect.name == "postgresql"
        try:
            with self._read() if read_only else self._exclusive() as c:
                migrations.require_current(c) if read_only else migrations.upgrade(c, run_folders)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self.engine.dispose()

    @property
    def is_postgres(self) -> bool:
        return self._postgres

    def check(self) -> None:
        """Raises StoreUnavailable if the database does not answer."""
        with self._read() as c:
            c.execute(select(schema.setting.c.name).limit(1)).first()

    def get_or_create_setting(self, name: str, make: Any) -> str:
        """A value made once for this database (salt, installation id) and the same ever after."""
        if (known := self.get_setting(name)) is not None:
            return known
        with self._exclusive() as c:
            value = c.execute(select(schema.setting.c.value).where(schema.setting.c.name == name)).scalar()
            if value is None:
                value = str(make())
                c.execute(schema.setting.insert().values(name=name, value=value))
            return str(value)

    def set_setting(self, name: str, value: str) -> None:
        """Write a fact about this database, in the place of the last one of that name."""
        with self._exclusive() as c:
            c.execute(schema.setting.delete().where(schema.setting.c.name == name))
            c.execute(schema.setting.insert().values(name=name, value=value))

    def get_setting(self, name: str) -> str | None:
        with self._read() as c:
            return c.execute(select(schema.setting.c.value).where(schema.setting.c.name == name)).scalar()

    def settings(self, beginning: str) -> dict[str, str]:
        """All settings whose name begins so."""
        with self._read() as c:
            query = select(schema.setting).where(schema.setting.c.name.startswith(beginning, autoescape=True))
            return {row.name: row.value for row in c.execute(query)}

    def delete_setting(self, name: str) -> None:
        with self._exclusive() as c:
            c.execute(schema.setting.delete().where(schema.setting.c.name == name))

    # -- a run's row -------------------------------------------------------------------------------------------

    def add_run(self, run: RunRecord, admit: Callable[[OwnerSpending], None] | None = None) -> str:
        """Record a run and return its id; the same owner and idempotency key give the run recorded first.

        `admit` is asked before, and may raise: between what it is told and the record no other run that is asked about
        is recorded.
        """
        r = schema.run
        same_submission = (r.c.owner_id == run.owner_id) & (r.c.idempotency_key == run.idempotency_key)
        recorded = select(r.c.id).where(same_submission)
        try:
            with self._write() if admit is None else self._exclusive() as c:
                if admit is not None:
                    if (known := c.execute(recorded).scalar()) is not None:
                        return str(known)
                    admit(_spending(c, run.owner_id))
                c.execute(r.insert().values(_columns_of(run)))
                c.execute(schema.run_summary.insert().values(run_summary.columns_of(run)))
            return run.id
        except IntegrityError:
            with self._read() as c:
                return str(c.execute(recorded).scalar_one())

    def add_whole_run(
        self,
        run: RunRecord,
        shards: Sequence[ShardRecord],
        caches: Sequence[CacheRecord],
        events: Sequence[EventRecord],
    ) -> None:
        """Record a run with all that is known of it, all at once."""
        with self._write() as c:
            c.execute(schema.run.insert().values(_columns_of(run)))
            c.execute(schema.run_summary.insert().values(run_summary.columns_of(run)))
            for table, rows in ((schema.shard, shards), (schema.cache, caches)):
                if rows:
                    c.execute(table.insert(), [{**_columns_of(row), "run_id": run.id} for row in rows])
            if events:
                c.execute(schema.event.insert(), [{**_columns_of(row), "run_id": run.id} for row in events])
            if run.stage is Stage.FINISHED:
                run_summary.follow(c, run)

    def all_run_ids(self) -> list[str]:
        """Every run of every owner."""
        with self._read() as c:
            return list(c.execute(select(schema.run.c.id)).scalars())

    def run(self, run_id: str, owner_id: str | None = None) -> RunRecord | None:
        """One run, or None if there is none of that id (under that owner)."""
        query = select(schema.run).where(schema.run.c.id == run_id)
        if owner_id is not None:
            query = query.where(schema.run.c.owner_id == owner_id)
        with self._read() as c:
            row = c.execute(query).mappings().first()
        return _record(RunRecord, row) if row else None

    def runs(self, owner_id: str, limit: int = 200) -> list[RunRecord]:
        """An owner's runs, newest first."""
        query = select(schema.run).where(schema.run.c.owner_id == owner_id)
        with self._read() as c:
            newest_first = query.order_by(schema.run.c.created_at.desc(), schema.run.c.id)
            return _records(RunRecord, c.execute(newest_first.limit(limit)).mappings())

    def runs_by_id(self, owner_id: str, run_ids: Sequence[str]) -> list[RunRecord]:
        """An owner's runs among these, in no order."""
        query = select(schema.run).where(schema.run.c.owner_id == owner_id, schema.run.c.id.in_(run_ids))
        with self._read() as c:
            return _records(RunRecord, c.execute(query).mappings())

    def run_with_job(self, owner_id: str, job_name: str, idempotency_key: str) -> str | None:
        """The owner's run that has this batch job, or was made for it under that key; None if there is none."""
        s, r = schema.shard, schema.run
        has = select(s.c.run_id).where(s.c.job_name == job_name)
        query = select(r.c.id).where(
            r.c.owner_id == owner_id, r.c.id.in_(has) | (r.c.idempotency_key == idempotency_key)
        )
        with self._read() as c:
            return c.execute(query.order_by(r.c.created_at).limit(1)).scalar()

    def job_names(self, owner_id: str) -> set[str]:
        """The names of all batch jobs that an owner's runs have."""
        s, r = schema.shard, schema.run
        query = select(s.c.job_name).join(r, r.c.id == s.c.run_id).where(r.c.owner_id == owner_id)
        with self._read() as c:
            return set(c.execute(query).scalars())

    def ended_before(self, moment: float) -> list[RunRecord]:
        """Runs of all owners that ended before a moment, the first one first."""
        r = schema.run
        query = select(r).where(r.c.stage == Stage.FINISHED, r.c.ended_at < moment).order_by(r.c.ended_at)
        with self._read() as c:
            return _records(RunRecord, c.execute(query).mappings())

    def children(self, run_id: str) -> list[RunRecord]:
        """The retries of a run, oldest first."""
        query = select(schema.run).where(schema.run.c.parent_id == run_id).order_by(schema.run.c.created_at)
        with self._read() as c:
            return _records(RunRecord, c.execute(query).mappings())

    def unfinished(self, owners: Sequence[str] | None = None) -> list[RunRecord]:
        """Runs that still need work, of all owners or of some."""
        query = select(schema.run).where(schema.run.c.stage != Stage.FINISHED)
        if owners is not None:
            query = query.where(schema.run.c.owner_id.in_(owners))
        with self._read() as c:
            return _records(RunRecord, c.execute(query).mappings())

    def request_cancel(self, run_id: str) -> None:
        """Request a cancel, and make the run due at once. Changes nothing of a run that has ended."""
        self._request(run_id, cancel=True)

    def request_detach(self, run_id: str) -> None:
        """Request that a run's job be left to itself, and make the run due at once."""
        self._request(run_id, requested_end=ShardStage.DETACHED.value)

    def mark_due(self, run_id: str) -> None:
        """Make a run due at once."""
        self._request(run_id)

    def mark_all_due(self, owners: Sequence[str]) -> None:
        """Make all unfinished runs of these owners due at once."""
        unfinished = schema.run.c.owner_id.in_(owners) & (schema.run.c.stage != Stage.FINISHED)
        with self._write() as c:
            c.execute(schema.run.update().where(unfinished).values(due_at=0.0))

    def set_max_usd(self, run_id: str, usd: float) -> None:
        """Change a run's budget, and make it due at once."""
        r = schema.run
        with self._write() as c:
            row = c.execute(select(r.c.spec, r.c.stage).where(r.c.id == run_id)).one()
            values: dict[str, Any] = {"spec": {**row.spec, "max_usd": usd}}
            if row.stage != Stage.FINISHED:
                values["due_at"] = 0.0
            c.execute(r.update().where(r.c.id == run_id).values(values))

    def note_rest(self, run_id: str, **changes: Any) -> None:
        """Note of a run that has ended at its budget what became of its rest: fields of its `budget_stop`."""
        r = schema.run
        with self._write() as c:
            row = c.execute(select(r.c.progress, r.c.stage).where(r.c.id == run_id)).one()
            if row.stage == Stage.FINISHED and (stopped := row.progress.get("budget_stop")):
                progress = {**row.progress, "budget_stop": {**stopped, **changes}}
                c.execute(r.update().where(r.c.id == run_id).values(progress=progress))
                self._follow(c, run_id)

    def _follow(self, c: Connection, run_id: str) -> None:
        """Bring the summary of a run that was just written up to it."""
        run_summary.follow(
            c, run_record(c.execute(select(schema.run).where(schema.run.c.id == run_id)).mappings().one())
        )

    def _request(self, run_id: str, **values: Any) -> None:
        unfinished = (schema.run.c.id == run_id) & (schema.run.c.stage != Stage.FINISHED)
        with self._write() as c:
            c.execute(schema.run.update().where(unfinished).values(due_at=0.0, **values))

    def remove_run(self, run_id: str) -> None:
        """Forget a finished run and all that belongs to it; its retries have no parent from then on."""
        with self._write() as c:
            for table in (schema.run, schema.run_summary):
                c.execute(table.update().where(table.c.parent_id == run_id).values(parent_id=""))
            c.execute(schema.run.delete().where((schema.run.c.id == run_id) & (schema.run.c.stage == Stage.FINISHED)))
            for table in (schema.shard, schema.cache, schema.event, schema.upload_use, schema.run_summary):
                c.execute(table.delete().where(table.c.run_id == run_id))
            c.execute(schema.setting.delete().where(schema.setting.c.name == f"{SNOOZED}{run_id}"))

    # -- leases ------------------------------------------------------------------------------------------------

    def claim(
        self,
        owners: Sequence[str],
        lease_seconds: float,
        max_per_owner: int = 1_000,
        *,
        held: Collection[str] = (),
        longest_seconds: float = LONGEST_LEASE_SECONDS,
    ) -> RunRecord | None:
        """Take the most overdue run of these owners whose lease has expired; None if there is none.

        The row comes back with a new token. Only its holder can write from now on, until the lease expires. No lease is
        for more than `longest_seconds`: one that ends later was written before the clock was set back, and has expired.
        The runs that the caller holds himself (`held`) are not taken from him.
        """
        r = schema.run
        if not owners:
            return None
        with self._write() as c:
            now = self._now(c)
            is_leased = r.c.lease_until.between(now, now + longest_seconds)
            busy = select(r.c.owner_id).where(is_leased).group_by(r.c.owner_id)
            busy = busy.having(func.count() >= max_per_owner)
            claimable = (r.c.stage != Stage.FINISHED) & r.c.owner_id.in_(owners) & (r.c.due_at <= now) & not_(is_leased)
            if held:
                claimable &= r.c.id.not_in(held)
            query = select(r.c.id).where(claimable & r.c.owner_id.not_in(busy)).order_by(r.c.due_at).limit(1)
            run_id = c.execute(query.with_for_update(skip_locked=True) if self._postgres else query).scalar()
            if run_id is None:
                return None
            token = secrets.token_hex(16)
            claim_update = r.update().where(r.c.id == run_id).values(token=token, lease_until=now + lease_seconds)
            return _record(RunRecord, c.execute(claim_update.returning(*r.c)).mappings().one())

    def extend_lease(
        self, run_id: str, token: str, seconds: float, *, longest_seconds: float = LONGEST_LEASE_SECONDS
    ) -> None:
        """Make sure the lease lasts that long from now; it is not shortened, unless the clock was set back since.

        Raises LeaseLost.
        """
        r = schema.run
        with self._write() as c:
            until = self._now(c) + seconds
            written_before = r.c.lease_until > until - seconds + longest_seconds
            longer = case((written_before, until), else_=_greatest(self._postgres, r.c.lease_until, until))
            self._check_lease(
                c.execute(r.update().where(*_lease_condition(run_id, token)).values(lease_until=longer)).rowcount
            )

    def commit(
        self,
        run_id: str,
        token: str,
        values: Mapping[str, Any],
        *,
        delay: float | None = None,
        release: bool = True,
        observations: Sequence[Observation] = (),
        cancel_seen: bool = False,
    ) -> None:
        """Write fields of a run, due again after `delay` seconds, and give the lease back. Raises LeaseLost.

        A cancel requested meanwhile, unless it was `cancel_seen`, makes it due at once. `observations` are kept in the
        same transaction.
        """
        r = schema.run
        columns = msgspec.to_builtins(dict(values), str_keys=True)
        with self._write() as c:
            now = self._now(c)
            if delay is not None:
                cancel_requested = c.execute(select(r.c.cancel).where(r.c.id == run_id)).scalar()
                columns["due_at"] = now if cancel_requested and not cancel_seen else now + delay
            if release:
                columns["lease_until"] = 0.0
            self._check_lease(c.execute(r.update().where(*_lease_condition(run_id, token)).values(columns)).rowcount)
            if not run_summary.FOLLOWED.isdisjoint(columns) or columns.get("stage") == Stage.FINISHED:
                self._follow(c, run_id)
            if observations:
                c.execute(schema.observation.insert(), [{**asdict(fact), "at": now} for fact in observations])

    # -- shards and caches, written only by the holder of their run -----------------------------------------------

    def shards(self, run_id: str) -> list[ShardRecord]:
        s = schema.shard
        with self._read() as c:
            return _records(ShardRecord, c.execute(select(s).where(s.c.run_id == run_id).order_by(s.c.n)).mappings())

    def shards_by_run(self, run_ids: Sequence[str]) -> dict[str, list[ShardRecord]]:
        """The shards of many runs at once."""
        s = schema.shard
        by_run: dict[str, list[ShardRecord]] = {}
        with self._read() as c:
            query = select(s).where(s.c.run_id.in_(run_ids)).order_by(s.c.run_id, s.c.n)
            for row in c.execute(query).mappings():
                by_run.setdefault(str(row["run_id"]), []).append(_record(ShardRecord, row))
        return by_run

    def add_shards(self, run_id: str, token: str, shards: Sequence[ShardRecord]) -> None:
        """Record shards that are not recorded yet. Raises LeaseLost."""
        with self._lease_held(run_id, token) as c:
            existing = set(c.execute(select(schema.shard.c.n).where(schema.shard.c.run_id == run_id)).scalars())
            new = [_columns_of(shard) for shard in shards if shard.n not in existing]
            if new:
                c.execute(schema.shard.insert(), new)

    def set_shard(self, run_id: str, token: str, n: int, **values: Any) -> None:
        """Write one shard. Raises LeaseLost."""
        with self._lease_held(run_id, token) as c:
            s = schema.shard
            c.execute(s.update().where((s.c.run_id == run_id) & (s.c.n == n)).values(msgspec.to_builtins(values)))

    def replace_shard(self, run_id: str, token: str, n: int, parts: Sequence[ShardRecord]) -> None:
        """Put new shards in the place of one that has no job, all at once. Raises LeaseLost."""
        s = schema.shard
        with self._lease_held(run_id, token) as c:
            c.execute(s.update().where((s.c.run_id == run_id) & (s.c.n == n)).values(stage=ShardStage.SPLIT.value))
            c.execute(s.insert(), [_columns_of(part) for part in parts])

    def caches(self, run_id: str) -> list[CacheRecord]:
        t = schema.cache
        query = select(t).where(t.c.run_id == run_id).order_by(t.c.group_id, t.c.attempt)
        with self._read() as c:
            return _records(CacheRecord, c.execute(query).mappings())

    def put_cache(self, run_id: str, token: str, group_id: str, attempt: int, **values: Any) -> None:
        """Record or change one cached content of a run. Raises LeaseLost."""
        t = schema.cache
        with self._lease_held(run_id, token) as c:
            this_cache = (t.c.run_id == run_id) & (t.c.group_id == group_id) & (t.c.attempt == attempt)
            if not c.execute(t.update().where(this_cache).values(values)).rowcount:
                new = CacheRecord(run_id=run_id, group_id=group_id, attempt=attempt, **values)
                c.execute(t.insert().values(_columns_of(new)))

    def quota_shards(self, owner_id: str, cancelled_since: float) -> list[tuple[str, ShardRecord]]:
        """Shards of an owner that take up quota, each with its model: those that have or may have an open job.

        Of ended runs only those whose job was cancelled after a moment are among them: Google may still count it.
        """
        s, r = schema.shard, schema.run
        maybe_sent = (s.c.stage == ShardStage.INTENDED) & (s.c.settle_at > 0)
        open_ = ((s.c.stage == ShardStage.SUBMITTED) | maybe_sent) & (r.c.stage != Stage.FINISHED)
        cancelled = (s.c.job_state == "JOB_STATE_CANCELLED") & (s.c.job_ended_at > cancelled_since)
        query = select(s, r.c.model).join(r, r.c.id == s.c.run_id).where(r.c.owner_id == owner_id, open_ | cancelled)
        with self._read() as c:
            return [(str(row["model"]), _record(ShardRecord, row)) for row in c.execute(query).mappings()]

    # -- events and observations ---------------------------------------------------------------------------------

    def add_event(self, run_id: str, message: str, level: str = "info") -> None:
        """Append a line to a run's log; a repetition of its last line is not written again."""
        e = schema.event
        with self._write() as c:
            last = select(e.c.text).where(e.c.run_id == run_id).order_by(e.c.id.desc()).limit(1)
            if c.execute(last).scalar() != message:
                c.execute(e.insert().values(run_id=run_id, at=time.time(), level=level, text=message))

    def events(self, run_id: str, limit: int = 200) -> list[EventRecord]:
        """A run's log, oldest first; the newest `limit` lines."""
        e = schema.event
        query = select(e).where(e.c.run_id == run_id).order_by(e.c.id.desc()).limit(limit)
        with self._read() as c:
            return _records(EventRecord, c.execute(query).mappings())[::-1]

    def add_observation(self, owner_id: str, model: str, kind: str, value: float, weight: float = 1.0) -> None:
        values = asdict(Observation(owner_id, model, kind, value, weight))
        with self._write() as c:
            c.execute(schema.observation.insert().values(at=time.time(), **values))

    def observations(self, owner_id: str, model: str, kind: str, limit: int = 100) -> list[tuple[float, float]]:
        """(value, weight) pairs, newest first."""
        t = schema.observation
        query = select(t.c.value, t.c.weight).where(t.c.owner_id == owner_id, t.c.model == model, t.c.kind == kind)
        with self._read() as c:
            return [(float(v), float(w)) for v, w in c.execute(query.order_by(t.c.id.desc()).limit(limit))]

    def latest_observation(self, owner_id: str, model: str, kind: str) -> tuple[float, float] | None:
        """The newest value and when it was observed, or None."""
        t = schema.observation
        query = select(t.c.value, t.c.at).where(t.c.owner_id == owner_id, t.c.model == model, t.c.kind == kind)
        with self._read() as c:
            row = c.execute(query.order_by(t.c.id.desc()).limit(1)).first()
            return None if row is None else (float(row[0]), float(row[1]))

    # -- costs ---------------------------------------------------------------------------------------------------

    def runs_without_cost(self, owner_id: str, root_run_id: str = "") -> list[RunRecord]:
        """An owner's ended runs whose cost is not recorded yet: all, or of a run and its retries."""
        r, ended = schema.run, _ended_without_cost(owner_id)
        if root_run_id:
            ended &= (r.c.id == root_run_id) | (r.c.parent_id == root_run_id)
        with self._read() as c:
            return _records(RunRecord, c.execute(select(schema.run).where(ended)).mappings())

    def spending(self, owner_id: str) -> OwnerSpending:
        """What an owner has spent, and has under way, at one moment."""
        with self.snapshot() as c:
            return _spending(c, owner_id)

    def add_run_cost(self, owner_id: str, cost: RunCost) -> None:
        """Record what a run has cost; the first record stays."""
        with suppress(IntegrityError), self._write() as c:
            c.execute(schema.run_cost.insert().values(owner_id=owner_id, **asdict(cost)))

    def has_run_cost(self, run_id: str) -> bool:
        """Whether a run has ended here and its cost is recorded, though it may be deleted since."""
        with self._read() as c:
            return c.execute(select(schema.run_cost.c.run).where(schema.run_cost.c.run == run_id)).first() is not None

    def run_costs(self, owner_id: str, root_run_id: str = "") -> list[RunCost]:
        """What an owner's runs have cost, oldest first: all, or a run and its retries."""
        b = schema.run_cost
        condition = b.c.owner_id == owner_id
        if root_run_id:
            condition &= (b.c.run == root_run_id) | (b.c.parent == root_run_id)
        with self._read() as c:
            return _records(RunCost, c.execute(select(b).where(condition).order_by(b.c.ended_at)).mappings())

    def billed_jobs(self, owner_id: str, except_run_id: str) -> set[str]:
        """The names of the batch jobs whose price is in the recorded costs of an owner's other runs."""
        b = schema.run_cost
        query = select(b.c.jobs).where(b.c.owner_id == owner_id, b.c.run != except_run_id, b.c.rows_usd.is_not(None))
        with self._read() as c:
            return {name for names in c.execute(query).scalars() for name in names}

    # -- plumbing ------------------------------------------------------------------------------------------------

    def now(self) -> float:
        """Epoch seconds by the database's clock, the one that leases and due times are counted by."""
        with self._read() as c:
            return self._now(c)

    def _now(self, c: Connection) -> float:
        if not self._postgres:
            return time.time()
        return float(c.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with told_in_words(), self.engine.connect() as c:
            yield c

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with told_in_words(), self.engine.connect().execution_options(write=True) as c, c.begin():
            yield c

    @contextmanager
    def _exclusive(self) -> Iterator[Connection]:
        """A transaction that no other of its kind interleaves: SQLite's writes are so; PostgreSQL's need a lock."""
        with self._write() as c:
            if self._postgres:
                c.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": ADVISORY_LOCK})
            yield c

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """For the ledgers beside this class: a connection that only reads."""
        with self._read() as c:
            yield c

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A connection that sees all rows as they are at one moment, whatever others write meanwhile."""
        with told_in_words(), self.engine.connect() as c:
            yield c.execution_options(isolation_level="REPEATABLE READ") if self._postgres else c

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """For the ledgers beside this class: a transaction that writes without a run's lease."""
        with self._write() as c:
            yield c

    @contextmanager
    def lease_held(self, run_id: str, token: str) -> Iterator[Connection]:
        """For the ledgers beside this class: a transaction of the holder of a run's lease. Raises LeaseLost."""
        with self._lease_held(run_id, token) as c:
            yield c

    @contextmanager
    def _lease_held(self, run_id: str, token: str) -> Iterator[Connection]:
        """A transaction that only the holder of the run's lease gets, and that no other holder can interleave."""
        with self._write() as c:
            unchanged = schema.run.update().where(*_lease_condition(run_id, token)).values(token=token)
            self._check_lease(c.execute(unchanged).rowcount)
            yield c

    @staticmethod
    def _check_lease(touched: int) -> None:
        if not touched:
            raise LeaseLost


def _spending(c: Connection, owner_id: str) -> OwnerSpending:
    r, b = schema.run, schema.run_cost
    under_way = (r.c.owner_id == owner_id) & (r.c.stage != Stage.FINISHED)
    return OwnerSpending(
        _records(RunCost, c.execute(select(b).where(b.c.owner_id == owner_id)).mappings()),
        _records(RunRecord, c.execute(select(r).where(_ended_without_cost(owner_id))).mappings()),
        _records(RunRecord, c.execute(select(r).where(under_way)).mappings()),
    )


def _ended_without_cost(owner_id: str) -> ColumnElement[bool]:
    r = schema.run
    costed = select(schema.run_cost.c.run).where(schema.run_cost.c.owner_id == owner_id)
    return (r.c.owner_id == owner_id) & (r.c.stage == Stage.FINISHED) & r.c.id.not_in(costed)


def _columns_of(record: Any) -> dict[str, Any]:
    """A record as values of its table's columns, JSON included."""
    columns: dict[str, Any] = msgspec.to_builtins(record, str_keys=True)
    return columns


def _record(kind: type[Record], row: RowMapping) -> Record:
    """A row as a record; other columns are left out."""
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    return msgspec.convert({name: row[name] for name in names}, kind, str_keys=True)


def run_record(row: RowMapping) -> RunRecord:
    """A row of the runs as a record; for the tables beside this class."""
    return _record(RunRecord, row)


def _records(kind: type[Record], rows: Iterable[RowMapping]) -> list[Record]:
    return [_record(kind, row) for row in rows]


def _lease_condition(run_id: str, token: str) -> tuple[Any, Any]:
    return schema.run.c.id == run_id, schema.run.c.token == token


def _greatest(postgres: bool, *values: Any) -> Any:
    return func.greatest(*values) if postgres else func.max(*values)


def _read_only_engine(url: str) -> Engine:
    """Of a SQLite file in a folder that cannot be written to: as others may be writing it, or else as nobody does."""
    path = quote(url.removeprefix("sqlite:///"))

    def connect() -> sqlite3.Connection:
        for option in ("mode=ro", "mode=ro&immutable=1"):
            connection = sqlite3.connect(f"file:{path}?{option}", uri=True, check_same_thread=False, timeout=30)
            try:
                connection.execute("SELECT 1 FROM sqlite_master").fetchone()
                return connection
            except sqlite3.OperationalError:
                connection.close()
        raise sqlite3.OperationalError("unable to open database file")

    return create_engine("sqlite://", creator=connect, poolclass=QueuePool)


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": CONNECT_SECONDS})
    Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": 30, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # this module begins its transactions itself
        for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine
