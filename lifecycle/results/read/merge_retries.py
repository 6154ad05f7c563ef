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
from lifecycle.core.run_files import OTHERS, RESULTS
from lifecycle.results.collect.counters import count_outcomes, count_reused
from lifecycle.results.collect.match_rows import PASS_ROWS
from lifecycle.results.read.table import ResultTable, open_table
from lifecycle.results.store import sql
from lifecycle.results.store.columns import (
    DICTIONARY_COLUMNS,
    EXTRA_COLUMNS,
    OTHERS_SCHEMA,
    RANK_SQL,
    RECONCILIATION_KEY,
    RESULT_SCHEMA,
    SUPERSEDED,
    with_all_columns,
)
from lifecycle.results.store.reconciliation import Reconciliation, read_reconciliation
from lifecycle.results.store.sorted_stream import SortedStream, row_groups

MEMORY_MB = 64
MAX_KEPT = 2  # merged results kept in a folder: the newest, and one that may still be read


def merge_retries(folder: Path, children: Sequence[Path]) -> ResultTable:
    """The result of a run and its children (oldest first), in the parent's rows and order.

    Children without results are left out for now. The merged file is made once for every state of the runs, and lies
    in the parent's folder. Raises NotFound while the parent has no results.
    """
    runs = [folder, *(child for child in children if (child / RESULTS).exists())]
    if len(runs) == 1 or not (folder / RESULTS).exists():
        return open_table(folder)
    results_dir = folder / "merged" / _fingerprint(runs)
    if not results_dir.exists():
        _build_merged(runs, results_dir)
    return open_table(folder, results_dir)


def _fingerprint(runs: Sequence[Path]) -> str:
    """A name for these results as they are now."""
    file_states = [(run.name, (stat := (run / RESULTS).stat()).st_mtime_ns, stat.st_size) for run in runs]
    return hashlib.sha256(repr(file_states).encode()).hexdigest()[:16]


def _build_merged(runs: Sequence[Path], results_dir: Path) -> None:
    """Write the merged files into a folder that appears under its name when it is whole."""
    results_dir.parent.mkdir(exist_ok=True)
    work_dir = Path(tempfile.mkdtemp(prefix=".building-", dir=results_dir.parent))
    try:
        with sql.connect(MEMORY_MB, work_dir / "spill") as db:
            _pick_best(db, runs)
            _write_rows(db, runs, work_dir)
            _write_others(db, runs, work_dir)
        with suppress(OSError):  # another process was faster: what it made is the same
            work_dir.rename(results_dir)
    finally:
        shutil.rmtree(work_dir, ignore_errors=True)
        malloc.release_free_memory()
    existing = sorted(
        (path for path in results_dir.parent.iterdir() if path.name[0] != "."), key=lambda p: p.stat().st_mtime_ns
    )
    for stale in existing[:-MAX_KEPT]:
        shutil.rmtree(stale, ignore_errors=True)


def _pick_best(db: sql.Connection, runs: Sequence[Path]) -> None:
    """Table `rows`: for keys that a child has, every run's row, under the parent's `n`, and whether it is shown."""
    passes = max(pq.read_metadata(run / RESULTS).num_rows for run in runs) // PASS_ROWS + 1
    columns = f"key, n AS own_n, attempts, {RANK_SQL} AS worth"
    db.execute("CREATE TEMP TABLE rows (n BIGINT, run INTEGER, own_n BIGINT, attempts INTEGER, shown BOOLEAN)")
    for number in range(passes):
        slices = [f"{sql.parquet(run / RESULTS)} WHERE hash(key) % {passes} = {number}" for run in runs]
        child_rows_sql = " UNION ALL ".join(
            f"SELECT {n} AS run, {columns} FROM {part}" for n, part in enumerate(slices) if n
        )
        db.execute(f"CREATE OR REPLACE TEMP TABLE asked AS {child_rows_sql}")
        db.execute(f"INSERT INTO asked SELECT 0, {columns} FROM {slices[0]} AND key IN (SELECT key FROM asked)")
        db.execute(
            """INSERT INTO rows SELECT p.own_n, a.run, a.own_n, sum(a.attempts) OVER (PARTITION BY a.key),
                row_number() OVER (PARTITION BY a.key ORDER BY a.worth DESC, a.run DESC) = 1
                FROM asked a JOIN asked p ON p.key = a.key AND p.run = 0"""
        )


