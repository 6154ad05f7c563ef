"""Some rows of a run by their keys, in their order, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lifecycle.requests.request_subset import copy_inputs, copy_lines, keys_in_file, lines_for_keys

LINES = [b'{"key":"a","request":{}}\n', b'{"key":"b\\u00e9","request":{"x":1}}\n', b'{"key":"c","request":{}}\n']


@pytest.fixture
def requests(tmp_path: Path) -> Path:
    path = tmp_path / "requests.jsonl"
    path.write_bytes(b"".join(LINES))
    return path


def test_lines_keep_their_order_and_their_bytes(requests: Path) -> None:
    assert list(keys_in_file(requests)) == ["a", "bé", "c"]
    assert list(lines_for_keys(requests, {"c", "bé"})) == LINES[1:]


def test_a_copy_tells_its_rows_and_bytes(requests: Path, tmp_path: Path) -> None:
    target = tmp_path / "some.jsonl"
    assert copy_lines(requests, {"a", "c", "absent"}, target) == (2, len(LINES[0] + LINES[2]))
    assert target.read_bytes() == LINES[0] + LINES[2]
    assert not target.with_suffix(".part").exists()


def test_inputs_are_numbered_anew(tmp_path: Path) -> None:
    table = pa.table({"n": pa.array([0, 1, 2], pa.int64()), "key": ["a", "b", "c"], "city": ["Ulm", None, "Bonn"]})
    pq.write_table(table, tmp_path / "inputs.parquet")
    copy_inputs(tmp_path / "inputs.parquet", {"b", "c"}, tmp_path / "some.parquet")
    assert pq.read_table(tmp_path / "some.parquet").to_pydict() == {
        "n": [0, 1],
        "key": ["b", "c"],
        "city": [None, "Bonn"],
    }
