"""The numbered steps that bring an earlier version's database to this one, data included.

A migration knows the tables as they were at its time, so it is written in SQL with the names of that time, and never
changed once a version with it is out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Connection,
    Float,
    RowMapping,
    String,
    column,
    inspect,
    select,
    table,
    text,
)

from batch.errors import InputError
from batch.formatting import plural
from batch.model import RunState
from batch.responses.outcome_groups import RunGroup, needs_attention, run_group
from lifecycle.storage import schema
from lifecycle.storage.run_summary import search_text, sort_name

Migration = Callable[[Connection], None]
MIGRATIONS: dict[int, Migration] = {}  # by the version that each leads to; version 1 had no run_cost
VERSION = 10


def upgrade(connection: Connection, run_folders: int = 0) -> None:
    """Bring the database to this version, in the caller's transaction: all of it, or nothing. Is idempotent.

    Raises InputError for a database that a newer version has written: this one would misread it; and for an empty one
    beside that many folders of runs, which it does not know.
    """
    current_version = _stored_version(connection)
    if current_version is None:
        if run_folders:
            raise InputError(
                f"DATA_DIR has {plural(run_folders, 'folder')} of runs, but the database is empty: it was emptied, or "
                "it is another one.",
                "Put it back from a copy (restore), take the folders up again (adopt-folder), or move the folder "
                "`runs` away to begin anew.",
            )
        schema.metadata.create_all(connection)
        connection.execute(schema.setting.insert().values(name="schema", value=str(VERSION)))
        return
    if current_version > VERSION:
        raise InputError(
            f"The database was written by a newer version of this program (its format is {current_version}, "
            f"and this version reads up to {VERSION}).",
            "Use that version or a later one, or set DATA_DIR and DATABASE_URL to other places.",
        )
    for version in range(current_version + 1, VERSION + 1):
        MIGRATIONS[version](connection)
    if current_version < VERSION:
        connection.execute(schema.setting.update().where(schema.setting.c.name == "schema").values(value=str(VERSION)))


def require_current(connection: Connection) -> None:
    """Raises InputError for a database that is not of this version: it would have to be written to."""
    if _stored_version(connection) != VERSION:
        raise InputError(
            "The database is not of this version, and cannot be brought to it: it cannot be written to.",
            "Open it once where DATA_DIR can be written to.",
        )


def _stored_version(connection: Connection) -> int | None:
    """The version of the stored tables; None for an empty database. Up to version 4 the table was named meta."""
    tables = inspect(connection)
    for name in ("setting", "meta"):
        if tables.has_table(name):
            version = connection.execute(text(f"SELECT value FROM {name} WHERE name = 'schema'")).scalar()
            if version is None:
                raise InputError(
                    "The database has tables, but not the one entry that says of which version they are.",
                    "Put it back from a copy (restore), or name another one in DATABASE_URL.",
                )
            return int(version)
    return None


def _migration(version: int) -> Callable[[Migration], Migration]:
    def register(migration: Migration) -> Migration:
        MIGRATIONS[version] = migration
        return migration

    return register


def _execute(connection: Connection, *statements: str) -> None:
    for statement in statements:
        connection.exec_driver_sql(statement)


@_migration(2)
def m002_bills(connection: Connection) -> None:
    """Keep what runs have cost."""
    usd = ", ".join(
        f"{name}_usd FLOAT" for name in ("rows", "caches", "uncached", "standard", "first", "expected", "worst")
    )
    _execute(
        connection,
        "CREATE TABLE bill (run VARCHAR(24) NOT NULL PRIMARY KEY, owner VARCHAR(40) NOT NULL, "
        "parent VARCHAR(24) NOT NULL, model VARCHAR(120) NOT NULL, rows BIGINT NOT NULL, ended_at FLOAT NOT NULL, "
        f"finished BOOLEAN NOT NULL, borrowed BOOLEAN NOT NULL, unpriced BIGINT NOT NULL, {usd})",
        "CREATE INDEX ix_bill_owner ON bill (owner)",
        "CREATE INDEX ix_bill_parent ON bill (parent)",
    )


@_migration(3)
def m003_unreturned(connection: Connection) -> None:
    """Let bills tell of rows that may be billed though nothing came back."""
    _execute(connection, "ALTER TABLE bill ADD COLUMN unreturned BIGINT DEFAULT 0 NOT NULL")


@_migration(4)
def m004_jobs_of_bills(connection: Connection) -> None:
    """Let bills tell which jobs they are for, so that none is on two."""
    _execute(
        connection,
        "ALTER TABLE bill ADD COLUMN jobs JSON DEFAULT '[]' NOT NULL",
        "ALTER TABLE bill ADD COLUMN again BOOLEAN DEFAULT false NOT NULL",
    )


@_migration(5)
def m005_one_vocabulary(connection: Connection) -> None:
    """Rename tables, columns and stored words; what stages remember becomes the JSON of RunProgress."""
    _execute(
        connection,
        "ALTER TABLE meta RENAME TO setting",
        "ALTER TABLE learned RENAME TO observation",
        "ALTER TABLE bill RENAME TO run_cost",
        "ALTER TABLE run RENAME COLUMN owner TO owner_id",
        "ALTER TABLE run RENAME COLUMN ticket TO idempotency_key",
        "ALTER TABLE run RENAME COLUMN ending TO requested_end",
        "ALTER TABLE run RENAME COLUMN data TO progress",
        "ALTER TABLE shard RENAME COLUMN misses TO missed_polls",
        "ALTER TABLE cache RENAME COLUMN made TO attempt",
        "ALTER TABLE observation RENAME COLUMN owner TO owner_id",
        "ALTER TABLE run_cost RENAME COLUMN owner TO owner_id",
        "DROP INDEX ix_run_owner",
        "DROP INDEX ix_learned_owner",
        "DROP INDEX ix_bill_owner",
        "DROP INDEX ix_bill_parent",
        "CREATE INDEX ix_run_owner_id ON run (owner_id)",
        "CREATE INDEX ix_observation_owner_id ON observation (owner_id)",
        "CREATE INDEX ix_run_cost_owner_id ON run_cost (owner_id)",
        "CREATE INDEX ix_run_cost_parent ON run_cost (parent)",
        "UPDATE run SET requested_end = 'detached' WHERE requested_end = 'left'",
        "UPDATE shard SET stage = 'detached' WHERE stage = 'left'",
        "UPDATE shard SET stage = 'split' WHERE stage = 'divided'",
        "UPDATE shard SET transport = 'imported' WHERE transport = 'recovered'",
        "UPDATE setting SET name = 'snoozed:' || substr(name, 6) WHERE name LIKE 'kept:%%'",
    )
    for run in connection.execute(select(run_5)).mappings().all():
        data = dict(run["progress"])
        # A stage that was cut short had put these two aside for the row.
        values = {"rows": data.pop("rows", run["rows"]), "estimate": data.pop("estimate", run["estimate"])}
        values |= {"spec": _spec_5(run["spec"]), "progress": _progress_5(data)}
        connection.execute(run_5.update().where(run_5.c.id == run["id"]).values(values))


@_migration(6)
def m006_uploads(connection: Connection) -> None:
    """Remember which files were uploaded for requests, and which shards need them."""
    _execute(
        connection,
        "CREATE TABLE upload (owner_id VARCHAR(40) NOT NULL, sha256 VARCHAR(64) NOT NULL, attempt INTEGER NOT NULL, "
        "mime_type VARCHAR(120) NOT NULL, size_bytes BIGINT NOT NULL, display_name VARCHAR(160) NOT NULL, "
        "state VARCHAR(20) NOT NULL, begun INTEGER NOT NULL, run_id VARCHAR(24) NOT NULL, token VARCHAR(40) NOT NULL, "
        "name VARCHAR(120) NOT NULL, uri TEXT NOT NULL, error TEXT NOT NULL, expire_at FLOAT, "
        "PRIMARY KEY (owner_id, sha256, attempt))",
        "CREATE TABLE upload_use (run_id VARCHAR(24) NOT NULL, shard INTEGER NOT NULL, sha256 VARCHAR(64) NOT NULL, "
        "owner_id VARCHAR(40) NOT NULL, attempt INTEGER, PRIMARY KEY (run_id, shard, sha256))",
        "CREATE INDEX ix_upload_use_content ON upload_use (owner_id, sha256)",
    )


@_migration(7)
def m007_lost_creates(connection: Connection) -> None:
    """Count creates whose job was never found by shard, and look for those of runs under way for an hour more."""
    _execute(
        connection,
        "ALTER TABLE shard ADD COLUMN lost_creates INTEGER DEFAULT 0 NOT NULL",
        "ALTER TABLE shard ADD COLUMN strays_until FLOAT DEFAULT 0 NOT NULL",
        "ALTER TABLE shard ADD COLUMN handed_jobs JSON DEFAULT '[]' NOT NULL",
    )
    for run in connection.execute(select(run_5)).mappings().all():
        if run["progress"].get("create_resent"):
            resent = (shard_7.c.run_id == run["id"]) & (shard_7.c.creates > 1)
            values = {"lost_creates": 1, "strays_until": time.time() + 3600}
            connection.execute(shard_7.update().where(resent).values(values))


shard_7 = table(
    "shard",
    column("run_id", String),
    column("creates", BigInteger),
    column("lost_creates", BigInteger),
    column("strays_until", Float),
)


@_migration(8)
def m008_output_summaries(connection: Connection) -> None:
    """Remember how long answers were, to price later runs by them."""
    _execute(
        connection,
        "CREATE TABLE output_summary (run_id VARCHAR(40) NOT NULL PRIMARY KEY, owner_id VARCHAR(40) NOT NULL, "
        "model VARCHAR(120) NOT NULL, at FLOAT NOT NULL, sketch TEXT NOT NULL, lengths TEXT NOT NULL)",
        "CREATE INDEX ix_output_summary_owner_id ON output_summary (owner_id, model, at)",
    )


@_migration(9)
def m009_run_summaries(connection: Connection) -> None:
    """Keep what the table of runs sorts by beside each run; whatever has ended by now counts as read.

    What retries have mended is not in the counts of their parents yet: it is computed when the runs are next listed.
    """
    _execute(
        connection,
        "CREATE TABLE run_summary (run_id VARCHAR(24) NOT NULL PRIMARY KEY, owner_id VARCHAR(40) NOT NULL, "
        "parent_id VARCHAR(24) NOT NULL, name TEXT NOT NULL, sort_name TEXT NOT NULL, model VARCHAR(120) NOT NULL, "
        "tags JSON NOT NULL, search_text TEXT NOT NULL, rows BIGINT NOT NULL, state VARCHAR(24) NOT NULL, "
        "standing VARCHAR(16) NOT NULL, attention BIGINT NOT NULL, counts JSON NOT NULL, merged BOOLEAN NOT NULL, "
        "merge_due BOOLEAN NOT NULL, usd FLOAT, usd_at_least BOOLEAN NOT NULL, error TEXT NOT NULL, "
        "created_at FLOAT NOT NULL, ended_at FLOAT, ending_read BOOLEAN NOT NULL)",
        "CREATE INDEX ix_run_summary_parent_id ON run_summary (parent_id)",
        "CREATE INDEX ix_run_summary_owner ON run_summary (owner_id, created_at)",
        "DELETE FROM setting WHERE name LIKE 'dismissed:%%'",
    )
    runs = connection.execute(select(run_9)).mappings().all()
    mended = {run["parent_id"] for run in runs if run["parent_id"] and run["counts"]}
    rows = [_summary_9(run, merge_due=run["id"] in mended) for run in runs]
    if rows:
        connection.execute(run_summary_9.insert(), rows)


@_migration(10)
def m010_rows_held_back(connection: Connection) -> None:
    """A finished run tells in the table of runs how many rows its budget kept from being sent."""
    _execute(connection, "ALTER TABLE run_summary ADD COLUMN held_back BIGINT NOT NULL DEFAULT 0")
    finished = (run_9.c.stage == "finished") & (run_9.c.state == RunState.FINISHED.value)
    for run_id, progress in connection.execute(select(run_9.c.id, run_9.c.progress).where(finished)).all():
        stopped = progress.get("budget_stop")
        if stopped and not stopped.get("rest_run") and (rows := stopped.get("rows", 0)):
            values = {"held_back": rows, "standing": RunGroup.DECIDE.value}
            connection.execute(run_summary_10.update().where(run_summary_10.c.run_id == run_id).values(values))


run_5 = table(
    "run",
    column("id", String),
    column("rows", BigInteger),
    column("spec", JSON),
    column("progress", JSON),
    column("estimate", JSON),
)
# Names in the JSON of run.spec, and in what was run.data: of version 4 on the left, of version 5 on the right.
SPEC_NAMES_5 = {"allow_plain": "allow_uncached", "end_cache": "delete_user_caches"}
PROGRESS_NAMES_5 = {
    "canary": "canary_pending",
    "borrowed": "user_caches",
    "cache_sizes": "user_cache_tokens",
    "named_for_use": "resolved_cache_names",
    "after": "replaces_run",
    "parts": "shard_parts",
    "uploads": "uploads_started",
    "files_until": "file_expires_at",
    "repeated": "create_resent",
    "watched": "poll_times",
    "google_ahead": "clock_skew",
    "cancel_asked": "cancel_requested_shards",
    "stopped": "cancelled_duplicates",
    "outputs": "result_files",
    "unreturned": "no_result_rows",
}
ASSUMED_5 = ("hours", "implicit_rate", "token_counts", "output_bytes", "explicit_minimum")
IMPORTED_JOB_NAMES_5 = {"job": "name", "inputs": "inputs_known", "results_until": "results_expire_at"}
BACKOFF_NAMES_5 = {"capacity": "reason", **{name: name for name in ("refusals", "retry_at", "not_before")}}


def _spec_5(spec: dict[str, Any]) -> dict[str, Any]:
    """The spec with its new names: what the user forbade stays forbidden, since a missing name means the default."""
    return _renamed(spec, SPEC_NAMES_5)


def _progress_5(data: dict[str, Any]) -> dict[str, Any]:
    """What stages remembered, by the names and in the structure of RunProgress."""
    progress: dict[str, Any] = {
        "assumed": _taken(data, {name: name for name in ASSUMED_5}),
        "backoff": _taken(data, BACKOFF_NAMES_5),
    }
    if (job := data.pop("recovered", None)) is not None:
        progress["imported_job"] = _renamed(job, IMPORTED_JOB_NAMES_5)
    if "counts" in data:
        progress["collected"] = _taken(data, {"counts": "counts", "rows_usd": "rows_usd", "unpriced": "unpriced"})
    if "ending" in data:
        progress["ending"] = _taken(data, {"ending": "state", "error": "error"})
    return progress | _renamed(data, PROGRESS_NAMES_5)


def _renamed(values: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in values.items()}


def _taken(data: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """Remove what has one of these names, and return it by its new name."""
    return {new: data.pop(old) for old, new in names.items() if old in data}


run_9 = table(
    "run",
    *map(column, ("id", "owner_id", "parent_id", "name", "model", "state", "stage", "error", "created_at", "ended_at")),
    column("actual_usd"),
    column("rows", BigInteger),
    column("counts", JSON),
    column("progress", JSON),
)
run_summary_9 = table(
    "run_summary",
    *map(column, ("run_id", "owner_id", "parent_id", "name", "sort_name", "model", "search_text", "state", "standing")),
    *map(column, ("usd", "error", "created_at", "ended_at")),
    *(column(name, BigInteger) for name in ("rows", "attention")),
    *(column(name, JSON) for name in ("tags", "counts")),
    *(column(name, Boolean) for name in ("merged", "merge_due", "usd_at_least", "ending_read")),
)

run_summary_10 = table("run_summary", column("run_id"), column("standing"), column("held_back", BigInteger))


def _summary_9(run: RowMapping, *, merge_due: bool) -> dict[str, Any]:
    """The summary of a run as it was stored."""
    ended, state = run["stage"] == "finished", RunState(run["state"])
    progress, counts, rows = run["progress"], run["counts"], int(run["rows"])
    unpriced = (progress.get("collected") or {}).get("unpriced")
    return {
        "run_id": run["id"],
        **{name: run[name] for name in ("owner_id", "parent_id", "name", "model", "error", "created_at", "ended_at")},
        "sort_name": sort_name(run["name"] or run["id"]),
        "tags": [],
        "search_text": search_text(run["name"], run["model"], run["id"], []),
        "rows": rows,
        "state": state.value if ended else RunState.ACTIVE.value,
        "standing": (run_group(state, counts, rows) if ended else RunGroup.RUNNING).value,
        "attention": needs_attention(counts, rows) if ended else 0,
        "counts": counts,
        "merged": False,
        "merge_due": merge_due,
        "usd": run["actual_usd"],
        "usd_at_least": bool(progress.get("no_result_rows") or unpriced),
        "ending_read": True,
    }
