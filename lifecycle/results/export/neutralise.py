"""Texts that a spreadsheet would run as formulas get an apostrophe in front, and are counted."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from batch.formatting import plural
from batch.responses.spreadsheet_text import FORMULA, NUMBER


class NeutralisedCount:
    """How many cells were changed."""

    def __init__(self) -> None:
        self.cells = 0

    def neutralise(self, column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
        """A column with no text in it that would be run."""
        if not pa.types.is_string(column.type):
            return column
        suspect = pc.match_substring_regex(column, FORMULA)
        if not pc.any(suspect, min_count=0).as_py():
            return column
        risky = pc.fill_null(pc.and_not(suspect, pc.match_substring_regex(column, NUMBER)), False)
        self.cells += pc.sum(risky).as_py() or 0
        return pc.if_else(risky, pc.binary_join_element_wise("'", column, ""), column)

    def notes(self) -> Iterator[str]:
        """What is said of it, if anything is to be said."""
        if self.cells:
            begins = "begins" if self.cells == 1 else "begin"
            yield (
                f"{plural(self.cells, 'cell')} beside your own {begins} like a formula and got an apostrophe in front,"
                " so that no spreadsheet runs it; raw cells leave it out."
            )
