"""Part of a run's rows, by key: for retries, for rows whose cache was lost, and for shards sent without a cache."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from lifecycle.core import malloc


class _KeyedLine(msgspec.Struct):
    key: str


_decode = msgspec.json.Decoder(_KeyedLine).decode


def key_of_line(line: bytes) -> str:
    """The key of one request's line."""
    return _decode(line).key


def keys_in_file(path: Path) -> Iterator[str]:
    """The keys of a requests file, in its order."""
    with path.open("rb") as lines:
        yield from map(key_of_line, lines)


def lines_for_keys(path: Path, keys: Collection[str]) -> Iterator[bytes]:
    """The lines with these keys, in the file's order."""
    with path.open("rb") as lines:
        yield from (line for line in lines if key_of_line(line) in keys)


def copy_lines(source: Path, keys: Collection[str], target: Path) -> tuple[int, int]:
    """Write the lines with these keys, in the source's order; returns (rows, bytes). Appears whole or not at all."""
    part = target.with_suffix(".part")
    rows = size = 0
    with part.open("wb") as out:
        for line in lines_for_keys(source, keys):
            out.write(line)
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
