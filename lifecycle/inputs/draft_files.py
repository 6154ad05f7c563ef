"""The two files of a draft: requests.jsonl, one line a good row, and inputs.parquet, what a person knows of each.

Both are written side by side in batches, whatever the size, and keys are made unique at the end: hashes of all keys
are kept (8 bytes each), and only where two are equal are the keys themselves compared.
"""

from __future__ import annotations

import shutil
import tempfile
from array import array
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from batch.requests.row_checker import CheckedRow
from lifecycle.core.run_files import INPUTS, REQUESTS, SOURCE
from lifecycle.inputs.columns.blank_cells import text_buffers
from lifecycle.inputs.columns.request_blocks import RequestBlock
from lifecycle.inputs.json_fields import OwnFields

FLUSH_ROWS = 8192
FLUSH_BYTES = 2_000_000
ROW_COLUMNS = (("n", pa.int64()), ("key", pa.string()), ("prompt", pa.string()), ("line", pa.int64()))
LONG_PAGE_BYTES = 16 << 20  # so that what prompts have in common is found again
SLICE_ROWS = 1 << 20
COMPARE_MB = 120

Flags = npt.NDArray[np.bool_]
Lines = npt.NDArray[np.int64]


class DuplicateKey(NamedTuple):
    """A row whose key an earlier row has."""

    line: int
    key: str
    first_line: int


