"""Fields beside requests become columns of the rows: under their names, with their types, each in its own row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lifecycle.core.run_files import INPUTS
from lifecycle.inputs.draft_files import ROW_COLUMNS
from lifecycle.inputs.drafts import Draft, prepare
from lifecycle.inputs.json_fields import MAX_FIELDS, SPOOL_ROWS

REQUEST = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}


def draft_of(folder: Path, *lines: dict[str, Any]) -> Draft:
    return prepare("\n".join(map(json.dumps, lines)), folder, kind="jsonl")


def own_columns(draft: Draft) -> pa.Table:
    table = pq.read_table(draft.folder / INPUTS)
    return table.select([name for name in table.column_names if name not in dict(ROW_COLUMNS)])


def test_ids_and_own_fields_become_columns_and_are_not_sent(tmp_path: Path) -> None:
    draft = draft_of(
        tmp_path,
        {"custom_id": "a", "metadata": {"request_id": "r0", "page": 1}, "request": REQUEST},
        {"key": "k", "request": REQUEST},
        {"custom_id": "c", "tags": ["x", 2], "metadata": {"page": 2}, "request": REQUEST},
    )
    assert own_columns(draft).to_pydict() == {
        "custom_id": ["a", None, "c"],
        "request_id": ["r0", None, None],
        "page": [1, None, 2],
        "tags": [None, None, '["x", 2]'],
    }
    lines = (draft.folder / "requests.jsonl").read_text().splitlines()
    assert [set(json.loads(line)) for line in lines] == [{"key", "request"}] * 3
    assert any("3 fields" in note or "fields stand beside" in note for note in draft.notes)
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ([1, 2], pa.int64()),
        ([1, 2.5], pa.float64()),
        ([True, False], pa.bool_()),
        (["007", 7], pa.string()),
        ([True, 1], pa.string()),
        ([10**30, 1], pa.string()),
        ([{"a": 1}, None], pa.string()),
    ],
)
def test_a_column_has_the_narrowest_type_that_holds_all_values(
    tmp_path: Path, values: list[Any], column: pa.DataType
) -> None:
    draft = draft_of(tmp_path, *({"own": value, "request": REQUEST} for value in values))
    assert own_columns(draft).schema.field("own").type == column
    assert own_columns(draft).column("own").to_pylist()[0] == (
        values[0] if column != pa.string() or isinstance(values[0], str) else json.dumps(values[0]).replace(": ", ": ")
    )


def test_columns_follow_their_rows_when_others_are_left_out(tmp_path: Path) -> None:
    """Bad rows and repeated keys leave no gap that later rows slide into."""
    draft = draft_of(
        tmp_path,
        {"key": "a", "own": "first", "request": REQUEST},
        {"key": "a", "own": "repeated", "request": REQUEST},
        {"key": "bad", "own": "bad", "request": {}},
        {"key": "b", "own": "second", "request": REQUEST},
    )
    assert draft.rows == 2 and own_columns(draft).to_pydict() == {"own": ["first", "second"]}


def test_columns_are_right_beyond_one_batch(tmp_path: Path) -> None:
    rows = SPOOL_ROWS * 2 + 3
    lines = ({"key": f"k{n}", **({"own": n} if n % 3 else {}), "request": REQUEST} for n in range(rows))
    draft = draft_of(tmp_path, *lines)
    assert own_columns(draft).column("own").to_pylist() == [n if n % 3 else None for n in range(rows)]


def test_names_of_ours_and_a_copy_of_the_key_do_not_collide(tmp_path: Path) -> None:
    draft = draft_of(tmp_path, {"key": "k", "prompt": "p", "metadata": {"key": "k", "prompt": "m"}, "request": REQUEST})
    assert own_columns(draft).to_pydict() == {"prompt (input)": ["p"], "metadata.prompt": ["m"]}


def test_a_strangers_many_names_are_bounded_and_said(tmp_path: Path) -> None:
    draft = draft_of(tmp_path, {**{f"f{n}": n for n in range(MAX_FIELDS + 5)}, "request": REQUEST})
    assert own_columns(draft).num_columns == MAX_FIELDS
    assert any("5 values" in note for note in draft.notes)
