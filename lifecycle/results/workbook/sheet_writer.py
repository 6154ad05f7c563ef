"""Rows of a new sheet, a batch of columns at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from lifecycle.results.workbook.cells import EPOCH, CellCount, cells, text_cell

QUOTED = "quoted"
StyleOf = Callable[[str], int]
"""The number of the style for QUOTED texts, a DATE or a MOMENT, or anything else ("")."""
Columns = Sequence[pa.Array | pa.ChunkedArray]


def header_row(names: Iterable[str], style: int, count: CellCount) -> str:
    """The row with the columns' names."""
    written = "".join(f'<c s="{style}"{text_cell(name, count)}' for name in names)
    return f"<row>{written}</row>"


def rows_xml(columns: Columns, style_of: StyleOf, count: CellCount, *, epoch: int = EPOCH) -> pa.Array:
    """Rows as XML, one text for each."""
    return pc.binary_join_element_wise("<row>", *(_cells(c, style_of, count, epoch) for c in columns), "</row>", "")


def joined(rows: pa.Array) -> memoryview:
    """All texts of an array, one after another, as they lie in memory."""
    _, offsets, data = rows.buffers()
    places = memoryview(offsets).cast("i")
    return memoryview(data)[places[rows.offset] : places[rows.offset + len(rows)]]


def _cells(column: pa.Array | pa.ChunkedArray, style_of: StyleOf, count: CellCount, epoch: int) -> pa.Array:
    found = cells(column, count, epoch=epoch)
    opening = f"<c{_style(style_of(found.kind))}"
    if found.quoted is None:
        return pc.fill_null(pc.binary_join_element_wise(opening, found.bodies, ""), "<c/>")
    openings = pc.if_else(found.quoted, f"<c{_style(style_of(QUOTED))}", opening)
    return pc.fill_null(pc.binary_join_element_wise(openings, found.bodies, ""), "<c/>")


def _style(number: int) -> str:
    return f' s="{number}"' if number else ""
