"""Rows and cells are found in the bytes of a sheet, whoever wrote it."""

from __future__ import annotations

import io

import pytest

from lifecycle.results.workbook.sheet_scan import SheetScan
from lifecycle.results.workbook.xml_outline import UnusualPart


def scan(rows: str, prefix: str = "") -> SheetScan:
    p = prefix
    return SheetScan(
        io.BytesIO(f"<{p}worksheet><{p}sheetData>{rows}</{p}sheetData><rowBreaks/></{p}worksheet>".encode())
    )


def test_rows_come_in_order_with_all_that_is_around_them() -> None:
    found = scan('\n<row r="2" spans="1:2"><c r="A2"/></row> <row/><row r=\'7\'></row>\n')
    rows = list(found.rows())
    assert [(row.number, row.body) for row in rows] == [(2, b'<c r="A2"/>'), (3, b""), (7, b"")]
    assert found.head + b"".join(
        row.before + row.tag + row.body + (b"" if row.tag.endswith(b"/>") else b"</row>") for row in rows
    ) + found.trailing + found.tail == (
        b'<worksheet><sheetData>\n<row r="2" spans="1:2"><c r="A2"/></row> <row/><row r=\'7\'></row>\n'
        b"</sheetData><rowBreaks/></worksheet>"
    )


def test_cells_are_told_by_reference_or_by_their_order() -> None:
    found = scan("")
    cells = found.cells(
        b'<c r="B1" s="3"><v>1</v></c><c/><c t="s"><v></v></c><c r="AA1" t="inlineStr"><is><t>c</t></is></c>'
    )
    assert [(cell.column, cell.style, cell.filled) for cell in cells] == [
        (2, 3, True),
        (3, 0, False),
        (4, 0, False),
        (27, 0, True),
    ]
    last = found.last_cell(b'<c r="A1"/><c r="D1" s="2"><f>A1</f></c>\n')
    assert last is not None and (last.column, last.style, last.filled) == (4, 2, True)
    assert found.last_cell(b'<c r="A1"><is><r><rPr><color/></rPr></r></is></c>') is None  # to be read in full
    assert found.last_cell(b"<c/>") is None


def test_prefixed_sheets_are_read_alike() -> None:
    found = scan('<x:row r="1"><x:c r="C1"><x:v>1</x:v></x:c></x:row>', "x:")
    (row,) = found.rows()
    assert [(cell.column, cell.filled) for cell in found.cells(row.body)] == [(3, True)]


@pytest.mark.parametrize(
    "rows",
    ["<!-- <row> -->", "<row><![CDATA[</row>]]></row>", "<?x <row> ?>", '<row r="2"/><row r="2"/>', "<rowx/>", "<row>"],
)
def test_what_could_hide_a_row_is_refused(rows: str) -> None:
    with pytest.raises(UnusualPart):
        list(scan(rows).rows())


def test_what_is_no_cell_among_cells_is_refused() -> None:
    with pytest.raises(UnusualPart):
        scan("").cells(b'<c r="A1" x="a/b"/><c r="B1"/>')


def test_rows_over_the_border_of_a_block_are_whole() -> None:
    row = '<row r="{}"><c r="A{}" t="inlineStr"><is><t>' + "x" * 400_000 + "</t></is></c></row>"
    assert [one.number for one in scan("".join(row.format(n, n) for n in range(1, 8))).rows()] == list(range(1, 8))
