"""Part of a run's rows, by key: for retries, for rows whose cache was lost, and for shards sent without a cache."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from lifecycle.core import malloc
from lifecycle.requests.request_file import line_reader, open_requests


class _KeyedLine(msgspec.Struct):
    key: str


_decode = msgspec.json.Decoder(_KeyedLine).decode


def key_of_line(line: bytes) -> str:
    """The key of one request's line."""
    return _decode(line).key


def keys_in_file(path: Path) -> Iterator[str]:
    """The keys of a requests file, in its order."""
    with open_requests(path) as lines:
        yield from map(key_of_line, lines)


def lines_for_keys(path: Path, keys: Collection[str]) -> Iterator[bytes]:
    """The lines with these keys, in the file's order."""
    with open_requests(path) as lines:
        yield from (line for line in lines if key_of_line(line) in keys)


def copy_lines(source: Path, keys: Collection[str], target: Path, *, on_disk: bool = False) -> tuple[int, int]:
    """Write the lines with these keys, in the source's order; returns (rows, bytes as sent). Appears whole or not at
    all.

    With `on_disk` they are copied as they lie there; what rows share has to be linked beside them.
    """
    part = target.with_suffix(".part")
    rows, size, whole = 0, 0, line_reader(source).whole
    with source.open("rb") as lines, part.open("wb") as out:
        for written in lines:
            line = whole(written)
            if key_of_line(line) in keys:
                out.write(written if on_disk else line)
                rows, size = rows + 1, size + len(line)
    part.replace(target)
    return rows, size


def copy_inputs(source: Path, keys: Collection[str], target: Path) -> None:
    """Write the rows of an inputs.parquet with these keys, numbered anew in the same order."""
    n = 0
    with (
        pq.ParquetFile(source, pre_buffer=False) as source_file,
        pq.ParquetWriter(target, source_file.schema_arrow) as out,
    ):
        for batch in source_file.iter_batches(10_000, use_threads=False):
            matching = batch.filter(pa.array([key in keys for key in batch.column("key").to_pylist()], pa.bool_()))
            numbers = pa.array(range(n, n + matching.num_rows), pa.int64())
            out.write_batch(matching.set_column(matching.schema.get_field_index("n"), "n", numbers))
            n += matching.num_rows
    malloc.release_free_memory()
