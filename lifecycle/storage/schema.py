"""The database's tables, and the numbered steps that brought them there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    inspect,
    select,
    text,
)

metadata = MetaData()

setting = Table("meta", metadata, Column("name", String(40), primary_key=True), Column("value", Text, nullable=False))

# A run is a row, and the row is its workflow: stage, when it is due, and who holds it until when.
run = Table(
    "run",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("owner", String(40), nullable=False, index=True),
    Column("rehearsal", Boolean, nullable=False),
    Column("identity", String(80), nullable=False),  # a rehearsal's own name at the emulator; "" with a real key
    Column("ticket", String(80), nullable=False),
    Column("parent_id", String(24), nullable=False),
    Column("name", Text, nullable=False),
    Column("model", String(120), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("stage", String(20), nullable=False),
    Column("state", String(24), nullable=False),
    Column("ending", String(24), nullable=False),  # recovery.LEFT once the user wants the job left to itself
    Column("spec", JSON, nullable=False),
    Column("data", JSON, nullable=False),  # the stages' working memory
    Column("estimate", JSON, nullable=False),
    Column("counts", JSON, nullable=False),
    Column("actual_usd", Float),
    Column("note", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("cancel", Boolean, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("ended_at", Float),
    Column("due_at", Float, nullable=False),
    Column("lease_until", Float, nullable=False),
    Column("token", String(40), nullable=False),
    UniqueConstraint("owner", "ticket"),
)

# A slice of a run that becomes one batch job.
shard = Table(
    "shard",
    metadata,
    Column("run_id", String(24), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("attempt", Integer, nullable=False),  # 0, then 1, … for rows that are sent again within the run
    Column("rows", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("transport", String(10), nullable=False),
    Column("groups", JSON, nullable=False),
    Column("display_name", String(80), nullable=False),
    Column("stage", String(12), nullable=False),
    Column("creates", Integer, nullable=False),  # how often a create was sent
    Column("settle_at", Float, nullable=False),  # until then an accepted create may still show up in the list
    Column("file_name", String(120), nullable=False),
    Column("job_name", String(200), nullable=False),
    Column("job_state", String(60), nullable=False),
    Column("stats", JSON),
    Column("job_created_at", Float),
    Column("job_ended_at", Float),
    Column("error", Text, nullable=False),
    Column("misses", Integer, nullable=False),  # looks in a row that found no job, or no results where some are due
)

# A cached content that a run made, leased while the run needs it.
cache = Table(
    "cache",
    metadata,
    Column("run_id", String(24), primary_key=True),
    Column("group_id", String(80), primary_key=True),
    Column("made", Integer, primary_key=True),  # 0, 1, … as it is made anew
    Column("display_name", String(120), nullable=False),
    Column("name", String(120), nullable=False),
    Column("tokens", BigInteger),
    Column("settle_at", Float, nullable=False),
    Column("created_at", Float),
    Column("expire_at", Float),
    Column("deleted_at", Float),
    Column("usd", Float),
)

event = Table(
    "event",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("run_id", String(24), nullable=False, index=True),
    Column("at", Float, nullable=False),
    Column("level", String(10), nullable=False),
    Column("text", Text, nullable=False),
)

# What finished runs and refusals have taught about one owner and model.
observation = Table(
    "learned",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("owner", String(40), nullable=False, index=True),
    Column("model", String(120), nullable=False),
    Column("kind", String(24), nullable=False),  # duration_hours, implicit_rate, enqueued_tokens, explicit_caching
    Column("value", Float, nullable=False),
    Column("weight", Float, nullable=False),
    Column("at", Float, nullable=False),
)

# What an ended run has cost: written when somebody first asks, and kept when the run is deleted.
run_cost = Table(
    "bill",
    metadata,
    Column("run", String(24), primary_key=True),
    Column("owner", String(40), nullable=False, index=True),
    Column("parent", String(24), nullable=False, index=True),
    Column("model", String(120), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("ended_at", Float, nullable=False),
    Column("finished", Boolean, nullable=False),
    Column("borrowed", Boolean, nullable=False),
    Column("unpriced", BigInteger, nullable=False),
    Column("unreturned", BigInteger, nullable=False, server_default=text("0")),
    Column("jobs", JSON, nullable=False, server_default=text("'[]'")),
    Column("again", Boolean, nullable=False, server_default=text("false")),
    *(
        Column(f"{name}_usd", Float)
        for name in ("rows", "caches", "uncached", "standard", "first", "expected", "worst")
    ),
)

Migration = Callable[[Connection], None]
MIGRATIONS: list[Migration] = []


@MIGRATIONS.append
def m001_initial(connection: Connection) -> None:
    """Make the tables of the first version."""
    metadata.create_all(connection, tables=[run, shard, cache, event, observation])


@MIGRATIONS.append
def m002_bills(connection: Connection) -> None:
    """Keep what runs have cost."""
    metadata.create_all(connection, tables=[run_cost])


@MIGRATIONS.append
def m003_unreturned(connection: Connection) -> None:
    """Let bills tell of rows that may be billed though nothing came back."""
    _add_column(connection, run_cost.c.unreturned)


@MIGRATIONS.append
def m004_jobs_of_bills(connection: Connection) -> None:
    """Let bills tell which jobs they are for, so that none is on two."""
    _add_column(connection, run_cost.c.jobs)
    _add_column(connection, run_cost.c.again)


def _add_column(connection: Connection, column: Column[Any]) -> None:
    """Add a column to a table that an earlier version made."""
    if column.name not in {existing["name"] for existing in inspect(connection).get_columns(column.table.name)}:
        kind = column.type.compile(connection.dialect)
        default = f" DEFAULT {column.server_default.arg}"  # type: ignore[union-attr]
        connection.exec_driver_sql(f"ALTER TABLE {column.table.name} ADD COLUMN {column.name} {kind} NOT NULL{default}")


def upgrade(connection: Connection) -> int:
    """Bring the database to this version, in the caller's transaction; returns the version.

    Is idempotent and can be called by every process at its start.
    """
    if not inspect(connection).has_table("meta"):
        setting.create(connection, checkfirst=True)
    current_version = connection.execute(select(setting.c.value).where(setting.c.name == "schema")).scalar()
    for number, migration in enumerate(MIGRATIONS[int(current_version or 0) :], start=int(current_version or 0) + 1):
        migration(connection)
        connection.execute(setting.delete().where(setting.c.name == "schema"))
        connection.execute(setting.insert().values(name="schema", value=str(number)))
    return len(MIGRATIONS)
