"""Embeddings that came back: numbers to disk as the lines are read, then to Parquet in the order of the input.

While lines are read, each vector is appended to a file of float32 in the order received; its place there is its slot.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from batch.model import Outcome
from batch.responses.parsed_row import ParsedRow

GROUP_BYTES = 16_000_000  # of a row group
UNIT_TOLERANCE = 1e-3  # of a length that counts as one


class VectorStore:
    """One run's vectors. All have the length of the first; a line with another one is no answer."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+b", buffering=1 << 20)
        self._count = 0
        self.dimensions = 0
        self._parts: list[pa.Table] = []
        self._pending = 0
        self._writer: pq.ParquetWriter | None = None
        self._target = path.with_name("vectors.parquet")
        self._normalised, self._zero = True, 0

    def take(self, row: ParsedRow, line: bytes) -> tuple[ParsedRow, list[dict[str, object]] | None, int | None]:
        """Append the vector of a line."""
        vector = row.vector
        if vector is None:
            return row, None, None
        self.dimensions = self.dimensions or len(vector)
        if len(vector) != self.dimensions:
            message = f"the vector has {len(vector):,} numbers, where the first has {self.dimensions:,}"
            return row._replace(outcome=Outcome.INVALID_OUTPUT, error_message=message, vector=None), None, None
        self._file.write(vector)
        self._count += 1
        return row, None, self._count - 1

    def place(self, results: pa.Table, slots: pa.ChunkedArray) -> None:
        """Write the vectors of result rows, which come in input order, by their slots."""
        present = slots.is_valid()
        if not self.dimensions or not self._count:
            return
        rows = np.flatnonzero(np.asarray(present))
        wanted = np.asarray(slots.filter(present).to_numpy(), np.int64)
        n = results.column("n").to_numpy()
        tokens = results.column("prompt_tokens")
        step = max(1, GROUP_BYTES // (4 * self.dimensions))
        for start in range(0, len(rows), step):
            part, matrix = rows[start : start + step], self._read(wanted[start : start + step])
            lengths = np.sqrt(np.einsum("ij,ij->i", matrix, matrix))
            self._zero += int((lengths == 0).sum())
            self._normalised &= bool((np.abs(lengths - 1) < UNIT_TOLERANCE).all())
            columns = [pa.array(n[part]), tokens.take(pa.array(part)).combine_chunks(), vector_array(matrix)]
            self._add(pa.table(columns, schema=vector_schema(self.dimensions)), step)

    def _add(self, table: pa.Table, step: int) -> None:
        self._parts.append(table)
        self._pending += table.num_rows
        if self._pending >= step:
            self._flush()

    def _flush(self) -> None:
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self._target,
                vector_schema(self.dimensions),
                compression="none",  # numbers of embeddings do not get smaller
                use_dictionary=False,
                write_statistics=["n"],
            )
        self._writer.write_table(pa.concat_tables(self._parts))
        self._parts, self._pending = [], 0

    def _read(self, slots: np.ndarray[Any, np.dtype[np.int64]]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """The vectors in some slots, in this order: neighbours are read at once."""
        matrix = np.empty((len(slots), self.dimensions), np.float32)
        breaks = np.flatnonzero(np.diff(slots) != 1) + 1
        self._file.flush()
        for first, end in zip([0, *breaks.tolist()], [*breaks.tolist(), len(slots)], strict=True):
            self._file.seek(int(slots[first]) * 4 * self.dimensions)
            data = self._file.read((end - first) * 4 * self.dimensions)
            matrix[first:end] = np.frombuffer(data, np.float32).reshape(-1, self.dimensions)
        return matrix

    def finish(self, part: Path, target: Path, facts: Mapping[str, str]) -> None:
        """Complete the file, and give it its name; without a vector there is none."""
        if self._parts:
            self._flush()
        self._file.close()
        if self._writer is None:
            target.unlink(missing_ok=True)
            return
        told = {"dimensions": str(self.dimensions), "normalised": str(self._normalised).lower()}
        self._writer.add_key_value_metadata({**facts, **told, "zero_vectors": str(self._zero)})
        self._writer.close()
        part.replace(target)


def vector_schema(dimensions: int) -> pa.Schema:
    return pa.schema([("n", pa.int64()), ("tokens", pa.int64()), ("vector", pa.list_(pa.float32(), dimensions))])


def vector_array(matrix: np.ndarray[Any, np.dtype[np.float32]]) -> pa.FixedSizeListArray:
    """A matrix as an Arrow column of vectors, without a copy."""
    return pa.FixedSizeListArray.from_arrays(pa.array(matrix.reshape(-1)), matrix.shape[1])