def _write_rows(db: sql.Connection, runs: Sequence[Path], work_dir: Path) -> None:
    """The parent's rows, each as the run that answered it best tells it."""
    reconciliations = [read_reconciliation(run / RESULTS) for run in runs]
    bases = _file_bases(reconciliations)
    reader = db.sql("SELECT n, run, own_n, attempts FROM rows WHERE shown ORDER BY n").to_arrow_reader(65_536)
    shown_rows = SortedStream(reader.schema, reader)
    counts: Counter[str] = Counter()
    cache_lost = reused = 0
    with (
        pq.ParquetFile(runs[0] / RESULTS, pre_buffer=False) as parent,
        pq.ParquetWriter(
            work_dir / RESULTS, RESULT_SCHEMA, compression="zstd", use_dictionary=[*DICTIONARY_COLUMNS, "parsed"]
        ) as writer,
        sql.connect(MEMORY_MB, work_dir / "spill") as other_db,
    ):
        for batch in row_groups(parent):
            if batch.num_rows:
                table = with_all_columns(batch, RESULT_SCHEMA)
                matches = shown_rows.read_until("n", batch.column("n")[-1].as_py() + 1)
                table = _with_children(other_db, table, matches, runs, bases) if matches.num_rows else table
                counts.update(count_outcomes(table))
                cache_lost += pc.sum(table.column("cache_lost")).as_py() or 0
                reused += count_reused(table, reconciliations[0].files)
                writer.write_table(table)
        merged = _merged_reconciliation(runs, reconciliations, counts, cache_lost)
        reconciliation = replace(merged, reused=reused)
        writer.add_key_value_metadata({RECONCILIATION_KEY: reconciliation.to_json()})


def _with_children(
    db: sql.Connection, table: pa.Table, matches: pa.Table, runs: Sequence[Path], bases: Sequence[int]
) -> pa.Table:
    """A batch of the parent's rows, with those replaced that a child answered better."""
    index = np.arange(table.num_rows)
    positions = np.searchsorted(table.column("n").to_numpy(), matches.column("n").to_numpy())
    attempts = table.column("attempts").to_numpy().copy()
    attempts[positions] = matches.column("attempts").to_numpy()
    run_numbers = matches.column("run").to_numpy()
    parts, size = [table], table.num_rows
    for run in np.unique(run_numbers[run_numbers > 0]).tolist():
        in_run = run_numbers == run
        wanted_rows = pa.table({"own_n": matches.column("own_n").to_numpy()[in_run], "place": np.arange(in_run.sum())})
        rows = _child_rows(db, runs[run], wanted_rows, bases[run])
        index[positions[in_run]] = size + np.arange(rows.num_rows)
        parts, size = [*parts, rows], size + rows.num_rows
    result = pa.concat_tables(parts).take(pa.array(index))
    for name, values in (("n", table.column("n")), ("attempts", pa.array(attempts, pa.int32()))):
        result = result.set_column(RESULT_SCHEMA.get_field_index(name), RESULT_SCHEMA.field(name), values)
    return result.combine_chunks()


def _child_rows(db: sql.Connection, run: Path, wanted_rows: pa.Table, base: int) -> pa.Table:
    """A child's rows in the order of `wanted`, its files renumbered."""
    names = ", ".join(f"r.file + {base} AS file" if name == "file" else f"r.{name}" for name in RESULT_SCHEMA.names)
    low, high = (pc.min(wanted_rows.column("own_n")).as_py(), pc.max(wanted_rows.column("own_n")).as_py())
    db.register("wanted", wanted_rows)
    rows = db.sql(
        f"""SELECT {names} FROM {sql.parquet_with(run / RESULTS, RESULT_SCHEMA)} r JOIN wanted w ON w.own_n = r.n
            WHERE r.n BETWEEN {low} AND {high} ORDER BY w.place"""
    ).to_arrow_table()
    db.unregister("wanted")
    return rows.cast(RESULT_SCHEMA)


