"""The store of runs on SQLite or PostgreSQL: leases with fencing tokens, and nothing that polls can grow."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, func, select, text
from sqlalchemy.exc import IntegrityError

from lifecycle.storage import schema

Row = dict[str, Any]
ADVISORY_LOCK = 0x6762_7270  # any constant: one process at a time writes the schema and the constants


class LeaseLost(Exception):
    """Another process holds the run now; whatever this one was about to write must not be written."""


class Store:
    """Rows of runs, shards, caches and events. Thread-safe; several processes may share one database."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self._postgres = self.engine.dialect.name == "postgresql"
        with self._exclusive() as c:
            schema.upgrade(c)

    def close(self) -> None:
        self.engine.dispose()

    def get_or_create_setting(self, name: str, make: Any) -> str:
        """A value made once for this database (salt, installation id) and the same ever after."""
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

    # -- a run's row -------------------------------------------------------------------------------------------

    def add_run(self, values: Row) -> str:
        """Record a run and return its id; the same owner and ticket give the run recorded first."""
        try:
            with self._write() as c:
                c.execute(schema.run.insert().values(values))
            return str(values["id"])
        except IntegrityError:
            with self._read() as c:
                same_submission = (schema.run.c.owner == values["owner"]) & (schema.run.c.ticket == values["ticket"])
                return str(c.execute(select(schema.run.c.id).where(same_submission)).scalar_one())

    def run(self, run_id: str, owner_id: str | None = None) -> Row | None:
        """One run, or None if there is none of that id (under that owner)."""
        query = select(schema.run).where(schema.run.c.id == run_id)
        if owner_id is not None:
            query = query.where(schema.run.c.owner == owner_id)
        with self._read() as c:
            row = c.execute(query).mappings().first()
        return dict(row) if row else None

    def runs(self, owner_id: str, limit: int = 200) -> list[Row]:
        """An owner's runs, newest first."""
        query = select(schema.run).where(schema.run.c.owner == owner_id)
        with self._read() as c:
            rows = c.execute(query.order_by(schema.run.c.created_at.desc(), schema.run.c.id).limit(limit)).mappings()
            return [dict(r) for r in rows]

    def run_with_job(self, owner_id: str, job_name: str, idempotency_key: str) -> str | None:
        """The owner's run that has this batch job, or was made for it by that ticket; None if there is none."""
        s, r = schema.shard, schema.run
        has = select(s.c.run_id).where(s.c.job_name == job_name)
        query = select(r.c.id).where(r.c.owner == owner_id, r.c.id.in_(has) | (r.c.ticket == idempotency_key))
        with self._read() as c:
            return c.execute(query.order_by(r.c.created_at).limit(1)).scalar()

    def job_names(self, owner_id: str) -> set[str]:
        """The names of all batch jobs that an owner's runs have."""
        s, r = schema.shard, schema.run
        query = select(s.c.job_name).join(r, r.c.id == s.c.run_id).where(r.c.owner == owner_id)
        with self._read() as c:
            return set(c.execute(query).scalars())

    def ended_since(self, owner_id: str, moment: float, limit: int) -> list[Row]:
        """An owner's runs that ended after a moment, the last one first."""
        r = schema.run
        query = select(r).where(r.c.owner == owner_id, r.c.stage == "finished", r.c.ended_at > moment)
        with self._read() as c:
            return [dict(row) for row in c.execute(query.order_by(r.c.ended_at.desc()).limit(limit)).mappings()]

    def children(self, run_id: str) -> list[Row]:
        """The retries of a run, oldest first."""
        query = select(schema.run).where(schema.run.c.parent_id == run_id).order_by(schema.run.c.created_at)
        with self._read() as c:
            return [dict(r) for r in c.execute(query).mappings()]

    def unfinished(self, owners: Sequence[str] | None = None) -> list[Row]:
        """Runs that still need work, of all owners or of some."""
        query = select(schema.run).where(schema.run.c.stage != "finished")
        if owners is not None:
            query = query.where(schema.run.c.owner.in_(owners))
        with self._read() as c:
            return [dict(r) for r in c.execute(query).mappings()]

    def request_cancel(self, run_id: str) -> None:
        """Ask for a cancel; the run is looked at at once."""
        with self._write() as c:
            unfinished = (schema.run.c.id == run_id) & (schema.run.c.stage != "finished")
            c.execute(schema.run.update().where(unfinished).values(cancel=True, due_at=0.0))

    def request_detach(self, run_id: str, ending: str) -> None:
        """Ask for a run's job to be left to itself; the run is looked at at once."""
        with self._write() as c:
            unfinished = (schema.run.c.id == run_id) & (schema.run.c.stage != "finished")
            c.execute(schema.run.update().where(unfinished).values(ending=ending, due_at=0.0))

    def mark_due(self, run_id: str) -> None:
        """Look at a run at once."""
        with self._write() as c:
            c.execute(schema.run.update().where(schema.run.c.id == run_id).values(due_at=0.0))

    def remove_run(self, run_id: str) -> None:
        """Forget a finished run and all that belongs to it; its retries have no parent from then on."""
        with self._write() as c:
            c.execute(schema.run.update().where(schema.run.c.parent_id == run_id).values(parent_id=""))
            c.execute(schema.run.delete().where((schema.run.c.id == run_id) & (schema.run.c.stage == "finished")))
            for table in (schema.shard, schema.cache, schema.event):
                c.execute(table.delete().where(table.c.run_id == run_id))
            c.execute(schema.setting.delete().where(schema.setting.c.name == f"kept:{run_id}"))

    # -- leases ------------------------------------------------------------------------------------------------

    def claim(self, owners: Sequence[str], lease_seconds: float, max_per_owner: int = 1_000) -> Row | None:
        """Take the most overdue run of these owners whose lease has expired; None if there is none.

        The row comes back with a new token. Only its holder can write from now on, until the lease expires.
        """
        r = schema.run
        if not owners:
            return None
        with self._write() as c:
            now = self._now(c)
            busy = select(r.c.owner).where(r.c.lease_until >= now).group_by(r.c.owner)
            busy = busy.having(func.count() >= max_per_owner)
            claimable = (
                (r.c.stage != "finished") & r.c.owner.in_(owners) & (r.c.due_at <= now) & (r.c.lease_until < now)
            )
            query = select(r.c.id).where(claimable & r.c.owner.not_in(busy)).order_by(r.c.due_at).limit(1)
            run_id = c.execute(query.with_for_update(skip_locked=True) if self._postgres else query).scalar()
            if run_id is None:
                return None
            token = secrets.token_hex(16)
            claim_update = r.update().where(r.c.id == run_id).values(token=token, lease_until=now + lease_seconds)
            return dict(c.execute(claim_update.returning(*r.c)).mappings().one())

    def extend_lease(self, run_id: str, token: str, seconds: float) -> None:
        """Make sure the lease lasts that long from now; it is never shortened. Raises LeaseLost."""
        r = schema.run
        with self._write() as c:
            until = self._now(c) + seconds
            longer = _greatest(self._postgres, r.c.lease_until, until)
            self._check_lease(
                c.execute(r.update().where(*_lease_condition(run_id, token)).values(lease_until=longer)).rowcount
            )

    def commit(self, run_id: str, token: str, values: Row, *, delay: float | None = None, release: bool = True) -> None:
        """Write a run's progress, due again after `delay` seconds, and give the lease back. Raises LeaseLost.

        A cancel asked for meanwhile makes it due at once. `lessons` among the values go to what was learned.
        """
        r = schema.run
        with self._write() as c:
            now = self._now(c)
            values = dict(values)
            observations = [{**observation, "at": now} for observation in values.pop("lessons", ())]
            if delay is not None:
                cancel_requested = c.execute(select(r.c.cancel).where(r.c.id == run_id)).scalar()
                cancel_seen = values.pop("cancel_seen", False)
                values["due_at"] = now if cancel_requested and not cancel_seen else now + delay
            if release:
                values["lease_until"] = 0.0
            self._check_lease(c.execute(r.update().where(*_lease_condition(run_id, token)).values(values)).rowcount)
            if observations:
                c.execute(schema.observation.insert(), observations)

    # -- shards and caches, written only by the holder of their run -----------------------------------------------

    def shards(self, run_id: str) -> list[Row]:
        s = schema.shard
        with self._read() as c:
            return [dict(r) for r in c.execute(select(s).where(s.c.run_id == run_id).order_by(s.c.n)).mappings()]

    def shards_by_run(self, run_ids: Sequence[str]) -> dict[str, list[Row]]:
        """The shards of many runs at once."""
        s = schema.shard
        by_run: dict[str, list[Row]] = {}
        with self._read() as c:
            query = select(s).where(s.c.run_id.in_(run_ids)).order_by(s.c.run_id, s.c.n)
            for row in c.execute(query).mappings():
                by_run.setdefault(str(row["run_id"]), []).append(dict(row))
        return by_run

    def add_shards(self, run_id: str, token: str, rows: Sequence[Row]) -> None:
        """Record shards that are not recorded yet. Raises LeaseLost."""
        with self._lease_held(run_id, token) as c:
            existing = set(c.execute(select(schema.shard.c.n).where(schema.shard.c.run_id == run_id)).scalars())
            new = [{"run_id": run_id, **row} for row in rows if row["n"] not in existing]
            if new:
                c.execute(schema.shard.insert(), new)

    def set_shard(self, run_id: str, token: str, n: int, **values: Any) -> None:
        """Write one shard. Raises LeaseLost."""
        with self._lease_held(run_id, token) as c:
            s = schema.shard
            c.execute(s.update().where((s.c.run_id == run_id) & (s.c.n == n)).values(values))

    def replace_shard(self, run_id: str, token: str, n: int, rows: Sequence[Row]) -> None:
        """Put new shards in the place of one that has no job, all at once. Raises LeaseLost."""
        s = schema.shard
        with self._lease_held(run_id, token) as c:
            c.execute(s.update().where((s.c.run_id == run_id) & (s.c.n == n)).values(stage="divided"))
            c.execute(s.insert(), [{"run_id": run_id, **row} for row in rows])

    def caches(self, run_id: str) -> list[Row]:
        t = schema.cache
        query = select(t).where(t.c.run_id == run_id).order_by(t.c.group_id, t.c.made)
        with self._read() as c:
            return [dict(r) for r in c.execute(query).mappings()]

    def put_cache(self, run_id: str, token: str, group_id: str, attempt: int, **values: Any) -> None:
        """Record or change one cached content of a run. Raises LeaseLost."""
        t = schema.cache
        with self._lease_held(run_id, token) as c:
            this_cache = (t.c.run_id == run_id) & (t.c.group_id == group_id) & (t.c.made == attempt)
            if not c.execute(t.update().where(this_cache).values(values)).rowcount:
                blank = {"display_name": "", "name": "", "settle_at": 0.0}
                c.execute(t.insert().values(run_id=run_id, group_id=group_id, made=attempt, **{**blank, **values}))

    def quota_shards(self, owner_id: str, cancelled_since: float) -> list[Row]:
        """Shards of an owner that take up quota, each with its `model`: those that have or may have an open job.

        Of ended runs only those whose job was cancelled after a moment are among them: Google may still count it.
        """
        s, r = schema.shard, schema.run
        in_flight = (s.c.stage == "submitted") | ((s.c.stage == "intended") & (s.c.settle_at > 0))
        open_ = in_flight & (r.c.stage != "finished")
        cancelled = (s.c.job_state == "JOB_STATE_CANCELLED") & (s.c.job_ended_at > cancelled_since)
        query = select(s, r.c.model).join(r, r.c.id == s.c.run_id).where(r.c.owner == owner_id, open_ | cancelled)
        with self._read() as c:
            return [dict(x) for x in c.execute(query).mappings()]

    # -- events and what was learned -----------------------------------------------------------------------------

    def add_event(self, run_id: str, message: str, level: str = "info") -> None:
        """Append a line to a run's log; a repetition of its last line is not written again."""
        e = schema.event
        with self._write() as c:
            last = select(e.c.text).where(e.c.run_id == run_id).order_by(e.c.id.desc()).limit(1)
            if c.execute(last).scalar() != message:
                c.execute(e.insert().values(run_id=run_id, at=time.time(), level=level, text=message))

    def events(self, run_id: str, limit: int = 200) -> list[Row]:
        """A run's log, oldest first; the newest `limit` lines."""
        e = schema.event
        query = select(e).where(e.c.run_id == run_id).order_by(e.c.id.desc()).limit(limit)
        with self._read() as c:
            return [dict(r) for r in c.execute(query).mappings()][::-1]

    def add_observation(self, owner_id: str, model: str, kind: str, value: float, weight: float = 1.0) -> None:
        with self._write() as c:
            values = {
                "owner": owner_id,
                "model": model,
                "kind": kind,
                "value": value,
                "weight": weight,
                "at": time.time(),
            }
            c.execute(schema.observation.insert().values(values))

    def observations(self, owner_id: str, model: str, kind: str, limit: int = 100) -> list[tuple[float, float]]:
        """(value, weight) pairs, newest first."""
        t = schema.observation
        query = select(t.c.value, t.c.weight).where(t.c.owner == owner_id, t.c.model == model, t.c.kind == kind)
        with self._read() as c:
            return [(float(v), float(w)) for v, w in c.execute(query.order_by(t.c.id.desc()).limit(limit))]

    def latest_observation(self, owner_id: str, model: str, kind: str) -> tuple[float, float] | None:
        """The newest value learned and when it was learned, or None."""
        t = schema.observation
        query = select(t.c.value, t.c.at).where(t.c.owner == owner_id, t.c.model == model, t.c.kind == kind)
        with self._read() as c:
            row = c.execute(query.order_by(t.c.id.desc()).limit(1)).first()
            return None if row is None else (float(row[0]), float(row[1]))

    # -- bills ---------------------------------------------------------------------------------------------------

    def runs_without_cost(self, owner_id: str, root_run_id: str = "") -> list[Row]:
        """An owner's ended runs whose bill is not written yet: all, or of a run and its retries."""
        r = schema.run
        costed = select(schema.run_cost.c.run).where(schema.run_cost.c.owner == owner_id)
        ended = (r.c.owner == owner_id) & (r.c.stage == "finished") & r.c.id.not_in(costed)
        if root_run_id:
            ended &= (r.c.id == root_run_id) | (r.c.parent_id == root_run_id)
        with self._read() as c:
            return [dict(r) for r in c.execute(select(schema.run).where(ended)).mappings()]

    def add_run_cost(self, owner_id: str, values: Row) -> None:
        """Write a run's bill; the first one written stays."""
        with suppress(IntegrityError), self._write() as c:
            c.execute(schema.run_cost.insert().values(owner=owner_id, **values))

    def has_run_cost(self, run_id: str) -> bool:
        """Whether a run has ended here and was billed, though it may be deleted since."""
        with self._read() as c:
            return c.execute(select(schema.run_cost.c.run).where(schema.run_cost.c.run == run_id)).first() is not None

    def run_costs(self, owner_id: str, root_run_id: str = "") -> list[Row]:
        """An owner's bills, oldest first: all, or a run's and those of its retries."""
        b = schema.run_cost
        condition = b.c.owner == owner_id
        if root_run_id:
            condition &= (b.c.run == root_run_id) | (b.c.parent == root_run_id)
        with self._read() as c:
            columns = [column for column in b.c if column.name != "owner"]
            return [dict(r) for r in c.execute(select(*columns).where(condition).order_by(b.c.ended_at)).mappings()]

    def billed_jobs(self, owner_id: str, except_run_id: str) -> set[str]:
        """The names of the batch jobs whose price is known from an owner's bills, those of one run left out."""
        b = schema.run_cost
        query = select(b.c.jobs).where(b.c.owner == owner_id, b.c.run != except_run_id, b.c.rows_usd.is_not(None))
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
        with self.engine.connect() as c:
            yield c

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with self.engine.connect().execution_options(write=True) as c, c.begin():
            yield c

    @contextmanager
    def _exclusive(self) -> Iterator[Connection]:
        """A transaction that no other of its kind interleaves: SQLite's writes are so; PostgreSQL's need a lock."""
        with self._write() as c:
            if self._postgres:
                c.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": ADVISORY_LOCK})
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


def _lease_condition(run_id: str, token: str) -> tuple[Any, Any]:
    return schema.run.c.id == run_id, schema.run.c.token == token


def _greatest(postgres: bool, *values: Any) -> Any:
    return func.greatest(*values) if postgres else func.max(*values)


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
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