class DraftWriter:
    """Takes good rows in input order. Nothing is visible under the final names before `publish`."""

    def __init__(
        self, folder: Path, source_columns: pa.Schema, *, unique_keys: bool = False, long_prompts: bool = False
    ) -> None:
        """With `unique_keys`, all keys are made by the caller, each once. `long_prompts` have long texts in common."""
        self._folder = folder
        self._unique_keys = unique_keys
        self._schema = pa.schema([*ROW_COLUMNS, *source_columns])
        self._requests = (folder / f"{REQUESTS}.part").open("wb")
        self._inputs = pq.ParquetWriter(
            folder / f"{INPUTS}.part",
            self._schema,
            compression={name: "zstd" if long_prompts and name == "prompt" else "lz4" for name in self._schema.names},
            data_page_size=LONG_PAGE_BYTES if long_prompts else None,
            use_dictionary=source_columns.names,
            write_statistics=["n"],
        )
        self._long_prompts = long_prompts
        self._pending: list[CheckedRow] = []
        self._pending_bytes = 0
        self._thread = ThreadPoolExecutor(1, "draft")
        self._write_job: Future[None] | None = None
        self._hashes = array("q")
        self._generated = bytearray()
        self.rows = 0

    def add(self, row: CheckedRow) -> None:
        """Take one row, its line and key complete."""
        self._pending.append(row)
        self._pending_bytes += len(row.line)

    @property
    def full(self) -> bool:
        return self._pending_bytes >= FLUSH_BYTES or len(self._pending) >= FLUSH_ROWS

    def flush(self, source_columns: list[pa.Array] | None = None) -> None:
        """Write what was taken; `source_columns` holds the table's own columns of exactly these rows.

        The writing goes on beside the reading, one batch behind at most; what goes wrong shows at the next call.
        """
        if not self._pending:
            return
        pending, self._pending, self._pending_bytes = self._pending, [], 0
        start, self.rows = self.rows, self.rows + len(pending)
        self._join_writer()
        self._write_job = self._thread.submit(self._write, pending, start, source_columns or [])

    def add_block(self, block: RequestBlock, lines: Lines, generated: Flags, source_columns: list[pa.Array]) -> None:
        """Write many rows at once. What was taken before has to be flushed."""
        start, self.rows = self.rows, self.rows + len(lines)
        self._join_writer()
        self._write_job = self._thread.submit(self._write_block, block, start, lines, generated, source_columns)

    def _join_writer(self) -> None:
        if self._write_job is not None:
            self._write_job.result()
            self._write_job = None

    def _write(self, pending: list[CheckedRow], start: int, source_columns: list[pa.Array]) -> None:
        keys = [row.key for row in pending]
        self._requests.write(b"\n".join([row.line for row in pending]))
        self._requests.write(b"\n")
        columns = [
            pa.array(keys, pa.string()),
            pa.array([row.prompt for row in pending], pa.string()),
            pa.array([row.number for row in pending], pa.int64()),
            *source_columns,
        ]
        self._write_columns(start, columns, bytes(row.key_generated for row in pending))

    def _write_block(
        self, block: RequestBlock, start: int, lines: Lines, generated: Flags, source_columns: list[pa.Array]
    ) -> None:
        _, data = text_buffers(block.lines)
        self._requests.write(data.data)
        columns = [block.keys, block.prompts, pa.array(lines), *source_columns]
        self._write_columns(start, columns, generated.tobytes())

    def _write_columns(self, start: int, columns: list[pa.Array], generated: bytes) -> None:
        numbers = pa.array(np.arange(start, start + len(generated)))
        self._inputs.write_batch(pa.RecordBatch.from_arrays([numbers, *columns], schema=self._schema))
        if not self._unique_keys:
            self._hashes.extend(map(hash, columns[0].to_pylist()))
        self._generated.extend(generated)

    def close(self) -> None:
        """Write out what is under way. Raises what went wrong with it."""
        try:
            self._join_writer()
        finally:
            self._thread.shutdown()
            self._requests.close()
            self._inputs.close()

    def resolve_duplicates(self, max_listed: int) -> tuple[int, list[DuplicateKey]]:
        """Leave out rows that repeat a key, after the first; generated keys give way instead.

        Returns how many were left out, and the first `max_listed` of them. To be called once, after `close`.
        """
        dropped, duplicate_keys, attempt = 0, list[DuplicateKey](), 2
        while (suspects := _suspects(np.frombuffer(self._hashes, np.int64))) is not None:
            generated = np.frombuffer(bytes(self._generated), bool)
            duplicate_rows, listed = _find_duplicates(
                self._folder / f"{INPUTS}.part", suspects, generated[suspects], max_listed
            )
            if not len(duplicate_rows):
                break
            dropped_rows = np.zeros(self.rows, bool)
            dropped_rows[duplicate_rows] = True
            dropped += int(np.count_nonzero(dropped_rows & ~generated))
            duplicate_keys = duplicate_keys or listed
            self._hashes = array("q")
            self._rewrite(dropped_rows, generated, attempt)
            if not (dropped_rows & generated).any():
                break
            attempt += 1
        return dropped, duplicate_keys

    def _rewrite(self, dropped_rows: Flags, generated: Flags, attempt: int) -> None:
        """Copy both files; of the beaten rows, those with a made key get another, the rest is left out."""
        for name in (REQUESTS, INPUTS):
            (self._folder / f"{name}.part").replace(self._folder / f"{name}.old")
        copy = DraftWriter(
            self._folder,
            pa.schema([self._schema.field(n) for n in range(len(ROW_COLUMNS), len(self._schema))]),
            long_prompts=self._long_prompts,
        )
        try:
            with (self._folder / f"{REQUESTS}.old").open("rb") as lines:
                start = 0
                for batch in _batches(self._folder / f"{INPUTS}.old"):
                    end = start + batch.num_rows
                    _copy(batch, lines, copy, dropped_rows[start:end], generated[start:end], attempt)
                    start = end
            copy.close()
        except BaseException:
            copy.discard()
            raise
        for name in (REQUESTS, INPUTS):
            (self._folder / f"{name}.old").unlink()
        self._hashes, self._generated, self.rows = copy._hashes, copy._generated, copy.rows

    def append_columns(self, own_fields: OwnFields) -> None:
        """Give the rows what their lines have beside the requests. To be called after `resolve_duplicates`."""
        own_fields.append_to(self._folder / f"{INPUTS}.part")

    def publish(self) -> None:
        """Give both files their names."""
        for name in (INPUTS, REQUESTS):
            (self._folder / f"{name}.part").replace(self._folder / name)

    def discard(self) -> None:
        """Remove what was written. May be called at any time."""
        with suppress(OSError):
            self.close()
        for name in (INPUTS, REQUESTS):
            for suffix in ("part", "old"):
                (self._folder / f"{name}.{suffix}").unlink(missing_ok=True)


