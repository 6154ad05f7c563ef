"""Rows with an empty cell where the template names a column: counted, and left out if the user wants that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from batch.formatting import plural
from batch.model import EmptyCells
from lifecycle.inputs.columns.blank_cells import blank_cells

COLUMNS_NAMED = 5


class EmptyRows(NamedTuple):
    """How many of some rows have an empty cell, how many have one in each place, and which rows are to be sent."""

    rows: int
    by_place: list[int]
    sent: npt.NDArray[np.bool_]


class EmptyCellCount:
    """Counts rows as they pass. `names` are the columns that the template uses, in its order."""

    def __init__(self, names: Sequence[str], choice: EmptyCells) -> None:
        self.rows = 0
        self._names = names
        self._choice = choice
        self._by_place = [0] * len(names)

    def accept(self, cells: Sequence[str]) -> bool:
        """Look at one row's cells; whether the row is to be sent."""
        if all(cells) and not any(map(str.isspace, cells)):
            return True
        self.rows += 1
        for place, cell in enumerate(cells):
            self._by_place[place] += not cell or cell.isspace()
        return self._choice is EmptyCells.SEND

    def find(self, columns: Sequence[pa.StringArray], rows: int) -> EmptyRows:
        """Look at many rows at once. They count when they are added."""
        blank = [blank_cells(column) for column in columns]
        empty = np.logical_or.reduce(blank) if blank else np.zeros(rows, bool)
        sent = np.ones(rows, bool) if self._choice is EmptyCells.SEND else ~empty
        return EmptyRows(int(empty.sum()), [int(cells.sum()) for cells in blank], sent)

    def add(self, found: EmptyRows) -> None:
        """Count rows that were found."""
        self.rows += found.rows
        for place, cells in enumerate(found.by_place):
            self._by_place[place] += cells

    @property
    def skipped(self) -> int:
        return 0 if self._choice is EmptyCells.SEND else self.rows

    @property
    def columns(self) -> dict[str, int]:
        """How many rows are empty in each column, of those that any row is; a column named twice counts once."""
        counts = dict(zip(self._names, self._by_place, strict=True))
        return {name: count for name, count in counts.items() if count}

    def describe(self) -> str:
        """One sentence on what was counted; "" if no cell was empty."""
        return describe_empty_cells(self.rows, list(self.columns), self.skipped)


def describe_empty_cells(rows: int, columns: Sequence[str], skipped: int) -> str:
    """How many rows have empty cells in which columns, and whether they were left out; "" for none."""
    if not rows:
        return ""
    named = [f'"{name}"' for name in columns[:COLUMNS_NAMED]]
    more = ", …" if len(columns) > COLUMNS_NAMED else ""
    have = plural(rows, "row has an empty cell", "rows have empty cells")
    done = "left out" if skipped else "sent as they are"
    verb = ("was " if skipped else "is ") if rows == 1 else ("were " if skipped else "are ")
    done = done if rows > 1 else done.replace("they are", "it is")
    return f"{have} in {', '.join(named)}{more}, and {verb}{done}."
