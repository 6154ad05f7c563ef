"""The cells of a sheet, without the rows and columns around them that are empty."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from python_calamine import CalamineSheet, CalamineWorkbook

SAMPLE_ROWS = 200
Cells = list[Any]


class Grid:
    """A sheet that was read. Rows are counted from 1, as its reader sees them, columns from 0 at its first used one."""

    def __init__(self, sheet: CalamineSheet) -> None:
        self.name = sheet.name
        self._sheet = sheet
        start = sheet.start or (0, 0)
        self.first_column: int = start[1]
        self.sample: list[tuple[int, Cells]] = list(islice(self.rows(), SAMPLE_ROWS))
        self.filled_rows = len(self.sample)
        self.used_columns = len({n for _, row in self.sample for n, cell in enumerate(row) if cell != ""})

    def rows(self) -> Iterator[tuple[int, Cells]]:
        """The rows that have something in them, with their numbers, in full width."""
        if self._sheet.start is None:
            return
        for number, row in enumerate(self._sheet.iter_rows(), 1):
            if any(row) or any(cell != "" for cell in row):  # nearly every row shows at once that it is not empty
                yield number, row

    @property
    def width(self) -> int:
        return self._sheet.width

    @property
    def merges(self) -> list[tuple[int, int, int, int]]:
        """The merged cells: first and last row from 1, first and last column as in `rows`."""
        ranges = self._sheet.merged_cell_ranges or []
        offset = self.first_column
        return [(top + 1, bottom + 1, left - offset, right - offset) for (top, left), (bottom, right) in ranges]


def read_grid(book: CalamineWorkbook, name: str) -> Grid:
    return Grid(book.get_sheet_by_name(name))


def column_letters(column: int) -> str:
    """The letters of a sheet's column, counted from 0."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
