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
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from batch.kinds.kind import RequestKind
from batch.kinds.text import TEXT
from lifecycle.core import malloc
from lifecycle.core.draft_links import whole_requests
from lifecycle.core.run_files import INPUTS, OTHERS, RESULTS, VECTORS
from lifecycle.results.collect.counters import Counters
from lifecycle.results.collect.match_rows import write_matches
from lifecycle.results.collect.parse_lines import Price, parse_files
from lifecycle.results.collect.picture_files import PictureFiles
from lifecycle.results.collect.response_schemas import ResponseSchemas
from lifecycle.results.collect.vector_store import VectorStore
from lifecycle.results.collect.write_results import write_results
from lifecycle.results.store.columns import MATCH_SCHEMA, MATCHED_LINE_SCHEMA, OTHERS_SCHEMA, SUPERSEDED
from lifecycle.results.store.reconciliation import Reconciliation
from lifecycle.results.store.sorted_stream import SortedStream

BATCH_BYTES, BATCH_ROWS = 8_000_000, 10_000
BUCKET_BYTES, BUCKET_ROWS = 12_000_000, 64
BUCKETS = 256  # at most: each is an open file


def build_results(
    folder: Path,
    *,
    received: list[Path],
    price: Price,
    schema: dict[str, Any] | None = None,
    kind: RequestKind = TEXT,
    search_priced: bool = True,
    memory_mb: int = 64,
    cancelled: Collection[Path] = (),
    vector_facts: Mapping[str, str] | None = None,
    reused: Collection[Path] = (),
    vector_input_limit: int | None = None,
) -> Reconciliation:
    """Account for every row of a run's folder and write its results; safe to repeat after a crash.

    `received` are the files of result lines, named `<attempt>-<shard>.jsonl`; `price` prices one row's usage;
    `schema` is the response schema of requests that name none, `kind` what the requests are.
    `cancelled` are those of the received files whose job we asked to be cancelled.
    `vector_facts` are kept with embeddings: their model and task. `reused` are those of the received files that are
    from earlier runs, whose bill they are on. `vector_input_limit`: tokens that the model reads of a text.
    Without `search_priced` what web searches cost is not known, and the account says so where there were any.
    Both files are written aside and renamed into place, results last: a reader sees the old or the new, whole.
    """
    for stale in folder.glob(".building-*"):
        shutil.rmtree(stale, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=folder) as name:
        work_dir = Path(name)
        line_path, key_path = work_dir / "wide.arrows", work_dir / "narrow.parquet"
        vectors = VectorStore(work_dir / "vectors.f32") if kind.vectors else None
        payload = PictureFiles(folder) if kind.pictures else vectors
        returned = parse_files(received, line_path, key_path, price, kind.classify, cancelled, payload, reused)
        schemas = ResponseSchemas(schema, pictures=kind.pictures)
        schemas.scan(whole_requests(folder), work_dir / "forms.parquet")
        ordered = write_matches(
            folder,
            work_dir / "narrow.parquet",
            schemas.by_key,
            work_dir / "places.arrows",
            lines=returned,
            memory_mb=memory_mb,
            spill=work_dir / "spill",
        )
        counters = Counters(
            tuple(path.relative_to(folder).as_posix() for path in received),
            search_priced=search_priced,
            kind=kind.name,
            vector_input_limit=vector_input_limit if kind.vectors else None,
        )
        lines = _kept_lines(work_dir, counters)
        rows = pq.read_metadata(folder / INPUTS).num_rows
        size = sum(path.stat().st_size for path in received) / max(rows, 1)  # bytes a row
        if not ordered:
            lines = _sorted(
                _bucket_rows(lines, work_dir, max(BUCKET_ROWS, rows // BUCKETS + 1, _rows_that_fit(BUCKET_BYTES, size)))
            )
        batch_rows = min(BATCH_ROWS, max(1, _rows_that_fit(BATCH_BYTES, size)))
        reconciliation = write_results(
            folder / INPUTS, lines, work_dir / RESULTS, counters, schemas, batch_rows, vectors
        )
        if vectors is not None:
            vectors.finish(work_dir / VECTORS, folder / VECTORS, vector_facts or {})
        (work_dir / OTHERS).replace(folder / OTHERS)
        (work_dir / RESULTS).replace(folder / RESULTS)
    malloc.release_free_memory()
    return reconciliation


def _rows_that_fit(limit: int, size: float) -> int:
    """Rows of `size` bytes that fit into `limit`."""
    return int(limit / max(size, 1))


def _kept_lines(work_dir: Path, counters: Counters) -> Iterator[pa.Table]:
    """The lines that rows keep, in the order received, with their places; the others go to OTHERS on the way."""
    start = 0
    with (
        pa.OSFile(str(work_dir / "places.arrows")) as matches,
        pa.OSFile(str(work_dir / "wide.arrows")) as file,
        pa.ipc.open_stream(file) as wide,
        pq.ParquetWriter(work_dir / OTHERS, OTHERS_SCHEMA, compression="zstd") as others,
    ):
        stream = SortedStream(MATCH_SCHEMA, pa.ipc.open_stream(matches))
        for batch in wide:
            placed = _with_matches(batch, stream.read_until("seq", start + batch.num_rows), start)
            start += batch.num_rows
            counters.add_lines(placed)
            is_other = np.asarray(placed.column("kind")) >= SUPERSEDED
            if is_other.any():
                others.write_batch(placed.filter(pa.array(is_other)).select(OTHERS_SCHEMA.names))
            if not is_other.all():
                yield pa.Table.from_batches([placed.filter(pa.array(~is_other))])


def _with_matches(batch: pa.RecordBatch, matches: pa.Table, start: int) -> pa.RecordBatch:
    """A batch of lines with the place of each; a line that answers several rows is repeated."""
    index = matches.column("seq").to_numpy() - start
    rows = batch if len(index) == batch.num_rows else batch.take(pa.array(index))
    columns = [*rows.columns, *(matches.column(name).combine_chunks() for name in MATCH_SCHEMA.names[1:])]
    return pa.record_batch(columns, schema=MATCHED_LINE_SCHEMA)


def _bucket_rows(rows: Iterator[pa.Table], work_dir: Path, bucket_rows: int) -> list[Path]:
    """Deal rows' lines into buckets of `bucket_rows` neighbouring rows each; returns the buckets in input order."""
    writers: dict[int, pa.ipc.RecordBatchStreamWriter] = {}
    for table in rows:
        bucket = table.column("n").to_numpy() // bucket_rows
        order = np.argsort(bucket, kind="stable")
        numbers, starts = np.unique(bucket[order], return_index=True)
        ordered = table.take(pa.array(order)).combine_chunks()
        for number, start, end in zip(numbers.tolist(), starts, [*starts[1:], len(order)], strict=True):
            if number not in writers:
                writers[number] = pa.ipc.new_stream(str(work_dir / f"bucket-{number}.arrows"), MATCHED_LINE_SCHEMA)
            writers[number].write_table(ordered.slice(start, end - start))
    for writer in writers.values():
        writer.close()
    return [work_dir / f"bucket-{number}.arrows" for number in sorted(writers)]


def _sorted(buckets: list[Path]) -> Iterator[pa.Table]:
    """The buckets' rows in input order."""
    for path in buckets:
        with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
            table = reader.read_all()
        path.unlink()
        n = table.column("n").to_numpy()
        yield table if np.all(n[1:] > n[:-1]) else table.take(pa.array(np.argsort(n)))
