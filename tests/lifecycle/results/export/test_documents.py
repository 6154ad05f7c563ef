"""Answers by page become documents again, and what is missing is marked where it belongs."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lifecycle.results.export.documents import DocumentNames, export_documents, has_pages, made_of_files
from lifecycle.results.export.export import ExportOptions
from lifecycle.results.read.table import Filter, ResultTable
from tests.lifecycle.run_fixture import RunFixture, answer, error

ROWS: list[tuple[str, int | None, dict[str, Any] | None]] = [
    ("box/letter.pdf", 1, answer("Dear Sir,\n")),
    ("box/letter.pdf", 2, answer("", finish="RECITATION")),
    ("box/letter.pdf", 3, answer("and so on", finish="MAX_TOKENS")),
    ("box/letter.pdf", 10, answer("Yours.")),
    ("box/letter.png", None, answer("A stamp.")),
    ("note.txt", None, error(13, "it broke")),
]
LETTER = """# box/letter.pdf

3 of 4 pages; missing: 2; not whole: 3.

## Page 1

Dear Sir,

## Page 2

> **Page 2 is missing: stopped as a recitation (RECITATION)**

## Page 3

and so on

> **Page 3 is not whole: cut off by the output limit (MAX_TOKENS)**

## Page 10

Yours.
"""


@pytest.fixture
def table(tmp_path: Path) -> ResultTable:
    return result(tmp_path / "r", ROWS)


def result(folder: Path, rows: list[tuple[str, int | None, dict[str, Any] | None]]) -> ResultTable:
    keys = [name if page is None else f"{name}#p{page:04d}" for name, page, _ in rows]
    own: dict[str, Any] = {
        "file": pa.array([name for name, _, _ in rows], pa.string()),
        "page": pa.array([page for _, page, _ in rows], pa.int32()),
    }
    run = RunFixture(folder).send(keys, source_columns=own)
    run.receive([{"key": key, **line} for key, (_, _, line) in zip(keys, rows, strict=True) if line])
    run.build()
    (folder / "files.jsonl").touch()
    return ResultTable(folder)


def test_one_file_holds_all_documents_with_their_gaps_marked(table: ResultTable, tmp_path: Path) -> None:
    exported = export_documents(table, tmp_path / "out.md")
    text = (tmp_path / "out.md").read_text("utf-8")
    assert text.startswith(LETTER)
    assert text.index("# box/letter.png\n\nA stamp.") < text.index("# note.txt\n\n> **The answer is missing: ")
    assert (exported.rows, exported.notes) == (6, ("3 documents, 2 of them with gaps.",))


def test_plain_text_has_plain_marks(table: ResultTable, tmp_path: Path) -> None:
    export_documents(table, tmp_path / "out.txt")
    text = (tmp_path / "out.txt").read_text("utf-8")
    assert "box/letter.pdf\n==============\n" in text and "--- Page 10 ---\n\nYours." in text
    assert "[Page 2 is missing: stopped as a recitation (RECITATION)]" in text


def test_a_folder_and_a_zip_have_a_file_for_each_document(table: ResultTable, tmp_path: Path) -> None:
    expected = {"box/letter.md", "box/letter.png.md", "note.md"}
    for _ in range(2):  # again: the same
        export_documents(table, tmp_path / "out")
    assert {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")} == expected
    assert (tmp_path / "out" / "box" / "letter.md").read_text("utf-8") == LETTER
    export_documents(table, tmp_path / "out.zip", "txt")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert set(archive.namelist()) == {name.replace(".md", ".txt") for name in expected}
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_result_that_is_not_whole_says_so_first(tmp_path: Path) -> None:
    table = result(tmp_path / "r", [*ROWS[:1], ("box/letter.pdf", 2, None)])
    export_documents(table, tmp_path / "out.md", options=ExportOptions(complete=False))
    text = (tmp_path / "out.md").read_text("utf-8")
    assert text.startswith("INCOMPLETE: the run is not finished.\n\nINCOMPLETE: nothing came back for 1 of 2 rows.")
    assert "> **Page 2 is missing: nothing came back**" in text


def test_a_selection_of_pages_is_written_alone(table: ResultTable, tmp_path: Path) -> None:
    chosen = ExportOptions(where=Filter(keys=("box/letter.pdf#p0010", "note.txt")))
    assert export_documents(table, tmp_path / "out.md", options=chosen).rows == 2


def test_rows_that_are_of_no_file_are_documents_under_their_keys(tmp_path: Path) -> None:
    run = RunFixture(tmp_path / "own").send(["a"], source_columns={"file": ["x"], "page": ["1"]})
    run.receive([{"key": "a", **answer("yes")}])
    run.build()
    export_documents(ResultTable(run.folder), tmp_path / "out.md")
    assert (tmp_path / "out.md").read_text("utf-8") == "# a\n\nyes\n"


def test_pages_are_known_as_such(table: ResultTable, tmp_path: Path) -> None:
    assert made_of_files(table) and has_pages(table)
    assert not has_pages(result(tmp_path / "whole", ROWS[-2:]))


def test_no_name_leads_out_of_the_folder_and_no_two_are_the_same() -> None:
    names = DocumentNames("md")
    given = ["../../etc/x.pdf", "/abs/x.pdf", "a.pdf", "A.png", "a.pdf", "a.pdf", "..", "c:\\x.pdf"]
    written = [names.of(name) for name in given]
    assert written[:4] == ["folder/folder/etc/x.md", "abs/x.md", "a.md", "A.png.md"]
    assert len({name.casefold() for name in written}) == len(given)
    assert not any(".." in name or name.startswith("/") or "\\" in name or ":" in name for name in written)
