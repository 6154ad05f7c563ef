"""Which row each received line answers, and which line each row keeps: joined by key, never by position.

Only keys and numbers take part. The work is done in passes over slices of the keys, each small enough to join in
memory, so that the limit holds for any number of rows. (One join over all keys was tried: with 100 MB it failed
now and then at a million rows, because several hash tables were pinned at once.)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lifecycle.core.run_files import FANOUT, INPUTS
from lifecycle.results.store import sql
from lifecycle.results.store.columns import DEDUPLICATED, DUPLICATE, MATCH_SCHEMA, SELECTED, SUPERSEDED, UNMATCHED

PASS_ROWS = 262_144

_TABLES = """
CREATE TEMP TABLE places (seq BIGINT, n BIGINT, kind TINYINT, attempts INTEGER, form INTEGER);
CREATE TEMP VIEW lines AS SELECT *, coalesce(hash(key), 0) AS slot FROM {lines};
CREATE TEMP VIEW forms AS SELECT key, form, hash(key) AS slot FROM {forms};
CREATE TEMP TABLE owners (n BIGINT, key VARCHAR, shared BOOLEAN);
CREATE TEMP VIEW inputs AS SELECT n, key, hash(key) AS slot FROM {inputs};
CREATE TEMP VIEW fanout AS SELECT key, sent_key, hash(key) AS slot FROM {fanout};
"""
# Rows with the key their request was sent under; a copy's is its original's.
_OWNERS = """
INSERT INTO owners SELECT i.n, coalesce(f.sent_key, i.key), coalesce(f.sent_key <> i.key, false)
FROM (FROM inputs WHERE slot % {passes} = {number}) i
LEFT JOIN (FROM fanout WHERE slot % {passes} = {number}) f USING (key)
"""
_SLICE = """
CREATE OR REPLACE TEMP TABLE slice AS SELECT l.seq, l.key, l.attempt, l.worth, o.n, f.form
FROM (FROM lines WHERE slot % {passes} = {number}) l
LEFT JOIN (SELECT n, key FROM {owners} WHERE NOT shared AND hash(key) % {passes} = {number}) o USING (key)
LEFT JOIN (FROM forms WHERE slot % {passes} = {number}) f USING (key)
"""
_REPEATED = "SELECT count(n) > count(DISTINCT n) FROM slice"
_MATCH_ONCE = f"""
INSERT INTO places SELECT seq, n, CASE WHEN n IS NULL THEN {UNMATCHED} ELSE {SELECTED} END, 1, form FROM slice
"""
# Of an attempt's lines for a row the first counts; of a row's attempts the most valuable, of equals the newest.
_MATCH_RANKED = f"""
INSERT INTO places SELECT seq, n,
    CASE WHEN n IS NULL THEN {UNMATCHED} WHEN NOT first THEN {DUPLICATE}
        WHEN row_number() OVER (PARTITION BY n, first ORDER BY worth DESC, attempt DESC) > 1 THEN {SUPERSEDED}
        ELSE {SELECTED} END,
    sum(first::INTEGER) OVER (PARTITION BY n), form
FROM (SELECT *, row_number() OVER (PARTITION BY n, attempt ORDER BY seq) = 1 AS first FROM slice)
"""
_COPIES = f"""
INSERT INTO places SELECT p.seq, o.n, {DEDUPLICATED}, p.attempts, p.form
FROM (SELECT n, key FROM owners WHERE shared AND hash(key) % {{passes}} = {{number}}) o
JOIN slice s USING (key) JOIN places p ON p.seq = s.seq AND p.kind = {SELECTED}
"""


def write_matches(
    folder: Path, key_path: Path, schemas: Path | None, target: Path, *, lines: int, memory_mb: int, spill: Path
) -> bool:
    """Write the place of every line as an Arrow stream (columns PLACES) in the order of the lines.

    A line that several rows share comes once for each. `key_path` has the lines (columns NARROW), `schemas` tells the
    form each key was asked for. Returns whether the lines that rows keep happen to be in input order already.
    """
    with sql.connect(memory_mb, spill) as db:
        _match(db, folder, key_path, schemas, lines)
        ordered, last = True, -1
        with pa.ipc.new_stream(str(target), MATCH_SCHEMA) as writer:
            for batch in _stream(db, lines):
                writer.write_batch(batch.cast(MATCH_SCHEMA))
                n = batch.column("n").to_numpy(zero_copy_only=False)[np.asarray(batch.column("kind")) <= DEDUPLICATED]
                if len(n):
                    ordered = ordered and bool(n[0] > last and np.all(n[1:] > n[:-1]))
                    last = n[-1]
    return ordered


def _match(db: sql.Connection, folder: Path, key_path: Path, schemas: Path | None, lines: int) -> None:
    """Fill the table `places`, one slice of the keys after another."""
    copies = (folder / FANOUT).exists()
    sources = {
        "lines": sql.parquet(key_path),
        "inputs": sql.parquet(folder / INPUTS),
        "forms": sql.parquet(schemas) if schemas else "(SELECT '' AS key, NULL::INTEGER AS form LIMIT 0)",
        "fanout": sql.parquet(folder / FANOUT) if copies else "(SELECT '' AS key, '' AS sent_key LIMIT 0)",
    }
    db.execute(_TABLES.format(**sources))
    passes = max(pq.read_metadata(folder / INPUTS).num_rows, lines) // PASS_ROWS + 1
    for number in range(passes if copies else 0):
        db.execute(_OWNERS.format(passes=passes, number=number))
    owners = "owners" if copies else "(SELECT n, key, false AS shared FROM inputs)"
    for number in range(passes):
        db.execute(_SLICE.format(passes=passes, number=number, owners=owners))
        ((repeated,),) = db.execute(_REPEATED).fetchall()
        db.execute(_MATCH_RANKED if repeated else _MATCH_ONCE)
        if copies:
            db.execute(_COPIES.format(passes=passes, number=number))


def _stream(db: sql.Connection, lines: int) -> Iterator[pa.RecordBatch]:
    for start in range(0, lines, PASS_ROWS):
        span = f"seq >= {start} AND seq < {start + PASS_ROWS}"
        yield from db.sql(f"FROM places WHERE {span} ORDER BY seq, kind").to_arrow_reader(65_536)
