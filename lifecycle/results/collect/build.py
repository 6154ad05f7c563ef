"""Collecting: every line received is joined to the row it answers, by key only, and written in input order.

`results.parquet` has one row per row of `inputs.parquet`, in the same order, whatever came back in whatever order.
`others.parquet` holds every other line: duplicates, earlier attempts, and lines that fit no row.

Lines that did not arrive in input order are dealt into buckets of neighbouring rows on disk, and each bucket is
sorted by itself. So memory is that of one bucket, whatever the size of the run. (Sorting whole answers in DuckDB
was tried: with 100 MB it fails.)
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lifecycle.core import malloc
from lifecycle.results.collect.counters import Tally
from lifecycle.results.collect.match_rows import write_places
from lifecycle.results.collect.parse_lines import Price, write_lines
from lifecycle.results.collect.response_schemas import Forms
from lifecycle.results.collect.write_results import write_results
from lifecycle.results.store.columns import EARLIER, INPUTS, OTHERS, PLACED, PLACES, REQUESTS, RESULTS
from lifecycle.results.store.reconciliation import Reconciliation
from lifecycle.results.store.sorted_stream import Chunks

BATCH_BYTES, BATCH_ROWS = 8_000_000, 10_000
BUCKET_BYTES, BUCKET_ROWS = 12_000_000, 64
BUCKETS = 256  # at most: each is an open file


def build(
    folder: Path,
    *,
    received: list[Path],
    price: Price,
    schema: dict[str, Any] | None = None,
    memory_mb: int = 64,
) -> Reconciliation:
    """Account for every row of a run's folder and write its results; safe to repeat after a crash.

    `received` are the files of result lines, named `<attempt>-<shard>.jsonl`; `price` prices one row's usage;
    `schema` is the response schema of requests that name none.
    Both files are written aside and renamed into place, results last: a reader sees the old or the new, whole.
    """
    for stale in folder.glob(".building-*"):
        shutil.rmtree(stale, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=folder) as name:
        work = Path(name)
        returned = write_lines(received, work / "wide.arrows", work / "narrow.parquet", price)
        forms = Forms(schema)
        forms.scan(folder / REQUESTS, work / "forms.parquet")
        ordered = write_places(
            folder,
            work / "narrow.parquet",
            forms.by_key,
            work / "places.arrows",
            lines=returned,
            memory_mb=memory_mb,
            spill=work / "spill",
        )
        tally = Tally(tuple(path.relative_to(folder).as_posix() for path in received))
        lines = _placed_lines(work, tally)
        rows = pq.read_metadata(folder / INPUTS).num_rows
        size = sum(path.stat().st_size for path in received) / max(rows, 1)  # bytes a row
        if not ordered:
            lines = _sorted(_deal(lines, work, max(BUCKET_ROWS, rows // BUCKETS + 1, _fitting(BUCKET_BYTES, size))))
        batch_rows = min(BATCH_ROWS, max(1, _fitting(BATCH_BYTES, size)))
        account = write_results(folder / INPUTS, lines, work / RESULTS, tally, forms, batch_rows)
        (work / OTHERS).replace(folder / OTHERS)
        (work / RESULTS).replace(folder / RESULTS)
    malloc.give_back()
    return account


def _fitting(limit: int, size: float) -> int:
    """Rows of `size` bytes that fit into `limit`."""
    return int(limit / max(size, 1))


def _placed_lines(work: Path, tally: Tally) -> Iterator[pa.Table]:
    """The lines that rows keep, in the order received, with their places; the others go to OTHERS on the way."""
    start = 0
    with (
        pa.OSFile(str(work / "places.arrows")) as places,
        pa.OSFile(str(work / "wide.arrows")) as file,
        pa.ipc.open_stream(file) as wide,
        pq.ParquetWriter(work / OTHERS, PLACED, compression="zstd") as others,
    ):
        stream = Chunks(PLACES, pa.ipc.open_stream(places))
        for batch in wide:
            placed = _placed(batch, stream.until("seq", start + batch.num_rows), start)
            start += batch.num_rows
            tally.lines(placed)
            other = np.asarray(placed.column("kind")) >= EARLIER
            if other.any():
                others.write_batch(placed.filter(pa.array(other)))
            if not other.all():
                yield pa.Table.from_batches([placed.filter(pa.array(~other))])


def _placed(batch: pa.RecordBatch, places: pa.Table, start: int) -> pa.RecordBatch:
    """A batch of lines with the place of each; a line that answers several rows is repeated."""
    index = places.column("seq").to_numpy() - start
    rows = batch if len(index) == batch.num_rows else batch.take(pa.array(index))
    columns = [*rows.columns, *(places.column(name).combine_chunks() for name in PLACES.names[1:])]
    return pa.record_batch(columns, schema=PLACED)


def _deal(rows: Iterator[pa.Table], work: Path, bucket_rows: int) -> list[Path]:
    """Deal rows' lines into buckets of `bucket_rows` neighbouring rows each; returns the buckets in input order."""
    writers: dict[int, pa.ipc.RecordBatchStreamWriter] = {}
    for table in rows:
        bucket = table.column("n").to_numpy() // bucket_rows
        order = np.argsort(bucket, kind="stable")
        numbers, starts = np.unique(bucket[order], return_index=True)
        ordered = table.take(pa.array(order)).combine_chunks()
        for number, start, end in zip(numbers.tolist(), starts, [*starts[1:], len(order)], strict=True):
            if number not in writers:
                writers[number] = pa.ipc.new_stream(str(work / f"bucket-{number}.arrows"), PLACED)
            writers[number].write_table(ordered.slice(start, end - start))
    for writer in writers.values():
        writer.close()
    return [work / f"bucket-{number}.arrows" for number in sorted(writers)]


def _sorted(buckets: list[Path]) -> Iterator[pa.Table]:
    """The buckets' rows in input order."""
    for path in buckets:
        with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
            table = reader.read_all()
        path.unlink()
        n = table.column("n").to_numpy()
        yield table if np.all(n[1:] > n[:-1]) else table.take(pa.array(np.argsort(n)))