def _write_others(db: sql.Connection, runs: Sequence[Path], work_dir: Path) -> None:
    """Every line that no row shows: those of each run, and the rows that another run answered better."""
    bases = _file_bases([read_reconciliation(run / RESULTS) for run in runs])
    line_fields = [
        field
        for field in OTHERS_SCHEMA
        if field.name in RESULT_SCHEMA.names and field.name not in ("n", "file", "attempts")
    ]
    with pq.ParquetWriter(work_dir / OTHERS, OTHERS_SCHEMA, compression="zstd") as writer:
        for run_number, run in enumerate(runs):
            names = ", ".join(f"o.{field.name}" for field in line_fields) + f", o.file + {bases[run_number]} AS file"
            mapped = f"(SELECT own_n, n, shown FROM rows WHERE run = {run_number})"
            n = "coalesce(m.n, o.n)" if run_number == 0 else "m.n"
            reader = db.sql(
                f"""SELECT {names}, {n} AS n, kind, 1 AS attempts, NULL AS form
                    FROM {sql.parquet_with(run / OTHERS, line_fields)} o LEFT JOIN {mapped} m ON m.own_n = o.n
                    UNION ALL SELECT {names}, m.n, {SUPERSEDED}, 1, NULL
                    FROM {sql.parquet_with(run / RESULTS, line_fields)} o
                    JOIN {mapped} m ON m.own_n = o.n WHERE NOT m.shown AND o.file IS NOT NULL AND NOT o.shared"""
            ).to_arrow_reader(8192)
            for batch in reader:
                writer.write_table(pa.Table.from_batches([batch]).select(OTHERS_SCHEMA.names).cast(OTHERS_SCHEMA))


def _file_bases(reconciliations: Sequence[Reconciliation]) -> list[int]:
    """The number of each run's first received file in the merged result."""
    return [
        sum(len(reconciliation.files) for reconciliation in reconciliations[:run_number])
        for run_number in range(len(reconciliations))
    ]


def _merged_reconciliation(
    runs: Sequence[Path], reconciliations: Sequence[Reconciliation], counts: Mapping[str, int], cache_lost: int
) -> Reconciliation:
    parent = reconciliations[0]
    missing = counts.get(Outcome.MISSING, 0)
    returned, duplicate, unmatched = (
        sum(getattr(reconciliation, name) for reconciliation in reconciliations)
        for name in ("returned", "duplicate", "unmatched")
    )
    matched = parent.sent - missing
    prices = [reconciliation.usd for reconciliation in reconciliations]
    fields = {field.name: field for reconciliation in reversed(reconciliations) for field in reconciliation.fields}
    return replace(
        parent,
        returned=returned,
        matched=matched,
        missing=missing,
        earlier=returned - duplicate - unmatched - (matched - parent.shared),
        duplicate=duplicate,
        unmatched=unmatched,
        cache_lost=cache_lost,
        counts={outcome.value: counts[outcome] for outcome in Outcome if counts.get(outcome)},
        usage=sum((reconciliation.usage for reconciliation in reconciliations), Usage()),
        usd=None if None in prices else sum(price for price in prices if price is not None),
        unpriced=sum(reconciliation.unpriced for reconciliation in reconciliations),
        fields=tuple(fields.values()),
        notes=tuple(dict.fromkeys(note for reconciliation in reconciliations for note in reconciliation.notes)),
        files=tuple(
            Path(os.path.relpath(run / name, runs[0])).as_posix()
            for run, reconciliation in zip(runs, reconciliations, strict=True)
            for name in reconciliation.files
        ),
        extras=tuple(name for name in EXTRA_COLUMNS if any(name in account.extras for account in reconciliations)),
    )
