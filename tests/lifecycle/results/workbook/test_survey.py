"""Where answers can stand in a sheet: right beside the table, unless something is there."""

from __future__ import annotations

import io

import pytest

from lifecycle.results.workbook.survey import Survey, survey
from lifecycle.results.workbook.xml_outline import UnusualPart


def row(number: int, *columns: str) -> str:
    return f'<row r="{number}">' + "".join(f'<c r="{name}{number}"><v>1</v></c>' for name in columns) + "</row>"


def look(*rows: str, header: int = 1, header_rows: int = 1, first: int = 2, tail: str = "") -> Survey:
    xml = f"<worksheet><sheetData>{''.join(rows)}</sheetData>{tail}</worksheet>"
    return survey(io.BytesIO(xml.encode()), header, header_rows, first)


def test_the_place_is_right_beside_the_last_name() -> None:
    found = look(row(1, "B", "C"), row(2, "B"), row(4, "C"))
    assert (found.left, found.right, found.last_row, found.place_for(2)) == (2, 3, 4, 4)


def test_the_place_is_the_first_gap_that_is_wide_enough() -> None:
    found = look(row(1, "A", "B"), row(2, "A", "E"), row(3, "A", "H"))
    assert [found.place_for(columns) for columns in (1, 2, 3)] == [3, 3, 9]
    assert look(row(1, "A"), row(2, "A"), tail='<mergeCells><mergeCell ref="A2:C2"/></mergeCells>').place_for(1) == 4


def test_what_stands_above_the_table_is_in_nobodys_way() -> None:
    assert look(row(1, "A", "Z"), row(3, "A", "B"), row(4, "A"), header=3, first=4).place_for(1) == 3


def test_two_rows_of_names_and_no_names_at_all() -> None:
    assert look(row(1, "A", "C"), row(2, "A", "B"), row(3, "A"), header=2, header_rows=2, first=3).right == 3
    found = look(row(1, "A", "D"), row(2, "B"), header=0, first=1)
    assert (found.left, found.right, found.header_row) == (1, 4, 0)


def test_there_may_be_no_room() -> None:
    with pytest.raises(UnusualPart, match="no room"):
        look(row(1, "A", "XFC"), row(2, "A")).place_for(2)
