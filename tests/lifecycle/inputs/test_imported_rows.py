"""Result lines get the keys of their rows and nothing else changes in them; what was echoed stands beside its row."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lifecycle.inputs import imported_rows
from lifecycle.inputs.echoed_fields import EchoedFields
from lifecycle.inputs.row_identity import Join, find_join


@pytest.fixture
def received(tmp_path: Path) -> Path:
    path = tmp_path / "0-0.jsonl"
    path.write_text(
        '{"key":"old","id":"b","page":2,"response":{"n":1.0}}\n\nnot json\n{"id":"a","page":1}\n{"id":"zz"}\n'
    )
    return path


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    table = {"n": [0, 1], "key": ["response-000001", "k"], "prompt": ["A", "B"], "line": [1, 2], "id": ["a", "b"]}
    pq.write_table(pa.table(table), tmp_path / "inputs.parquet")
    return tmp_path / "inputs.parquet"


def joined(received: Path, inputs: Path) -> tuple[EchoedFields, Join]:
    echoed = EchoedFields([received])
    join = find_join(echoed, imported_rows.id_columns(inputs), "id")
    assert join is not None
    return echoed, join


def test_lines_get_the_keys_of_their_rows_and_strangers_get_keys_of_nobody(received: Path, inputs: Path) -> None:
    _, join = joined(received, inputs)
    (copy,) = imported_rows.rekey_joined([received], inputs, join)
    first, blank, broken, second, stranger = copy.read_text().splitlines()
    assert first == '{"key":"k","id":"b","page":2,"response":{"n":1.0}}'
    assert (blank, broken) == ("", "not json")
    assert json.loads(second)["key"] == "response-000001"
    assert json.loads(stranger)["key"] == "our-response-000001"


def test_what_was_echoed_stands_beside_its_row_however_often_it_is_added(received: Path, inputs: Path) -> None:
    echoed, join = joined(received, inputs)
    for _ in range(2):  # a process may die after the first
        imported_rows.add_columns(inputs, echoed, join)
    table = pq.read_table(inputs).drop_columns(["n", "prompt", "line"])
    assert table.to_pydict() == {
        "key": ["response-000001", "k"],
        "id": ["a", "b"],
        "key (input)": [None, "old"],
        "page": [1, 2],
    }
    assert set(imported_rows.id_columns(inputs)) == {"key", "id"}


def test_without_an_input_rows_are_what_the_results_tell(received: Path, tmp_path: Path) -> None:
    echoed = EchoedFields([received])
    imported_rows.write_inputs(tmp_path, echoed, imported_rows.line_keys(echoed, "id"), unnamed=1)
    table = pq.read_table(tmp_path / "inputs.parquet")
    assert table.column("key").to_pylist() == ["b", "a", "zz", "unknown-000001"]
    assert table.column("page").to_pylist() == [2, 1, None, None]
    assert (tmp_path / "requests.jsonl").read_bytes() == b""
