"""The ledger of uploaded files: what was uploaded under a key, which shards need it, and what nobody needs any more.

A content is uploaded for all runs of a key together, so the ledger is the owner's, not a run's. Only the holder of a
run's lease writes for that run; two runs that want the same content agree by who claims it first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, and_, func, or_, select

from batch.model import Stage
from lifecycle.core.run_records import UploadRecord, UploadState
from lifecycle.storage.schema import run, upload, upload_use
from lifecycle.storage.store import Store

CLOSED = (UploadState.ENDING, UploadState.GONE)
IDS_AT_ONCE = 500  # in one statement


class UploadLedger:
    """The uploads of one owner."""

    def __init__(self, store: Store, owner_id: str) -> None:
        self._store, self._owner_id = store, owner_id

    # -- needs -------------------------------------------------------------------------------------------------

    def add_needs(self, run_id: str, token: str, shard: int, contents: Collection[str]) -> None:
        """Record that a shard needs these contents; what is recorded already stays as it is. Raises LeaseLost."""
        u = upload_use
        with self._store.lease_held(run_id, token) as c:
            mine = select(u.c.sha256).where(u.c.run_id == run_id, u.c.shard == shard)
            new = set(contents) - set(c.execute(mine).scalars())
            if new:
                values = {"run_id": run_id, "shard": shard, "owner_id": self._owner_id, "attempt": None}
                c.execute(u.insert(), [{**values, "sha256": sha256} for sha256 in sorted(new)])

    def bind(self, run_id: str, token: str, shard: int, uploads: Iterable[UploadRecord]) -> None:
        """Record which upload of each content a shard's job is going to name. Raises LeaseLost."""
        u = upload_use
        with self._store.lease_held(run_id, token) as c:
            for record in uploads:
                use = (u.c.run_id == run_id) & (u.c.shard == shard) & (u.c.sha256 == record.sha256)
                c.execute(u.update().where(use).values(attempt=record.attempt))

    def drop_needs(self, run_id: str, token: str, shards: Collection[int] | None = None) -> None:
        """Forget what these shards of a run need, or all of them. Raises LeaseLost."""
        with self._store.lease_held(run_id, token) as c:
            gone = upload_use.c.run_id == run_id
            c.execute(upload_use.delete().where(gone if shards is None else gone & upload_use.c.shard.in_(shards)))

    def drop_needs_of_ended_runs(self) -> None:
        """Forget what runs need that have ended, or are no longer known: their process died, or they were removed."""
        u = upload_use
        with self._store.writing() as c:
            live = select(run.c.id).where(run.c.owner_id == self._owner_id, run.c.stage != Stage.FINISHED)
            c.execute(u.delete().where(u.c.owner_id == self._owner_id, u.c.run_id.not_in(live)))

    # -- uploads -----------------------------------------------------------------------------------------------

    def newest(self, contents: Collection[str]) -> dict[str, UploadRecord]:
        """The last upload of each content, whatever became of it."""
        found: dict[str, UploadRecord] = {}
        with self._store.reading() as c:
            names = sorted(contents)
            for start in range(0, len(names), IDS_AT_ONCE):
                part = names[start : start + IDS_AT_ONCE]
                mine = (upload.c.owner_id == self._owner_id) & upload.c.sha256.in_(part)
                for row in c.execute(select(upload).where(mine).order_by(upload.c.attempt)).mappings():
                    found[str(row["sha256"])] = _record(row)
        return found

    def claim(self, run_id: str, token: str, wanted: UploadRecord) -> UploadRecord | None:
        """Take it on to upload a content: recorded before it is begun. None while another run is at it.

        `begun` of what is returned counts this time, too. Raises LeaseLost.
        """
        with self._store.lease_held(run_id, token) as c:
            row = c.execute(select(upload).where(self._is(wanted)).with_for_update()).mappings().first()
            known = _record(row) if row else None
            if known is not None and (known.state != UploadState.INTENDED or self._is_claimed(c, known, run_id)):
                return None
            begun = (known.begun if known else 0) + 1
            values = {**msgspec.to_builtins(wanted), "run_id": run_id, "token": token, "begun": begun}
            if known is None:
                c.execute(upload.insert().values(values))
            else:
                c.execute(upload.update().where(self._is(wanted)).values(values))
            return _record(values)

    def record(self, run_id: str, token: str, record: UploadRecord, **values: Any) -> None:
        """Write what became of an upload, here and in the record. Raises LeaseLost."""
        with self._store.lease_held(run_id, token) as c:
            self._write(c, record, values)

    def close(self, record: UploadRecord) -> None:
        """An upload that no run needs is deleted at Google: forget it, unless a second file of its name may turn up."""
        with self._store.writing() as c:
            if record.begun > 1:
                self._write(c, record, {"state": UploadState.GONE})
            else:
                c.execute(upload.delete().where(self._is(record)))

    def stored_bytes(self) -> tuple[int, set[str]]:
        """Bytes of all uploads that may be at Google, and the names of those that are known to be."""
        with self._store.reading() as c:
            alive = (upload.c.owner_id == self._owner_id) & upload.c.state.not_in([*CLOSED, UploadState.FAILED])
            rows = c.execute(select(upload.c.size_bytes, upload.c.name).where(alive)).all()
        return sum(int(size) for size, _ in rows), {str(name) for _, name in rows if name}

    def by_display_name(self) -> dict[str, UploadRecord]:
        """Every upload that the ledger knows, by its display name."""
        with self._store.reading() as c:
            mine = select(upload).where(upload.c.owner_id == self._owner_id)
            return {str(row["display_name"]): _record(row) for row in c.execute(mine).mappings()}

    def end_unneeded(self) -> list[UploadRecord]:
        """Close every upload that no shard needs, so that none will name it; returns those that are to be deleted.

        A content that is needed but not bound to an upload yet keeps its newest one.
        """
        u, x = upload_use, upload
        newest = select(func.max(x.c.attempt)).where(x.c.owner_id == u.c.owner_id, x.c.sha256 == u.c.sha256)
        bound = and_(u.c.owner_id == x.c.owner_id, u.c.sha256 == x.c.sha256, u.c.attempt == x.c.attempt)
        open_ = and_(
            u.c.owner_id == x.c.owner_id,
            u.c.sha256 == x.c.sha256,
            u.c.attempt.is_(None),
            x.c.attempt == newest.correlate(u).scalar_subquery(),
        )
        needed = select(u.c.sha256).where(or_(bound, open_)).correlate(x).exists()
        unneeded = and_(x.c.owner_id == self._owner_id, x.c.state != UploadState.GONE, ~needed)
        with self._store.writing() as c:
            c.execute(x.update().where(unneeded).values(state=UploadState.ENDING.value))
            closed = (x.c.owner_id == self._owner_id) & (x.c.state == UploadState.ENDING)
            return [_record(row) for row in c.execute(select(x).where(closed)).mappings()]

    def _is(self, record: UploadRecord) -> Any:
        return and_(
            upload.c.owner_id == self._owner_id,
            upload.c.sha256 == record.sha256,
            upload.c.attempt == record.attempt,
        )

    def _is_claimed(self, c: Connection, known: UploadRecord, run_id: str) -> bool:
        """Whether another run is uploading a content at this moment: it still has the lease that it began under."""
        if known.run_id == run_id:
            return False
        alive = (run.c.id == known.run_id) & (run.c.token == known.token) & (run.c.lease_until >= self._store.now())
        return c.execute(select(run.c.id).where(alive)).first() is not None

    def _write(self, c: Connection, record: UploadRecord, values: Mapping[str, Any]) -> None:
        c.execute(upload.update().where(self._is(record)).values(msgspec.to_builtins(dict(values))))
        for name, value in values.items():
            setattr(record, name, value)


def _record(row: Mapping[str, Any] | RowMapping) -> UploadRecord:
    return UploadRecord(
        **{str(name): value for name, value in row.items() if name != "state"}, state=UploadState(row["state"])
    )
