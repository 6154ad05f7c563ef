"""What every open table is: columns with names and types, and rows that come in batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from batch.errors import Fault, InputError
from lifecycle.inputs.tables.reading import ReadAs

BATCH_ROWS = 4096
BATCH_CHARS = 3_000_000
MAX_COLUMNS = 20_000
# The names that `inputs.parquet` has for itself.
RESERVED_NAMES = ("n", "key", "prompt", "line")


Lines = npt.NDArray[np.int64]


class Batch(NamedTuple):
    """Some rows.

    `lines` are their 1-based places in the source, `texts` the cells of the columns asked for, as arrays of texts
    without nulls (by column), `source_columns` every column with its type; rows that are broken are in `faults` only.
    """

    lines: Lines
    texts: dict[int, pa.StringArray]
    source_columns: pa.RecordBatch
    faults: list[tuple[int, Fault]]
    progress: float

    def parts(self, rows: int) -> Iterator[Batch]:
        """The same in batches of `rows` at most."""
        if len(self.lines) <= rows:
            yield self
            return
        for start in range(0, len(self.lines), rows):
            lines = self.lines[start : start + rows]
            first = lines[0] if start else 0
            following = self.lines[start + rows] if start + rows < len(self.lines) else None
            texts = {n: column.slice(start, rows) for n, column in self.texts.items()}
            faults = [one for one in self.faults if first <= one[0] and (following is None or one[0] < following)]
            yield Batch(lines, texts, self.source_columns.slice(start, rows), faults, self.progress)


@dataclass(kw_only=True)
class Table(ABC):
    """A table that is open for reading once. `schema` names the columns as `inputs.parquet` will have them.

    `row_count` is None where it is not known before the end; `notes` may grow until then.
    """

    names: list[str]
    schema: pa.Schema
    read_as: ReadAs
    notes: list[str] = field(default_factory=list)
    row_count: int | None = None

    @abstractmethod
    def batches(self, text_columns: Sequence[int]) -> Iterator[Batch]:
        """The rows in order. `text_columns` are those whose text is needed."""


def unique_column_names(names: Sequence[str], taken_names: Sequence[str] = RESERVED_NAMES) -> list[str]:
    """The columns' names in `inputs.parquet`: a name that is taken there gets "(input)" behind it."""
    taken = {name.casefold() for name in taken_names}
    out = []
    for name in names:
        stored = name
        while stored.casefold() in taken:
            stored += " (input)"
        taken.add(stored.casefold())
        out.append(stored)
    return out


def string_schema(names: Sequence[str]) -> pa.Schema:
    return pa.schema([(name, pa.string()) for name in unique_column_names(names)])


def column_type(kinds: set[str]) -> pa.DataType:
    """The narrowest type that holds values of all these kinds."""
    for wide, type_ in (
        ({"bool"}, pa.bool_()),
        ({"int"}, pa.int64()),
        ({"int", "float"}, pa.float64()),
        ({"date"}, pa.date32()),
        ({"date", "datetime"}, pa.timestamp("us")),
    ):
        if kinds and kinds <= wide:
            return type_
    return pa.string()


def too_many_columns() -> InputError:
    return InputError(f"The table has more than {MAX_COLUMNS:,} columns.", "Leave out what is not needed.")
