"""What stands where in a sheet: its last own column, what lies right of it, and where answers can be put."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import IO

from lifecycle.results.workbook.columns import LAST_COLUMN, Range, parse_range
from lifecycle.results.workbook.sheet_scan import Row, SheetScan
from lifecycle.results.workbook.xml_outline import Element, UnusualPart, outline


@dataclass
class Survey:
    """A sheet as it is: `header_row` is the last with the columns' names (0: there are none), which take as many as
    `header_rows`; `first_row` is the first of the data.

    `left` and `right` are the first and last column of the table, `used` the columns right of it in which anything
    is; `last_row` is the last with anything in it, `header_style` the style of the last name.
    """

    header_row: int
    header_rows: int
    first_row: int
    head: bytes = b""
    tail: bytes = b""
    prefix: str = ""
    left: int = 0
    right: int = 0
    last_row: int = 0
    header_style: int = 0
    used: set[int] = field(default_factory=set)
    filled_rows: int = 0

    @property
    def top(self) -> int:
        """The first row of the table."""
        return self.header_row - self.header_rows + 1 if self.header_row else self.first_row

    @property
    def frame(self) -> bytes:
        """The sheet without its rows."""
        return self.head + self.tail

    def root(self) -> Element:
        """The outline of `frame`."""
        return outline(self.frame)

    def place_for(self, columns: int) -> int:
        """The first of so many free columns right of the table."""
        place = self.right + 1
        while taken := [column for column in range(place, place + columns) if column in self.used]:
            place = max(taken) + 1
        if place + columns > LAST_COLUMN + 1:
            raise UnusualPart("there is no room for more columns")
        return place


def survey(stream: IO[bytes], header_row: int, header_rows: int, first_row: int) -> Survey:
    """Read a sheet once, to know where answers can be put."""
    scan = SheetScan(stream)
    found = Survey(header_row, header_rows, first_row)
    for row in scan.rows():
        if row.number >= found.top:
            _look_at(found, scan, row)
    found.head, found.tail, found.prefix = scan.head, scan.tail, scan.prefix.decode()
    if not found.right:
        raise UnusualPart("the row with the names of its columns is empty" if header_row else "its sheet is empty")
    for merged in found.root().all("mergeCell"):
        _add_range(found, parse_range(merged.attribute("ref")))
    return found


def _look_at(found: Survey, scan: SheetScan, row: Row) -> None:
    if row.number <= found.header_row:
        named = [cell for cell in scan.cells(row.body) if cell.filled]
        if named:
            found.left = min(named[0].column, found.left or named[0].column)
            found.right, found.header_style = max(found.right, named[-1].column), named[-1].style
            found.last_row = row.number
        return
    last = scan.last_cell(row.body)
    if last is not None and last.filled and found.header_row and last.column <= found.right:
        found.last_row = row.number
        found.filled_rows += 1
        return
    columns = [cell.column for cell in scan.cells(row.body) if cell.filled]
    if not columns:
        return
    found.last_row = row.number
    found.filled_rows += 1
    if found.header_row:
        found.used.update(column for column in columns if column > found.right)
    else:
        found.left = min(columns[0], found.left or columns[0])
        found.right = max(found.right, *columns)


def _add_range(found: Survey, merged: Range | None) -> None:
    """What is merged is taken, where it reaches into the rows of the table."""
    if merged and merged.bottom >= found.top and merged.right > found.right:
        found.used.update(range(max(merged.left, found.right + 1), merged.right + 1))
