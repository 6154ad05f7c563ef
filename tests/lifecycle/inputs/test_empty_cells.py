"""Rows that lack what the template names are counted, and sent or left out as the user chose."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from batch.model import EmptyCells
from lifecycle.core.run_files import INPUTS
from lifecycle.inputs.drafts import Draft, open_draft, prepare
from lifecycle.inputs.empty_cells import EmptyCellCount

TABLE = "name,text,other\nA,one,\nB,,x\n ,three,x\n,,x\nE,five,x\n"


def draft_of(folder: Path, choice: EmptyCells, template: str = "{{name}}: {{text}} {{name}}") -> Draft:
    return prepare(TABLE, folder, kind="csv", template=template, empty_cells=choice)


def test_rows_are_sent_with_a_warning_that_counts_them(tmp_path: Path) -> None:
    draft = draft_of(tmp_path, EmptyCells.SEND)
    assert (draft.rows, draft.empty_rows, draft.skipped_rows) == (5, 3, 0)
    assert draft.empty_columns == (("name", 2), ("text", 2))
    assert '3 rows have empty cells in "name", "text", and are sent as they are.' in draft.notes
    assert open_draft(tmp_path) == draft


def test_rows_are_left_out_with_their_columns(tmp_path: Path) -> None:
    draft = draft_of(tmp_path, EmptyCells.SKIP)
    assert (draft.rows, draft.empty_rows, draft.skipped_rows, draft.bad_rows) == (2, 3, 3, 0)
    assert '3 rows have empty cells in "name", "text", and were left out.' in draft.notes
    stored = pq.read_table(tmp_path / INPUTS)
    assert stored["prompt"].to_pylist() == ["A: one A", "E: five E"]
    assert stored["name"].to_pylist() == ["A", "E"]


def test_columns_that_the_template_does_not_use_may_be_empty(tmp_path: Path) -> None:
    draft = draft_of(tmp_path, EmptyCells.SKIP, "{{text}}!")
    assert (draft.rows, draft.empty_columns) == (3, (("text", 2),))


@pytest.mark.parametrize(
    ("rows", "choice", "said"),
    [
        ([("a",)], EmptyCells.SEND, ""),
        ([("",)], EmptyCells.SEND, '1 row has an empty cell in "x", and is sent as it is.'),
        ([("",)], EmptyCells.SKIP, '1 row has an empty cell in "x", and was left out.'),
    ],
)
def test_the_count_is_one_sentence(rows: list[tuple[str]], choice: EmptyCells, said: str) -> None:
    count = EmptyCellCount(["x"], choice)
    for row in rows:
        count.accept(row)
    assert count.describe() == said
