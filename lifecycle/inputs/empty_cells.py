"""Rows with an empty cell where the template names a column: counted, and left out if the user wants that."""

from __future__ import annotations

from collections.abc import Sequence

from batch.formatting import plural
from batch.model import EmptyCells

COLUMNS_NAMED = 5


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
        if not self.rows:
            return ""
        named = [f'"{name}"' for name in list(self.columns)[:COLUMNS_NAMED]]
        more = ", …" if len(self.columns) > COLUMNS_NAMED else ""
        have = plural(self.rows, "row has an empty cell", "rows have empty cells")
        done = "left out" if self.skipped else "sent as they are"
        verb = ("was " if self.skipped else "is ") if self.rows == 1 else ("were " if self.skipped else "are ")
        done = done if self.rows > 1 else done.replace("they are", "it is")
        return f"{have} in {', '.join(named)}{more}, and {verb}{done}."