def _copy(
    batch: pa.RecordBatch, lines: BinaryIO, copy: DraftWriter, dropped_rows: Flags, generated: Flags, attempt: int
) -> None:
    """Copy one batch of rows and their lines; see `DraftWriter._rewrite`."""
    columns = (batch.column(n).to_pylist() for n in (1, 2, 3))
    for key, prompt, number, is_duplicate, is_generated in zip(
        *columns, dropped_rows.tolist(), generated.tolist(), strict=True
    ):
        line = lines.readline().rstrip(b"\n")
        if is_duplicate and not is_generated:
            continue
        if is_duplicate:
            request = line[len(request_line(key, b"")) - 1 : -1]
            key = f"{'-'.join(key.split('-')[:2])}-{attempt}"
            line = request_line(key, request)
        copy.add(CheckedRow(key, prompt, b"", line, number=number, key_generated=is_generated))
    copy.flush(batch.filter(pa.array(~dropped_rows | generated)).columns[len(ROW_COLUMNS) :])


def request_line(key: str, request: bytes) -> bytes:
    """The line of a request under a key."""
    return b'{"key":' + msgspec.json.encode(key) + b',"request":' + request + b"}"


def keep_source(source: Path | str, folder: Path) -> None:
    """Keep a table as it was given, pasted text as UTF-8; a file of the user's may change later, so it is copied."""
    if isinstance(source, str):
        (folder / SOURCE).write_bytes(source.encode("utf-8", "surrogatepass"))
    else:
        shutil.copyfile(source, folder / SOURCE)


def first_rows(folder: Path, rows: int) -> list[tuple[str, str]]:
    """Key and prompt of a draft's first rows."""
    pairs: list[tuple[str, str]] = []
    for batch in _batches(folder / INPUTS, max(1, min(rows, FLUSH_ROWS))):
        pairs += zip(batch.column(1).to_pylist(), batch.column(2).to_pylist(), strict=True)
        if len(pairs) >= rows:
            break
    return pairs[:rows]


def _batches(path: Path, rows: int = FLUSH_ROWS) -> Iterator[pa.RecordBatch]:
    """One row group after another, as they were written."""
    with pq.ParquetFile(path, pre_buffer=False) as file:
        for group in range(file.num_row_groups):
            yield from file.iter_batches(batch_size=rows, row_groups=[group])


def _suspects(hashes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64] | None:
    """The rows whose key's hash another row has; None if there are none."""
    ordered = np.sort(hashes)
    repeated = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    del ordered
    if not len(repeated):
        return None
    is_suspect = np.zeros(len(hashes), bool)
    for start in range(0, len(hashes), SLICE_ROWS):
        part = hashes[start : start + SLICE_ROWS]
        nearest = np.searchsorted(repeated, part).clip(max=len(repeated) - 1)
        is_suspect[start : start + SLICE_ROWS] = repeated[nearest] == part
    return np.flatnonzero(is_suspect)


def _find_duplicates(
    inputs: Path, suspects: npt.NDArray[np.int64], generated: Flags, max_listed: int
) -> tuple[npt.NDArray[np.int64], list[DuplicateKey]]:
    """Of rows with equal hashes, those that must yield: all but the first of a key, generated keys last."""
    from lifecycle.results.store.sql import connect  # few inputs have two keys of one hash

    source = str(inputs).replace("'", "''")
    with tempfile.TemporaryDirectory(dir=inputs.parent) as spill, connect(COMPARE_MB, Path(spill)) as db:
        db.register("suspects", pa.table({"n": suspects, "made": generated}))
        db.execute(
            f"""CREATE TEMP TABLE losers AS SELECT n, line, key, made, first_line FROM (
                    SELECT n, line, key, made, first_value(line) OVER w AS first_line, row_number() OVER w AS place
                    FROM read_parquet('{source}') JOIN suspects USING (n)
                    WINDOW w AS (PARTITION BY key ORDER BY made, n)) WHERE place > 1"""
        )
        duplicate_rows = db.execute("SELECT n FROM losers ORDER BY n").fetchnumpy()["n"]
        listed = db.execute("SELECT line, key, first_line FROM losers WHERE NOT made ORDER BY n LIMIT ?", [max_listed])
        return np.asarray(duplicate_rows, np.int64), [DuplicateKey(*row) for row in listed.fetchall()]
