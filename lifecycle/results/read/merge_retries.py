"""A run and the runs that asked again for some of its rows, as one result.

Each row shows its most valuable line of all runs, of equals the newest, and says whose it is. The account counts the
parent's rows once, and everything that any of the runs bought.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from batch.model import Outcome, Usage
from lifecycle.core import malloc
from lifecycle.results.collect.counters import count_outcomes
from lifecycle.results.collect.match_rows import PASS_ROWS
from lifecycle.results.read.table import ResultTable
from lifecycle.results.store import sql
from lifecycle.results.store.columns import ACCOUNT, DICTIONARY, EARLIER, OTHERS, PLACED, RESULT, RESULTS, WORTH_SQL
from lifecycle.results.store.reconciliation import Reconciliation, read_account
from lifecycle.results.store.sorted_stream import Chunks, row_groups

MEMORY_MB = 64
KEPT = 2  # merged results kept in a folder: the newest, and one that may still be read


def merged(folder: Path, children: Sequence[Path]) -> ResultTable:
    """The result of a run and its children (oldest first), in the parent's rows and order.

    Children without results are left out for now. The merged file is made once for every state of the runs, and lies
    in the parent's folder. Raises NotFound while the parent has no results.
    """
    runs = [folder, *(child for child in children if (child / RESULTS).exists())]
    if len(runs) == 1 or not (folder / RESULTS).exists():
        return ResultTable(folder)
    home = folder / "merged" / _fingerprint(runs)
    if not home.exists():
        _build(runs, home)
    return ResultTable(folder, home)


def _fingerprint(runs: Sequence[Path]) -> str:
    """A name for these results as they are now."""
    facts = [(run.name, (stat := (run / RESULTS).stat()).st_mtime_ns, stat.st_size) for run in runs]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _build(runs: Sequence[Path], home: Path) -> None:
    """Write the merged files into a folder that appears under its name when it is whole."""
    home.parent.mkdir(exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".building-", dir=home.parent))
    try:
        with sql.connect(MEMORY_MB, work / "spill") as db:
            _choose(db, runs)
            _write_rows(db, runs, work)
            _write_others(db, runs, work)
        with suppress(OSError):  # another process was faster: what it made is the same
            work.rename(home)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        malloc.give_back()
    made = sorted((path for path in home.parent.iterdir() if path.name[0] != "."), key=lambda p: p.stat().st_mtime_ns)
    for stale in made[:-KEPT]:
        shutil.rmtree(stale, ignore_errors=True)


def _choose(db: sql.Connection, runs: Sequence[Path]) -> None:
    """Table `rows`: for keys that a child has, every run's row, under the parent's `n`, and whether it is shown."""
    passes = max(pq.read_metadata(run / RESULTS).num_rows for run in runs) // PASS_ROWS + 1
    columns = f"key, n AS own_n, attempts, {WORTH_SQL} AS worth"
    db.execute("CREATE TEMP TABLE rows (n BIGINT, run INTEGER, own_n BIGINT, attempts INTEGER, shown BOOLEAN)")
    for number in range(passes):
        slices = [f"{sql.parquet(run / RESULTS)} WHERE hash(key) % {passes} = {number}" for run in runs]
        asked = " UNION ALL ".join(f"SELECT {n} AS run, {columns} FROM {part}" for n, part in enumerate(slices) if n)
        db.execute(f"CREATE OR REPLACE TEMP TABLE asked AS {asked}")
        db.execute(f"INSERT INTO asked SELECT 0, {columns} FROM {slices[0]} AND key IN (SELECT key FROM asked)")
        db.execute(
            """INSERT INTO rows SELECT p.own_n, a.run, a.own_n, sum(a.attempts) OVER (PARTITION BY a.key),
                row_number() OVER (PARTITION BY a.key ORDER BY a.worth DESC, a.run DESC) = 1
                FROM asked a JOIN asked p ON p.key = a.key AND p.run = 0"""
        )


def _write_rows(db: sql.Connection, runs: Sequence[Path], work: Path) -> None:
    """The parent's rows, each as the run that answered it best tells it."""
    accounts = [read_account(run / RESULTS) for run in runs]
    bases = _file_bases(accounts)
    reader = db.sql("SELECT n, run, own_n, attempts FROM rows WHERE shown ORDER BY n").to_arrow_reader(65_536)
    shown = Chunks(reader.schema, reader)
    counts: Counter[str] = Counter()
    lost = 0
    with (
        pq.ParquetFile(runs[0] / RESULTS, pre_buffer=False) as parent,
        pq.ParquetWriter(work / RESULTS, RESULT, compression="zstd", use_dictionary=[*DICTIONARY, "parsed"]) as writer,
        sql.connect(MEMORY_MB, work / "spill") as other_db,
    ):
        for batch in row_groups(parent):
            if batch.num_rows:
                table = batch
                places = shown.until("n", batch.column("n")[-1].as_py() + 1)
                table = _with_children(other_db, table, places, runs, bases) if places.num_rows else table
                counts.update(count_outcomes(table))
                lost += pc.sum(table.column("cache_lost")).as_py() or 0
                writer.write_table(table)
        account = _account(runs, accounts, counts, lost)
        writer.add_key_value_metadata({ACCOUNT: account.to_json()})


