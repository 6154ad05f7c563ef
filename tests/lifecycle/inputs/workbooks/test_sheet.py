"""Sheets are read as they look: titles, two rows of names, merged cells, other sheets, formulas without values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq

from lifecycle.inputs.workbooks.messages import SheetJob, SheetReply
from lifecycle.inputs.workbooks.sheet import read_sheet


def read(path: Path, **wanted: Any) -> tuple[SheetReply, list[list[str | None]]]:
    spool = path.with_suffix(".parquet")
    reply = read_sheet(SheetJob(str(path), str(spool), **wanted))
    table = pq.read_table(spool).to_pydict() if not reply.fault else {}
    return reply, [list(row) for row in zip(*list(table.values())[2:], strict=True)]


def workbook(path: Path, sheets: dict[str, Any], *merged: str) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        for area in merged:
            sheet.merge_cells(area)
    book.save(path)
    return path


def test_a_table_below_a_title_in_the_middle_of_a_sheet(tmp_path: Path) -> None:
    rows = [[], [None, "Menu of May"], [], [None, "dish", "n"], [None, "soup", 1], [None, "cake", 2.5]]
    reply, cells = read(workbook(tmp_path / "a.xlsx", {"S": rows}))
    assert (reply.names, reply.header_row, reply.first_row, reply.skipped_rows) == (("dish", "n"), 4, 5, 1)
    assert (cells, reply.kinds) == ([["soup", "1"], ["cake", "2.5"]], (("str",), ("float", "int")))


def test_two_rows_of_names_under_merged_cells(tmp_path: Path) -> None:
    rows = [["Guest", None, "Dish", None, "n"], ["id", "name", "name", "price", None], [1, "Ann", "soup", 5, 9]]
    reply, _ = read(workbook(tmp_path / "a.xlsx", {"S": rows}, "A1:B1", "C1:D1", "E1:E2"))
    assert reply.names == ("Guest id", "Guest name", "Dish name", "Dish price", "n")
    assert (reply.header_rows, reply.first_row) == (2, 3)


def test_cells_merged_downwards_are_filled_and_totals_left_out(tmp_path: Path) -> None:
    rows = [["day", "dish", "n"], ["Mon", "soup", 1], [None, "cake", 2], ["Tue", "pie", 3], ["Total", None, 6]]
    reply, cells = read(workbook(tmp_path / "a.xlsx", {"S": rows}, "A2:A3"))
    assert [row[0] for row in cells] == ["Mon", "Mon", "Tue"]
    assert any("filled down (1 cell)" in note for note in reply.notes)
    assert any("below the table" in note for note in reply.notes)


def test_the_sheet_with_the_table_is_taken_and_others_are_named(tmp_path: Path) -> None:
    table = [["dish", "n"], ["soup", 1]]
    path = workbook(tmp_path / "a.xlsx", {"Read me": [["Fill in the next sheet."]], "Menu": table, "Old": table})
    reply, _ = read(path)
    assert (reply.sheet, reply.sheets) == ("Menu", ("Read me", "Menu", "Old"))
    assert reply.notes == ('The sheet "Menu" was read; "Read me" holds no table.', 'Not read: "Old".')
    assert read(path, sheet="old")[0].sheet == "Old"
    assert 'no sheet "None"' in read(path, sheet="None")[0].fault
    unclear = workbook(tmp_path / "b.xlsx", {"A": [["dish"], ["soup"]], "B": table})
    assert "not clear which sheet" in read(unclear)[0].question


def test_hidden_and_empty_sheets_are_passed(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "a.xlsx", {"Secret": [["x", "y"], [1, 2]], "Empty": [], "Menu": [["dish", "n"], ["a", 1]]}
    )
    book = openpyxl.load_workbook(path)
    book["Secret"].sheet_state = "hidden"
    book.save(path)
    assert read(path)[0].sheet == "Menu"


def test_a_formula_without_a_value_and_an_error_are_told_from_empty_cells(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"S": [["a", "b"], [1, "=A2*2"], [2, "#DIV/0!"], [3, None], [4, "x"]]})
    reply, _ = read(path)
    hidden = pq.read_table(path.with_suffix(".parquet"))["hidden"].to_pylist()
    assert hidden == ["1", "1", None, None]
    assert any(
        note.startswith('2 cells have a formula without a stored value, or an error, in "b"') for note in reply.notes
    )


def test_the_header_that_was_chosen_is_taken(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"S": [["a", "b"], ["c", "d"], ["e", "f"]]})
    assert read(path, header_row=2)[0].names == ("c", "d")
    assert read(path, header_row=0)[0].names == ("column A", "column B")
    assert "empty" in read(path, header_row=9)[0].fault


def test_a_row_with_nothing_but_a_stray_cell_is_no_row(tmp_path: Path) -> None:
    rows = [["dish", "n"], ["soup", 1], ["cake", 2], [], [None, None, None, "call Ann"], ["pie", 3]]
    reply, cells = read(workbook(tmp_path / "a.xlsx", {"S": rows}))
    assert cells == [["soup", "1", None], ["cake", "2", None], ["pie", "3", None]]
    assert any(note.startswith("Left out: 1 row") for note in reply.notes)
