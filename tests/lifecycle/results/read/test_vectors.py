"""Vectors of a run and its retries are read as one, and a row has neighbours."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch.errors import InputError, NotFound
from batch.kinds.embedding import EMBEDDING
from lifecycle.results.read.merge_retries import merge_retries
from lifecycle.results.read.table import ResultTable
from lifecycle.results.read.vectors import VectorTable
from tests.lifecycle.results.collect.test_vector_store import embedded
from tests.lifecycle.run_fixture import RunFixture


def test_a_retrys_vectors_stand_in_the_parents_rows(tmp_path: Path) -> None:
    parent = RunFixture(tmp_path / "parent").send(["a", "b", "c"])
    parent.receive(
        [{"key": "a", **embedded(1, 0)}, {"key": "b", "error": {"code": 13}}, {"key": "c", **embedded(0, 1)}]
    )
    parent.build(kind=EMBEDDING)
    child = RunFixture(tmp_path / "child").send(["b"]).receive([{"key": "b", **embedded(0.6, 0.8)}])
    child.build(kind=EMBEDDING)
    vectors = VectorTable(merge_retries(parent.folder, [child.folder]))
    ((n, tokens, matrix),) = vectors.batches()
    assert matrix.round(3).tolist() == [[1, 0], pytest.approx([0.6, 0.8]), [0, 1]]
    assert (n.tolist(), tokens.tolist(), vectors.facts.count) == ([0, 1, 2], [3, 3, 3], 3)
    assert [(row.key, round(row.similarity, 3)) for row in vectors.nearest("b")] == [("c", 0.8), ("a", 0.6)]


def test_a_row_without_a_direction_is_near_nothing(tmp_path: Path) -> None:
    run = RunFixture(tmp_path / "r").send(["a", "b", "c"])
    run.receive([{"key": "a", **embedded(1, 0)}, {"key": "b", **embedded(0, 0)}])
    run.build(kind=EMBEDDING)
    vectors = VectorTable(ResultTable(run.folder))
    assert vectors.facts.zero_vectors == 1 and not vectors.facts.normalised
    with pytest.raises(InputError, match="all zeros"):
        vectors.nearest("b")
    with pytest.raises(NotFound, match="no vector"):
        vectors.nearest("c")
    assert vectors.nearest("a") == []
