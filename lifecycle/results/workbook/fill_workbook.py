"""The user's own workbook with columns added right beside the table on one of its sheets, and sheets at its end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc

from batch.responses.spreadsheet_text import SHEET_ROWS
from lifecycle.results.workbook.book import Book
from lifecycle.results.workbook.cells import EPOCH, EPOCH_1904, CellCount, Cells, cells, text_cell
from lifecycle.results.workbook.columns import letters
from lifecycle.results.workbook.list_object import extend_list, list_ranges
from lifecycle.results.workbook.package import Package
from lifecycle.results.workbook.sheet_frame import SheetFrame
from lifecycle.results.workbook.sheet_scan import Row, SheetScan
from lifecycle.results.workbook.sheet_writer import QUOTED, header_row, joined, rows_xml
from lifecycle.results.workbook.styles import Styles
from lifecycle.results.workbook.survey import survey
from lifecycle.results.workbook.xml_outline import UnusualPart

NARROW, WIDE = 10.0, 60.0
_SPANS = re.compile(rb"\sspans=[\"'][^\"']*[\"']")
_TAGS = re.compile(r"<(/?)(c|v|is|t)\b")
_BLOCK = 1 << 20
NumberedRows = Iterator[tuple[Sequence[int], pa.Table]]


@dataclass(frozen=True)
class Place:
    """Where a table is: its sheet ("": the first that is shown), the first row with the columns' names (0: there are
    none) and how many these take, and the first row of data.
    """

    sheet: str
    header_row: int
    header_rows: int
    first_row: int


@dataclass(frozen=True)
class AddedColumns:
    """Columns by name, and their values with the numbers of the rows they belong to, ascending up to `last_row`."""

    names: Sequence[str]
    batches: Callable[[], NumberedRows]
    last_row: int = 0


@dataclass(frozen=True)
class AddedSheet:
    """A sheet of its own."""

    title: str
    names: Sequence[str]
    batches: Callable[[], Iterator[pa.Table]]


@dataclass
class Filled:
    """What was done: the first of the new columns by its letters, and cells that could not be written as they are."""

    column: str
    count: CellCount = field(default_factory=CellCount)


def fill_workbook(
    source: Path, stream: IO[bytes], place: Place, columns: AddedColumns, sheets: Sequence[AddedSheet]
) -> Filled:
    """Write the workbook with all that is added. Raises UnusualPart for one that cannot be edited with certainty."""
    package = Package(source)
    try:
        return _Filling(package, place, columns).write(stream, sheets)
    finally:
        package.close()


class _Filling:
    def __init__(self, package: Package, place: Place, columns: AddedColumns) -> None:
        self._package, self._columns = package, columns
        self._book = Book(package)
        self._position, self._sheet_name, self._sheet = self._book.sheet(place.sheet)
        last_header = place.header_row + max(place.header_rows, 1) - 1 if place.header_row else 0
        with package.open(self._sheet) as stream:
            self._survey = survey(stream, last_header, max(place.header_rows, 1), place.first_row)
        self._styles_part = self._book.part("styles")
        self._styles = Styles(package.read(self._styles_part) if self._styles_part else None)
        self._epoch = EPOCH_1904 if self._book.counts_from_1904 else EPOCH
        self._lists = list_ranges(package, self._sheet)
        for covered in self._lists.values():
            if covered.right > self._survey.right and covered.bottom >= self._survey.top:
                taken = range(max(covered.left, self._survey.right + 1), covered.right + 1)
                self._survey.used.update(taken)
        self._survey.last_row = columns.last_row or self._survey.last_row  # below it, there are sums and remarks
        self._at = self._survey.place_for(len(columns.names))
        self._filled = Filled(letters(self._at))

    def write(self, stream: IO[bytes], sheets: Sequence[AddedSheet]) -> Filled:
        batches = self._columns.batches()
        first = next(batches, None)
        widths = _widths(self._columns.names, first[1] if first else None)
        adjacent = self._at == self._survey.right + 1
        names = list(self._columns.names)
        extended = adjacent and any(extend_list(self._package, p, self._survey, names) for p in self._lists)
        frame = SheetFrame(self._survey, self._at, widths, in_table=extended or bool(self._lists))
        head, tail = frame.written()
        if frame.filtered:
            self._book.name_filter(self._position, self._sheet_name, frame.filtered)
        rows = chain([first] if first else [], batches)
        self._package.writers[self._sheet] = lambda out: self._write_sheet(out, head, tail, rows)
        for sheet in sheets:
            path = self._book.add_sheet(sheet.title)
            del self._package.changes[path]
            self._package.writers[path] = lambda out, sheet=sheet: self._write_added(out, sheet)  # type: ignore[misc]
        if self._styles_part:
            self._package.last[self._styles_part] = self._styles.written
        self._package.write(stream)
        return self._filled

    # -- the sheet with the table ------------------------------------------------------------------------------------

    def _write_sheet(self, out: IO[bytes], head: bytes, tail: bytes, batches: NumberedRows) -> None:
        out.write(head)
        with self._package.open(self._sheet) as stream:
            scan = SheetScan(stream)
            added = self._added_cells(batches, scan)
            wanted = next(added, None)
            pieces, size = list[bytes](), 0
            for row in scan.rows():
                piece = b"".join((row.before, row.tag, row.body, _close(row, scan.prefix)))
                if row.number == self._survey.header_row:
                    piece = self._extend(row, scan, lambda style, number: self._header_cells(number))
                elif wanted is not None and row.number == wanted[0]:
                    piece = self._extend(row, scan, wanted[1])
                    wanted = next(added, None)
                pieces.append(piece)
                size += len(piece)
                if size >= _BLOCK:
                    out.write(b"".join(pieces))
                    pieces, size = [], 0
            if wanted is not None:
                raise UnusualPart(f"its row {wanted[0]} is not where it was")
        out.write(b"".join([*pieces, scan.trailing, tail]))

    def _extend(self, row: Row, scan: SheetScan, write: Callable[[int, int], str]) -> bytes:
        """A row with cells put in; empty ones in their place give way."""
        if row.tag.endswith(b"/>"):
            raise UnusualPart(f"its row {row.number} is empty")
        last, body = scan.last_cell(row.body), row.body
        if last is not None and last.column < self._at:
            before, after, style = body, b"", last.style
        else:
            found = scan.cells(body)
            own = [cell for cell in found if cell.column < self._at]
            later = [cell for cell in found if cell.column >= self._at + len(self._columns.names)]
            if any(cell.filled for cell in found[len(own) : len(found) - len(later)]):
                raise UnusualPart(f"something stands in the way in its row {row.number}")
            before = body[: own[-1].end] if own else b""
            after = body[later[0].start :] if later else b""
            style = own[-1].style if own else 0
        tag = _SPANS.sub(b"", row.tag)
        return b"".join((row.before, tag, before, write(style, row.number).encode(), after, _close(row, scan.prefix)))

    def _header_cells(self, row: int) -> str:
        style = _style(self._survey.header_style)
        return self._prefixed(
            "".join(
                f'<c r="{letters(self._at + n)}{row}"{style}{text_cell(name, self._filled.count)}'
                for n, name in enumerate(self._columns.names)
            )
        )

    def _added_cells(self, batches: NumberedRows, scan: SheetScan) -> Iterator[tuple[int, Callable[[int, int], str]]]:
        """For each row, by number, what writes its cells, given the style beside them and the number."""
        places = [f'<c r="{letters(self._at + n)}' for n in range(len(self._columns.names))]
        for numbers, table in batches:
            columns = [cells(self._storable(c), self._filled.count, epoch=self._epoch) for c in table.columns]
            bodies = zip(*(column.bodies.to_pylist() for column in columns), strict=True)
            kinds = zip(*(_kinds(column, len(numbers)) for column in columns), strict=True)
            for number, row, row_kinds in zip(numbers, bodies, kinds, strict=True):
                yield number, partial(self._row_cells, places, row, row_kinds)

    def _row_cells(
        self, places: Sequence[str], bodies: Sequence[str | None], kinds: Sequence[str], style: int, number: int
    ) -> str:
        written, beside = "", self._styles.beside
        for place, body, kind in zip(places, bodies, kinds, strict=True):
            if body is not None:
                written += f'{place}{number}"{_style(beside(style, kind))}{body}'
        return self._prefixed(written)

    def _storable(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """Dates as texts where no style can show them as dates."""
        return column if self._styles.can_add or not pa.types.is_temporal(column.type) else pc.cast(column, pa.string())

    def _prefixed(self, written: str) -> str:
        p = self._survey.prefix
        return _TAGS.sub(rf"<\1{p}\2", written) if p else written

    # -- further sheets ----------------------------------------------------------------------------------------------

    def _write_added(self, out: IO[bytes], sheet: AddedSheet) -> None:
        count = self._filled.count
        widths = "".join(
            f'<col min="{n}" max="{n}" width="{min(WIDE, max(NARROW, len(name) + 3)):g}" customWidth="1"/>'
            for n, name in enumerate(sheet.names, 1)
        )
        out.write(
            (
                '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
                f'<worksheet xmlns="{self._book.namespace}"><cols>{widths}</cols><sheetData>'
                f"{header_row(sheet.names, self._survey.header_style, count)}"
            ).encode()
        )
        rows = 1
        for table in sheet.batches():
            rows += table.num_rows
            if rows > SHEET_ROWS:
                raise UnusualPart("it has as many rows as a sheet can hold")
            columns = [self._storable(column) for column in table.columns]
            out.write(joined(rows_xml(columns, lambda kind: self._styles.beside(0, kind), count, epoch=self._epoch)))
        out.write(b"</sheetData></worksheet>")


def _widths(names: Sequence[str], table: pa.Table | None) -> list[float]:
    """Widths that show the names, and the first values as far as they are short."""
    found = []
    for n, name in enumerate(names):
        values = table.column(n)[:200] if table is not None else pa.chunked_array([[]], pa.string())
        texts = pc.cast(values, pa.string()) if not pa.types.is_string(values.type) else values
        longest = pc.max(pc.utf8_length(texts)).as_py() or 0
        found.append(min(WIDE, max(NARROW, len(name) + 4, longest + 1)))
    return found


def _kinds(column: Cells, rows: int) -> Iterable[str]:
    """What each cell of a column needs its style for."""
    if column.quoted is None:
        return repeat(column.kind, rows)
    return (QUOTED if sign else column.kind for sign in column.quoted.to_pylist())


def _close(row: Row, prefix: bytes) -> bytes:
    return b"" if row.tag.endswith(b"/>") else b"</" + prefix + b"row>"


def _style(number: int) -> str:
    return f' s="{number}"' if number else ""
