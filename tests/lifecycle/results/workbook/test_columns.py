"""Columns by letters and numbers."""

from __future__ import annotations

import pytest

from lifecycle.results.workbook.columns import Range, letters, number, parse_range


@pytest.mark.parametrize(("column", "name"), [(1, "A"), (26, "Z"), (27, "AA"), (702, "ZZ"), (16_384, "XFD")])
def test_letters_and_numbers_are_one_another(column: int, name: str) -> None:
    assert (letters(column), number(name), number(name.lower())) == (name, column, column)


def test_a_range_reads_as_it_is_written() -> None:
    assert parse_range("$B$2:AA10") == Range(2, 2, 27, 10)
    assert str(Range(2, 2, 27, 10)) == "B2:AA10"
    assert Range(1, 1, 2, 3).absolute == "$A$1:$B$3"
    assert parse_range("C4") == Range(3, 4, 3, 4)
    assert [parse_range(text) for text in ("", "A", "1:2", "A1:B2 C3", "Sheet!A1")] == [None] * 5
