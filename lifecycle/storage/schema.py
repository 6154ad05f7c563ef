"""The database's tables. What changes here needs a migration too, in `migrations.py`."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

setting = Table(
    "setting", metadata, Column("name", String(40), primary_key=True), Column("value", Text, nullable=False)
)

# The columns of run, shard and cache are the fields of the records in `core/run_records.py`.
run = Table(
    "run",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("owner_id", String(40), nullable=False, index=True),
    Column("rehearsal", Boolean, nullable=False),
    Column("identity", String(80), nullable=False),  # a rehearsal's own name at the emulator; "" with a real key
    Column("idempotency_key", String(80), nullable=False),
    Column("parent_id", String(24), nullable=False),
    Column("name", Text, nullable=False),
    Column("model", String(120), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("stage", String(20), nullable=False),
    Column("state", String(24), nullable=False),
    Column("requested_end", String(24), nullable=False),
    Column("spec", JSON, nullable=False),
    Column("progress", JSON, nullable=False),
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
    UniqueConstraint("owner_id", "idempotency_key"),
)

# What the table of runs shows and sorts by, one narrow row a run, kept in the transactions that change the run.
run_summary = Table(
    "run_summary",
    metadata,
    Column("run_id", String(24), primary_key=True),
    Column("owner_id", String(40), nullable=False),
    Column("parent_id", String(24), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("sort_name", Text, nullable=False),
    Column("model", String(120), nullable=False),
    Column("tags", JSON, nullable=False),
    Column("search_text", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("state", String(24), nullable=False),
    Column("standing", String(16), nullable=False),
    Column("attention", BigInteger, nullable=False),
    Column("counts", JSON, nullable=False),
    Column("merged", Boolean, nullable=False),
    Column("merge_due", Boolean, nullable=False),
    Column("usd", Float),
    Column("usd_at_least", Boolean, nullable=False),
    Column("error", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("ended_at", Float),
    Column("ending_read", Boolean, nullable=False),
    Column("held_back", BigInteger, nullable=False, server_default=text("0")),
    Index("ix_run_summary_owner", "owner_id", "created_at"),
)

shard = Table(
    "shard",
    metadata,
    Column("run_id", String(24), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("attempt", Integer, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("transport", String(10), nullable=False),
    Column("groups", JSON, nullable=False),
    Column("display_name", String(80), nullable=False),
    Column("stage", String(12), nullable=False),
    Column("creates", Integer, nullable=False),
    Column("settle_at", Float, nullable=False),
    Column("file_name", String(120), nullable=False),
    Column("job_name", String(200), nullable=False),
    Column("job_state", String(60), nullable=False),
    Column("stats", JSON),
    Column("job_created_at", Float),
    Column("job_ended_at", Float),
    Column("error", Text, nullable=False),
    Column("missed_polls", Integer, nullable=False),
    Column("lost_creates", Integer, nullable=False, server_default=text("0")),
    Column("strays_until", Float, nullable=False, server_default=text("0")),
    Column("handed_jobs", JSON, nullable=False, server_default=text("'[]'")),
)

cache = Table(
    "cache",
    metadata,
    Column("run_id", String(24), primary_key=True),
    Column("group_id", String(80), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("display_name", String(120), nullable=False),
    Column("name", String(120), nullable=False),
    Column("tokens", BigInteger),
    Column("settle_at", Float, nullable=False),
    Column("created_at", Float),
    Column("expire_at", Float),
    Column("deleted_at", Float),
    Column("usd", Float),
)

# The ledger of files uploaded for requests: one row for each time that a content is uploaded under a key.
upload = Table(
    "upload",
    metadata,
    Column("owner_id", String(40), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("mime_type", String(120), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("display_name", String(160), nullable=False),
    Column("state", String(20), nullable=False),
    Column("begun", Integer, nullable=False),
    Column("run_id", String(24), nullable=False),
    Column("token", String(40), nullable=False),
    Column("name", String(120), nullable=False),
    Column("uri", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("expire_at", Float),
)

# Which shard needs which content, and in which upload once a job names it.
upload_use = Table(
    "upload_use",
    metadata,
    Column("run_id", String(24), primary_key=True),
    Column("shard", Integer, primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("owner_id", String(40), nullable=False),
    Column("attempt", Integer),
    Index("ix_upload_use_content", "owner_id", "sha256"),
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

# What finished runs and refusals have shown about one owner and model.
observation = Table(
    "observation",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("owner_id", String(40), nullable=False, index=True),
    Column("model", String(120), nullable=False),
    Column("kind", String(24), nullable=False),
    Column("value", Float, nullable=False),
    Column("weight", Float, nullable=False),
    Column("at", Float, nullable=False),
)

# How long the answers of ended runs and of tried rows were, to price later ones like them.
output_summary = Table(
    "output_summary",
    metadata,
    Column("run_id", String(40), primary_key=True),
    Column("owner_id", String(40), nullable=False),
    Column("model", String(120), nullable=False),
    Column("at", Float, nullable=False),
    Column("sketch", Text, nullable=False),
    Column("lengths", Text, nullable=False),
    Index("ix_output_summary_owner_id", "owner_id", "model", "at"),
)

# What an ended run has cost: computed at the first request, and kept when the run is deleted.
run_cost = Table(
    "run_cost",
    metadata,
    Column("run", String(24), primary_key=True),
    Column("owner_id", String(40), nullable=False, index=True),
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
