"""Vectors come to a file of their own in the order of the input, however they came back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from batch.kinds.embedding import EMBEDDING
from tests.lifecycle.run_fixture import RunFixture


def embedded(*values: float, tokens: int = 3) -> dict[str, Any]:
    return {"response": {"tokenCount": str(tokens), "embedding": {"values": list(values)}}}


def collect(folder: Path, sent: list[str], lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    run = RunFixture(folder).send(sent)
    run.receive(lines)
    run.build(kind=EMBEDDING)
    return run.rows()


def vectors(folder: Path) -> dict[int, list[float]]:
    table = pq.read_table(folder / "vectors.parquet")
    return dict(zip(table["n"].to_pylist(), table["vector"].to_pylist(), strict=True))


def test_vectors_stand_in_input_order_with_their_facts(tmp_path: Path) -> None:
    lines = [{"key": "c", **embedded(0, 1)}, {"key": "a", **embedded(1, 0, tokens=5)}]
    rows = collect(tmp_path / "r", ["a", "b", "c"], [*lines, {"key": "b", "error": {"code": 3, "message": "no"}}])
    assert [row["outcome"] for row in rows] == ["answered", "error_permanent", "answered"]
    assert [row["text"] for row in rows] == ["", "", ""]
    assert vectors(tmp_path / "r") == {rows[0]["n"]: [1, 0], rows[2]["n"]: [0, 1]}
    file = pq.ParquetFile(tmp_path / "r" / "vectors.parquet")
    assert str(file.schema_arrow.field("vector").type) == "fixed_size_list<element: float>[2]"
    told = {key.decode(): value.decode() for key, value in file.metadata.metadata.items()}
    assert (told["dimensions"], told["normalised"], told["zero_vectors"]) == ("2", "true", "0")


@pytest.mark.parametrize("order", [1, -1])
def test_many_vectors_keep_their_rows(tmp_path: Path, order: int) -> None:
    keys = [f"k{n}" for n in range(3000)]
    lines = [{"key": key, **embedded(n, 1)} for n, key in enumerate(keys)]
    rows = collect(tmp_path / "r", keys, lines[::order])
    found = vectors(tmp_path / "r")
    assert [found[row["n"]] for row in rows] == [[n, 1] for n in range(3000)]


def test_a_vector_of_another_length_is_no_answer(tmp_path: Path) -> None:
    rows = collect(tmp_path / "r", ["a", "b"], [{"key": "a", **embedded(1, 0)}, {"key": "b", **embedded(1)}])
    assert rows[1]["outcome"] == "invalid_output" and "1 numbers" in rows[1]["error_message"]
    assert len(vectors(tmp_path / "r")) == 1


@pytest.mark.parametrize(("tokens", "warned"), [(2_047, False), (2_048, True)])
def test_as_many_tokens_as_the_model_reads_are_warned_of(tmp_path: Path, tokens: int, warned: bool) -> None:
    run = RunFixture(tmp_path / "r").send(["a", "b"])
    run.receive([{"key": "a", **embedded(1, 0, tokens=tokens)}, {"key": "b", **embedded(0, 1)}])
    notes = run.build(kind=EMBEDDING, vector_input_limit=2_048).notes
    assert bool(notes) is warned
    assert not warned or notes[0].startswith("1 text has as many tokens as the model reads (2,048)")


@pytest.mark.parametrize("values", ['"x"', "[]", "[1e99]", '["a"]', "[null]", "[NaN]"])
def test_a_vector_that_cannot_be_read_is_no_answer(values: str) -> None:
    line = b'{"key":"a","response":{"embedding":{"values":' + values.encode() + b"}}}"
    row = EMBEDDING.classify(line)
    assert row.vector is None and row.outcome != "answered"


def test_blanks_do_not_matter() -> None:
    line = (
        b'{"response": {"embedding": {"values": [ 0.5,           -0.25 ]}, "usageMetadata": {"promptTokenCount": 4}}, '
    )
    row = EMBEDDING.classify(line + b'"key": "a"}')
    assert row.vector is not None and np.asarray(row.vector).tolist() == [0.5, -0.25]
    assert row.usage is not None and row.usage.prompt == 4


def test_without_a_vector_there_is_no_file(tmp_path: Path) -> None:
    collect(tmp_path / "r", ["a"], [{"key": "a", "error": {"code": 3, "message": "no"}}])
    assert not (tmp_path / "r" / "vectors.parquet").exists()
