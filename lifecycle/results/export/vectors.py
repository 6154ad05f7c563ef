"""Embeddings as files for users: Parquet with keys and own columns, or a NumPy matrix with its keys beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from batch.errors import InputError
from batch.formatting import plural
from lifecycle.core.run_files import INPUTS
from lifecycle.results.export.export import ExportResult, incomplete_notes
from lifecycle.results.export.rows import source_columns
from lifecycle.results.read.table import ResultTable
from lifecycle.results.read.vectors import Matrix, VectorTable
from lifecycle.results.store.sorted_stream import SortedStream

FORMATS = ("parquet", "npy")
BATCH_ROWS = 4096


@dataclass(frozen=True)
class VectorOptions:
    """`failed_rows`: "drop" leaves rows without a vector out, "nan" fills them with NaN. `normalize`: to length one."""

    failed_rows: str = "drop"
    normalize: bool = False
    complete: bool = True


def export_vectors(table: ResultTable, path: Path, options: VectorOptions) -> ExportResult:
    """Write the vectors of a run in input order; the format is the name's. The file is there whole or not at all."""
    vectors = VectorTable(table)
    write = {"parquet": _parquet, "npy": _npy}[path.suffix.lstrip(".").lower()]
    part = path.with_name(f".{path.name}.part")
    try:
        rows = write(vectors, part, path, options)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return ExportResult(path, rows, tuple(_notes(vectors, rows, options)))


def _notes(vectors: VectorTable, rows: int, options: VectorOptions) -> Iterator[str]:
    facts = vectors.facts
    yield from incomplete_notes(vectors.table, options.complete)
    yield f"{plural(facts.count, 'vector')} of {facts.dimensions:,} numbers."
    failed = vectors.table.reconciliation.sent - facts.count
    if failed:
        done = "filled with NaN" if options.failed_rows == "nan" else "left out"
        yield f"{plural(failed, 'row has', 'rows have')} no vector, and {'is' if failed == 1 else 'are'} {done}."
    if not facts.normalised and not options.normalize:
        yield "These vectors do not have length one; --normalize makes them so."
    if facts.zero_vectors:
        yield f"{plural(facts.zero_vectors, 'vector is', 'vectors are')} all zeros, which breaks cosines."
    if rows != facts.count + (failed if options.failed_rows == "nan" else 0):
        raise InputError("The number of vectors written is not that of the rows.", "Export again.")


def _filled(vectors: VectorTable, options: VectorOptions) -> Iterator[tuple[pa.Table, Any, Matrix]]:
    """(input rows, tokens, vectors), aligned: rows without a vector are left out, or filled with NaN."""
    stored = [name for name in pq.read_schema(vectors.table.folder / INPUTS).names if name != "line"]
    stream = _vector_stream(vectors, options)
    with pq.ParquetFile(vectors.table.folder / INPUTS, pre_buffer=False) as inputs:
        for batch in inputs.iter_batches(_rows_per_batch(vectors), columns=stored, use_threads=False):
            if not batch.num_rows:
                continue
            found = stream.read_until("n", batch.column("n")[-1].as_py() + 1)
            places = np.searchsorted(batch.column("n").to_numpy(), found.column("n").to_numpy())
            matrix = np.full((batch.num_rows, vectors.facts.dimensions), np.nan, np.float32)
            if found.num_rows:
                flat = found.column("vector").combine_chunks().flatten().to_numpy(zero_copy_only=False)
                matrix[places] = flat.reshape(found.num_rows, -1)
            tokens = np.full(batch.num_rows, None, object)
            tokens[places] = found.column("tokens").to_pylist()
            table = pa.Table.from_batches([batch])
            if options.failed_rows == "drop":
                table, matrix, tokens = table.take(pa.array(places)), matrix[places], tokens[places]
            yield table, tokens, matrix


def _rows_per_batch(vectors: VectorTable) -> int:
    return int(max(1, min(BATCH_ROWS, 16_000_000 // (4 * vectors.facts.dimensions))))


def _vector_stream(vectors: VectorTable, options: VectorOptions) -> SortedStream:
    dimensions = vectors.facts.dimensions
    schema = pa.schema([("n", pa.int64()), ("tokens", pa.int64()), ("vector", pa.list_(pa.float32(), dimensions))])

    def batches() -> Iterator[pa.Table]:
        for n, tokens, matrix in vectors.batches():
            if options.normalize:
                matrix = unit_length(matrix)
            column = pa.FixedSizeListArray.from_arrays(pa.array(matrix.reshape(-1)), dimensions)
            told = pa.array(tokens, pa.int64(), from_pandas=True)
            yield pa.table([pa.array(n), told, column], schema=schema)

    return SortedStream(schema, batches())


def unit_length(matrix: Matrix) -> Matrix:
    """Vectors of length one in the same directions; those that are all zeros stay."""
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    normalized: Matrix = np.divide(matrix, lengths, out=matrix.copy(), where=lengths > 0)
    return normalized


def _parquet(vectors: VectorTable, part: Path, path: Path, options: VectorOptions) -> int:
    """`key, tokens, vector`, then the prompt and the input's own columns; facts of the vectors in the footer."""
    names, facts, rows = source_columns(vectors.table), vectors.facts, 0
    stored = pq.read_schema(vectors.table.folder / INPUTS)
    own = [stored.field(name).with_name(shown).remove_metadata() for name, shown in names.items()]
    told = {
        "model": facts.model,
        "dimensions": str(facts.dimensions),
        "task": facts.task,
        "normalised": str(facts.normalised or options.normalize).lower(),
    }
    schema = pa.schema(
        [
            ("key", pa.string()),
            ("tokens", pa.int64()),
            ("vector", pa.list_(pa.float32(), facts.dimensions)),
            ("prompt", pa.string()),
            *own,
        ],
        metadata=told,
    )
    with pq.ParquetWriter(part, schema, compression="zstd", use_dictionary=False) as writer:
        for table, tokens, matrix in _filled(vectors, options):
            column = pa.FixedSizeListArray.from_arrays(pa.array(matrix.reshape(-1)), facts.dimensions)
            first = [table.column("key"), pa.array(tokens, pa.int64()), column, table.column("prompt")]
            writer.write_table(pa.table([*first, *(table.column(name) for name in names)], schema=schema))
            rows += table.num_rows
    return rows


def _npy(vectors: VectorTable, part: Path, path: Path, options: VectorOptions) -> int:
    """A matrix of float32, and beside it the keys of its rows: `NAME.keys.jsonl`, a line `{"key", "tokens"}` a row."""
    facts = vectors.facts
    rows = vectors.table.reconciliation.sent if options.failed_rows == "nan" else facts.count
    header = {"descr": "<f4", "fortran_order": False, "shape": (rows, facts.dimensions)}
    keys, written = keys_path(path), 0
    keys_part = keys.with_name(f".{keys.name}.part")
    try:
        with part.open("wb") as file, keys_part.open("wb") as listed:
            np.lib.format.write_array_header_1_0(file, header)
            for table, tokens, matrix in _filled(vectors, options):
                file.write(matrix.astype("<f4", copy=False).tobytes())
                for key, count in zip(table.column("key").to_pylist(), tokens.tolist(), strict=True):
                    listed.write(orjson.dumps({"key": key, "tokens": count}, option=orjson.OPT_APPEND_NEWLINE))
                written += table.num_rows
        keys_part.replace(keys)
    finally:
        keys_part.unlink(missing_ok=True)
    return written


def keys_path(path: Path) -> Path:
    """Where the keys of a matrix's rows are."""
    return path.with_suffix(".keys.jsonl")
