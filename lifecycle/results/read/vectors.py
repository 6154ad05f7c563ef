"""A run's embeddings, read in input order: its own, and those of rows that a retry answered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from batch.errors import InputError, NotFound
from lifecycle.core.run_files import RESULTS, VECTORS
from lifecycle.results.read.table import ResultTable
from lifecycle.results.store import sql

Matrix = np.ndarray[Any, np.dtype[np.float32]]
BATCH_BYTES = 16_000_000


class Neighbour(NamedTuple):
    """A row near a chosen one: `similarity` is the cosine, 1 for the same direction."""

    n: int
    key: str
    prompt: str
    similarity: float


@dataclass(frozen=True)
class VectorFacts:
    """What is known of all vectors of a run: how many, how long, what for, and whether each has length one."""

    count: int
    dimensions: int
    model: str
    task: str
    normalised: bool
    zero_vectors: int


class VectorTable:
    """The vectors behind a result table. Raises NotFound where there are none."""

    def __init__(self, table: ResultTable) -> None:
        self.table = table
        runs = sorted({name.split("/")[1] for name in table.reconciliation.files if name.startswith("../")})
        folders = [table.folder, *(table.folder.parent / run for run in runs)]
        self._files = {folder.name: folder / VECTORS for folder in folders if (folder / VECTORS).exists()}
        if not self._files:
            raise NotFound("There are no vectors.", "Look at the outcomes of the rows.")
        metadata = [pq.read_metadata(path) for path in self._files.values()]
        told = [{key.decode(): value.decode() for key, value in one.metadata.items()} for one in metadata]
        self.facts = VectorFacts(
            count=self._count(),
            dimensions=int(told[0]["dimensions"]),
            model=told[0].get("model", ""),
            task=told[0].get("task", ""),
            normalised=all(one["normalised"] == "true" for one in told),
            zero_vectors=sum(int(one["zero_vectors"]) for one in told),
        )

    def batches(self) -> Iterator[tuple[Any, Any, Matrix]]:
        """(numbers of rows, their tokens, their vectors) in input order, a bounded number at a time."""
        step = max(1, BATCH_BYTES // (4 * self.facts.dimensions))
        with sql.cursor() as db:
            reader = db.sql(f"SELECT n, tokens, vector FROM ({self._source()}) ORDER BY n").to_arrow_reader(step)
            for batch in reader:
                if batch.num_rows:
                    flat = pa.concat_arrays([batch.column("vector").flatten()]).to_numpy(zero_copy_only=False)
                    matrix = np.ascontiguousarray(flat.reshape(batch.num_rows, -1), np.float32)
                    yield batch.column("n").to_numpy(), batch.column("tokens").to_numpy(zero_copy_only=False), matrix

    def nearest(self, key: str, limit: int = 10) -> list[Neighbour]:
        """The rows whose vectors point most nearly where that of a row does; the row itself is left out.

        Raises NotFound for a row without a vector, InputError for one that is all zeros.
        """
        with sql.cursor() as db:
            chosen = db.execute(
                f"""SELECT n, vector FROM ({self._source()})
                    WHERE n = (SELECT n FROM {sql.parquet(self.table.results)} WHERE key = ?)""",
                [key],
            ).fetchone()
            if chosen is None:
                raise NotFound(f"The row {key!r} has no vector.")
            if not any(chosen[1]):
                raise InputError(f"The vector of {key!r} is all zeros, which is near nothing.")
            found = db.execute(
                f"""SELECT v.n, i.key, i.prompt, v.similarity FROM (
                        SELECT n, list_cosine_similarity(vector, ?::FLOAT[]) AS similarity FROM ({self._source()})
                        WHERE n <> ? AND list_dot_product(vector, vector) > 0
                        ORDER BY similarity DESC NULLS LAST LIMIT {int(limit)}) v
                    JOIN {sql.parquet(self.table.folder / "inputs.parquet")} i USING (n) ORDER BY v.similarity DESC""",
                [chosen[1], chosen[0]],
            ).fetchall()
        return [Neighbour(*row) for row in found]

    def _source(self) -> str:
        """All vectors that are shown, as SQL: of each row the one of the run that answered it."""
        own = self._files.get(self.table.folder.name)
        if len(self._files) == 1 and own is not None:
            return f"SELECT n, tokens, vector::FLOAT[] AS vector FROM {sql.parquet(own)}"
        return " UNION ALL ".join(self._of_run(run, path) for run, path in self._files.items())

    def _of_run(self, run: str, path: Path) -> str:
        """The vectors of one run that the merged result shows, under the numbers of the first run's rows."""
        files = [n for n in range(len(self.table.reconciliation.files)) if self.table.run_folder(n).name == run]
        listed = ", ".join(map(str, files)) or "-1"
        shown = f"SELECT n, key FROM {sql.parquet(self.table.results)} WHERE file IN ({listed})"
        if run == self.table.folder.name:
            return f"""SELECT n, tokens, vector::FLOAT[] AS vector FROM {sql.parquet(path)}
                WHERE n IN (SELECT n FROM ({shown}))"""
        return f"""SELECT s.n, v.tokens, v.vector::FLOAT[] AS vector FROM {sql.parquet(path)} v
            JOIN {sql.parquet(path.parent / RESULTS)} r ON r.n = v.n JOIN ({shown}) s ON s.key = r.key"""

    def _count(self) -> int:
        with sql.cursor() as db:
            row = db.execute(f"SELECT count(*) FROM ({self._source()})").fetchone()
        return int(row[0]) if row else 0
