"""Embeddings go out as Parquet and as NumPy, in input order, with or without the rows that have none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import pyarrow.parquet as pq
import pytest

from batch.kinds.embedding import EMBEDDING
from lifecycle.results.export.vectors import VectorOptions, export_vectors, keys_path
from lifecycle.results.read.table import ResultTable
from tests.lifecycle.results.collect.test_vector_store import embedded
from tests.lifecycle.run_fixture import RunFixture


@pytest.fixture
def table(tmp_path: Path) -> ResultTable:
    run = RunFixture(tmp_path / "r").send(["a", "b", "c"])
    run.receive([{"key": "c", **embedded(0, 2)}, {"key": "a", **embedded(3, 4, tokens=7)}])
    run.build(kind=EMBEDDING)
    return ResultTable(run.folder)


def test_parquet_has_keys_tokens_and_vectors(table: ResultTable, tmp_path: Path) -> None:
    exported = export_vectors(table, tmp_path / "v.parquet", VectorOptions())
    written = pq.read_table(tmp_path / "v.parquet")
    assert written.column_names[:3] == ["key", "tokens", "vector"]
    assert written.select(["key", "tokens", "vector"]).to_pylist() == [
        {"key": "a", "tokens": 7, "vector": [3, 4]},
        {"key": "c", "tokens": 3, "vector": [0, 2]},
    ]
    assert written.schema.metadata[b"dimensions"] == b"2" and written.schema.metadata[b"normalised"] == b"false"
    assert "1 row has no vector, and is left out." in exported.notes


def test_vectors_can_be_given_length_one(table: ResultTable, tmp_path: Path) -> None:
    export_vectors(table, tmp_path / "v.parquet", VectorOptions(normalize=True))
    written = pq.read_table(tmp_path / "v.parquet")
    assert written["vector"].to_pylist() == [pytest.approx([0.6, 0.8]), pytest.approx([0, 1])]
    assert written.schema.metadata[b"normalised"] == b"true"


@pytest.mark.parametrize("failed_rows", ["drop", "nan"])
def test_numpy_has_a_matrix_and_its_keys(table: ResultTable, tmp_path: Path, failed_rows: str) -> None:
    path = tmp_path / "v.npy"
    export_vectors(table, path, VectorOptions(failed_rows=failed_rows))
    matrix = np.load(path)
    keys = [orjson.loads(line)["key"] for line in keys_path(path).read_bytes().splitlines()]
    assert keys == (["a", "b", "c"] if failed_rows == "nan" else ["a", "c"])
    assert matrix.dtype == np.float32 and matrix.shape == (len(keys), 2)
    assert matrix[0].tolist() == [3, 4] and matrix[-1].tolist() == [0, 2]
    assert bool(np.isnan(matrix).any()) == (failed_rows == "nan")
