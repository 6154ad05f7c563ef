"""A workbook that programs write is filled in, and keeps all that is not filled in."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest
from openpyxl.styles import PatternFill
from openpyxl.workbook.workbook import Workbook
from openpyxl.worksheet.table import Table
from openpyxl.worksheet.worksheet import Worksheet

from lifecycle.results.workbook.fill_workbook import AddedColumns, AddedSheet, Filled, Place, fill_workbook
from lifecycle.results.workbook.xml_outline import UnusualPart

VALUES = pa.table({"mood": ["good", "=bad"], "score": [1, None], "due": [datetime.date(2024, 5, 1), None]})
SHEET, BOOK, TABLE = "xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/tables/table1.xml"


def book_of(prepare: Callable[[Worksheet], object] = lambda sheet: None) -> Workbook:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = "My 'data'"
    for row in (["id", "text"], [1, "a"], [2, "b"]):
        sheet.append(row)
    prepare(sheet)
    return book


def save(book: Workbook, path: Path, change: Callable[[str], str] = str, part: str = SHEET) -> Path:
    book.save(path)
    with zipfile.ZipFile(path) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    parts[part] = change(parts[part].decode()).encode()
    with zipfile.ZipFile(path, "w") as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return path


def fill(path: Path, values: pa.Table = VALUES) -> tuple[Workbook, Filled]:
    out = io.BytesIO()
    columns = AddedColumns(values.column_names, lambda: iter([([2, 3], values)]), 3)
    sheet = AddedSheet("Details", ["key"], lambda: iter([pa.table({"key": ["a", "b"]})]))
    filled = fill_workbook(path, out, Place("My 'data'", 1, 1, 2), columns, [sheet])
    path.with_name("out.xlsx").write_bytes(out.getvalue())
    return openpyxl.load_workbook(out), filled


def part(path: Path, name: str) -> str:
    with zipfile.ZipFile(path.with_name("out.xlsx")) as package:
        return package.read(name).decode()


def test_a_plain_sheet_gets_columns_a_frozen_header_a_filter_and_widths(tmp_path: Path) -> None:
    path = save(book_of(), tmp_path / "in.xlsx")
    book, filled = fill(path)
    sheet = book.worksheets[0]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert rows == [
        ["id", "text", "mood", "score", "due"],
        [1, "a", "good", 1, datetime.datetime(2024, 5, 1)],
        [2, "b", "=bad", None, None],
    ]
    assert (sheet.freeze_panes, sheet.auto_filter.ref, sheet.dimensions, filled.column) == ("A2", "A1:E3", "A1:E3", "C")
    assert (sheet["C3"].data_type, sheet["C3"].quotePrefix, sheet["E2"].is_date) == ("s", True, True)
    assert [sheet.column_dimensions[name].width for name in "CDE"] == [10, 10, 11]
    assert "'My ''data'''!$A$1:$E$3" in part(path, BOOK)
    assert [[cell.value for cell in row] for row in book["Details"].iter_rows()] == [["key"], ["a"], ["b"]]


def test_a_list_takes_the_columns_in(tmp_path: Path) -> None:
    path = save(book_of(lambda sheet: sheet.add_table(Table(displayName="T", ref="A1:B3"))), tmp_path / "in.xlsx")
    sheet = fill(path)[0].worksheets[0]
    (table,) = sheet.tables.values()
    assert (table.ref, table.autoFilter.ref) == ("A1:E3", "A1:E3")
    assert [column.name for column in table.tableColumns] == ["id", "text", "mood", "score", "due"]
    assert sheet.auto_filter.ref is None


def test_a_list_that_ends_elsewhere_is_left_alone(tmp_path: Path) -> None:
    path = save(book_of(lambda sheet: sheet.add_table(Table(displayName="T", ref="A1:B3"))), tmp_path / "in.xlsx")
    clash = VALUES.rename_columns(["TEXT", "score", "due"])
    sheet = fill(path, clash)[0].worksheets[0]
    assert next(iter(sheet.tables.values())).ref == "A1:B3"
    assert [cell.value for cell in sheet[1]] == ["id", "text", "TEXT", "score", "due"]


def test_own_filters_panes_and_widths_are_kept_and_widened(tmp_path: Path) -> None:
    def prepare(sheet: Worksheet) -> None:
        sheet.auto_filter.ref = "A1:B3"
        sheet.freeze_panes = "B2"

    columns = '<cols><col min="1" max="3" width="5"/><col min="4" max="90" width="7"/></cols><sheetData>'
    path = save(book_of(prepare), tmp_path / "in.xlsx", lambda xml: xml.replace("<sheetData>", columns))
    sheet = fill(path)[0].worksheets[0]
    assert (sheet.auto_filter.ref, sheet.freeze_panes) == ("A1:E3", "B2")
    found = part(path, SHEET)
    assert found[found.index("<cols>") : found.index("<sheetData>")] == (
        '<cols><col min="1" max="2" width="5"/><col min="3" max="3" width="10" customWidth="1"/>'
        '<col min="4" max="4" width="10" customWidth="1"/><col min="5" max="5" width="11" customWidth="1"/>'
        '<col min="6" max="90" width="7"/></cols>'
    )


def test_empty_cells_in_the_way_give_way_and_neighbours_lend_their_look(tmp_path: Path) -> None:
    def prepare(sheet: Worksheet) -> None:
        sheet["B2"].fill = sheet["D2"].fill = PatternFill("solid", fgColor="FFFF00")
        sheet["G2"] = "far away"

    sheet = fill(save(book_of(prepare), tmp_path / "in.xlsx"))[0].worksheets[0]
    assert [cell.value for cell in sheet[2]] == [1, "a", "good", 1, datetime.datetime(2024, 5, 1), None, "far away"]
    assert sheet["C2"].fill.fgColor.rgb == "00FFFF00"
    assert sheet["C3"].fill.fill_type is None


def test_days_of_an_old_macintosh_and_sheets_with_prefixes(tmp_path: Path) -> None:
    book = book_of()
    book.epoch = datetime.datetime(1904, 1, 1)
    sheet = fill(save(book, tmp_path / "in.xlsx"))[0].worksheets[0]
    assert sheet["E2"].value == datetime.datetime(2024, 5, 1)

    def prefixed(xml: str) -> str:
        for name in ("worksheet", "sheetData", "row", "c", "v", "is", "t", "sheetViews", "sheetView", "dimension"):
            xml = xml.replace(f"<{name} ", f"<x:{name} ").replace(f"<{name}>", f"<x:{name}>")
            xml = xml.replace(f"</{name}>", f"</x:{name}>")
        return (
            xml.replace("xmlns=", "xmlns:x=")
            .replace("<dimension", "<x:dimension")
            .replace("<selection", "<x:selection")
        )

    path = save(book_of(), tmp_path / "prefixed.xlsx", lambda xml: _without_rest(prefixed(xml)))
    sheet = fill(path)[0].worksheets[0]
    assert [cell.value for cell in sheet[2]] == [1, "a", "good", 1, datetime.datetime(2024, 5, 1)]


def _without_rest(xml: str) -> str:
    """What openpyxl writes beside the rows, for which the test has no prefixes."""
    head, rows, tail = xml.partition("<x:sheetData>")
    return head[: head.index(">") + 1] + rows + tail[: tail.index("</x:sheetData>")] + "</x:sheetData></x:worksheet>"


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("[Content_Types].xml", lambda xml: xml.replace("sheet.main", "sheet.macroEnabled.main"), "macros"),
        (BOOK, lambda xml: xml.replace("My 'data'", "Other"), "no sheet"),
        (BOOK, lambda xml: '<!DOCTYPE x [<!ENTITY e "x">]>' + xml, "document type"),
        (SHEET, lambda xml: xml.replace("<c ", "<c x='a/b' ", 1), "unusual form"),
        (SHEET, lambda xml: xml.replace('<row r="3"', '<row r="1"'), "not in order"),
    ],
    ids=["macros", "no sheet", "doctype", "odd cell", "order"],
)
def test_what_cannot_be_filled_in_is_refused(
    tmp_path: Path, name: str, change: Callable[[str], str], reason: str
) -> None:
    with pytest.raises(UnusualPart, match=reason):
        fill(save(book_of(), tmp_path / "in.xlsx", change, name))


def test_a_file_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in.xlsx").write_bytes(b"PK\x03\x04 no")
    with pytest.raises(UnusualPart):
        fill(tmp_path / "in.xlsx")
