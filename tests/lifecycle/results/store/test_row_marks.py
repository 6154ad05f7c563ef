"""What was noted of rows is kept, the last word counts, and exports have it if that is asked for."""

from __future__ import annotations

from pathlib import Path

import orjson
import pandas as pd

from lifecycle.results.export.export import ExportOptions, export
from lifecycle.results.store.row_marks import MARKS, MAX_NOTE_CHARACTERS, RowMark, read_marks, write_mark
from tests.ui.small_results import small_results


def test_the_last_word_about_a_row_counts_and_nothing_takes_it_back(tmp_path: Path) -> None:
    assert read_marks(tmp_path) == {}
    write_mark(tmp_path, "a", RowMark("wrong", "the total is of another page"))
    write_mark(tmp_path, "b", RowMark("right"))
    write_mark(tmp_path, "b", RowMark())
    write_mark(tmp_path, "ü\n", RowMark("", "x" * 2 * MAX_NOTE_CHARACTERS))
    with (tmp_path / MARKS).open("ab") as file:
        file.write(b'{"key":"a","mark":"ri')  # the machine went off
    assert read_marks(tmp_path) == {
        "a": RowMark("wrong", "the total is of another page"),
        "ü\n": RowMark("", "x" * MAX_NOTE_CHARACTERS),
    }
    assert RowMark("wrong", "why").words == "wrong: why"


def test_exports_have_marks_only_when_asked(tmp_path: Path) -> None:
    table = small_results(tmp_path / "run", {"a": "one", "b": "two", "c": None})
    write_mark(tmp_path / "run", "b", RowMark("wrong", "=2"))
    csv, lines, plain = (tmp_path / name for name in ("o.csv", "o.jsonl", "plain.csv"))
    export(table, csv, "csv", ExportOptions(marks=True))
    export(table, lines, "jsonl", ExportOptions(marks=True))
    export(table, plain, "csv", ExportOptions())
    frame = pd.read_csv(csv, keep_default_na=False)
    assert list(frame["mark"]) == ["", "wrong", ""] and list(frame["note"]) == ["", "'=2", ""]
    assert frame.columns[-1] == "incomplete"
    rows = [orjson.loads(line) for line in lines.read_bytes().splitlines()]
    assert [(row["mark"], row["note"]) for row in rows] == [(None, None), ("wrong", "=2"), (None, None)]
    assert "mark" not in pd.read_csv(plain).columns