def _with_children(
    db: sql.Connection, table: pa.Table, places: pa.Table, runs: Sequence[Path], bases: Sequence[int]
) -> pa.Table:
    """A batch of the parent's rows, with those replaced that a child answered better."""
    index = np.arange(table.num_rows)
    at = np.searchsorted(table.column("n").to_numpy(), places.column("n").to_numpy())
    attempts = table.column("attempts").to_numpy().copy()
    attempts[at] = places.column("attempts").to_numpy()
    whose = places.column("run").to_numpy()
    parts, size = [table], table.num_rows
    for run in np.unique(whose[whose > 0]).tolist():
        mine = whose == run
        wanted = pa.table({"own_n": places.column("own_n").to_numpy()[mine], "place": np.arange(mine.sum())})
        rows = _child_rows(db, runs[run], wanted, bases[run])
        index[at[mine]] = size + np.arange(rows.num_rows)
        parts, size = [*parts, rows], size + rows.num_rows
    result = pa.concat_tables(parts).take(pa.array(index))
    for name, values in (("n", table.column("n")), ("attempts", pa.array(attempts, pa.int32()))):
        result = result.set_column(RESULT.get_field_index(name), RESULT.field(name), values)
    return result.combine_chunks()


def _child_rows(db: sql.Connection, run: Path, wanted: pa.Table, base: int) -> pa.Table:
    """A child's rows in the order of `wanted`, its files renumbered."""
    names = ", ".join(f"r.file + {base} AS file" if name == "file" else f"r.{name}" for name in RESULT.names)
    low, high = (pc.min(wanted.column("own_n")).as_py(), pc.max(wanted.column("own_n")).as_py())
    db.register("wanted", wanted)
    rows = db.sql(
        f"""SELECT {names} FROM {sql.parquet(run / RESULTS)} r JOIN wanted w ON w.own_n = r.n
            WHERE r.n BETWEEN {low} AND {high} ORDER BY w.place"""
    ).to_arrow_table()
    db.unregister("wanted")
    return rows.cast(RESULT)


def _write_others(db: sql.Connection, runs: Sequence[Path], work: Path) -> None:
    """Every line that no row shows: those of each run, and the rows that another run answered better."""
    bases = _file_bases([read_account(run / RESULTS) for run in runs])
    told = [name for name in PLACED.names if name in RESULT.names and name not in ("n", "file", "attempts")]
    with pq.ParquetWriter(work / OTHERS, PLACED, compression="zstd") as writer:
        for place, run in enumerate(runs):
            names = ", ".join(f"o.{name}" for name in told) + f", o.file + {bases[place]} AS file"
            mapped = f"(SELECT own_n, n, shown FROM rows WHERE run = {place})"
            n = "coalesce(m.n, o.n)" if place == 0 else "m.n"
            found = db.sql(
                f"""SELECT {names}, {n} AS n, kind, 1 AS attempts, NULL AS form
                    FROM {sql.parquet(run / OTHERS)} o LEFT JOIN {mapped} m ON m.own_n = o.n
                    UNION ALL SELECT {names}, m.n, {EARLIER}, 1, NULL FROM {sql.parquet(run / RESULTS)} o
                    JOIN {mapped} m ON m.own_n = o.n WHERE NOT m.shown AND o.file IS NOT NULL AND NOT o.shared"""
            ).to_arrow_reader(8192)
            for batch in found:
                writer.write_table(pa.Table.from_batches([batch]).select(PLACED.names).cast(PLACED))


def _file_bases(accounts: Sequence[Reconciliation]) -> list[int]:
    """The number of each run's first received file in the merged result."""
    return [sum(len(account.files) for account in accounts[:place]) for place in range(len(accounts))]


def _account(
    runs: Sequence[Path], accounts: Sequence[Reconciliation], counts: Mapping[str, int], lost: int
) -> Reconciliation:
    parent = accounts[0]
    missing = counts.get(Outcome.MISSING, 0)
    returned, duplicate, unmatched = (
        sum(getattr(account, name) for account in accounts) for name in ("returned", "duplicate", "unmatched")
    )
    matched = parent.sent - missing
    prices = [account.usd for account in accounts]
    fields = {field.name: field for account in reversed(accounts) for field in account.fields}
    return replace(
        parent,
        returned=returned,
        matched=matched,
        missing=missing,
        earlier=returned - duplicate - unmatched - (matched - parent.shared),
        duplicate=duplicate,
        unmatched=unmatched,
        cache_lost=lost,
        counts={outcome.value: counts[outcome] for outcome in Outcome if counts.get(outcome)},
        usage=sum((account.usage for account in accounts), Usage()),
        usd=None if None in prices else sum(price for price in prices if price is not None),
        unpriced=sum(account.unpriced for account in accounts),
        fields=tuple(fields.values()),
        notes=tuple(dict.fromkeys(note for account in accounts for note in account.notes)),
        files=tuple(
            Path(os.path.relpath(run / name, runs[0])).as_posix()
            for run, account in zip(runs, accounts, strict=True)
            for name in account.files
        ),
    )
