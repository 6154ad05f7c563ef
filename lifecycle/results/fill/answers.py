"""The answers of a run as columns for the table that it was made of, each row with its place in that table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lifecycle.core.run_files import INPUTS
from lifecycle.results.export.export import ExportOptions
from lifecycle.results.export.rows import answer_columns, flat_batches, flat_columns
from lifecycle.results.read.table import ALL_ROWS, ResultTable
from lifecycle.results.store.columns import RESULT_SCHEMA
from lifecycle.results.store.row_marks import MARK_COLUMNS, RowMark, mark_columns
from lifecycle.results.store.sorted_stream import SortedStream
from lifecycle.results.store.typed_columns import ARROW_TYPES

TEXT = "text"
_LINES = pa.schema([("n", pa.int64()), ("line", pa.int64())])


class AnswerBatch(NamedTuple):
    """Some rows: their places in the given table, ascending, and their answers and accounts by column."""

    lines: list[int]
    answers: pa.Table
    account: pa.Table


@dataclass(frozen=True)
class Answers:
    """A run's answers: the properties that were asked for, each with its type, or else the text. Lists are written
    one value after another, or as JSON.
    """

    table: ResultTable
    options: ExportOptions
    lists_as_json: bool = False

    @property
    def structured(self) -> bool:
        """Whether answers are split into columns."""
        return bool(self.table.reconciliation.fields)

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns of answers."""
        if self.structured:
            fields = self.table.reconciliation.fields
            columns = [pa.field(field.name, ARROW_TYPES[field.type]) for field in fields]
        else:
            columns = [pa.field(TEXT, pa.string())]
        pictures = [pa.field("pictures", pa.string())] if "pictures" in flat_columns(self.table) else []
        marks = [pa.field(name, pa.string()) for name in MARK_COLUMNS] if self.options.marks else []
        return pa.schema([*columns, *pictures, *marks])

    @cached_property
    def account(self) -> pa.Schema:
        """The other columns of the flat row, in its order; texts only where they are not the answer."""
        names = [name for name in flat_columns(self.table) if name not in self.schema.names or self._is_field(name)]
        return pa.schema([(name, _type(name)) for name in names])

    @cached_property
    def _marks(self) -> dict[str, RowMark]:
        return self.table.marks()

    def _is_field(self, name: str) -> bool:
        return self.structured and name != "pictures"

    @property
    def last_line(self) -> int:
        """The place of the last row in the given table."""
        lines = pq.read_table(self.table.folder / INPUTS, columns=["line"]).column("line")
        return int(lines[-1].as_py()) if len(lines) else 0

    def batches(self) -> Iterator[AnswerBatch]:
        """All rows of the run in input order."""
        found = flat_batches(
            self.table,
            ALL_ROWS,
            fields=self.structured,
            include_repaired=self.options.include_repaired,
            picture_names=self.options.picture_names,
            own=False,
        )
        with pq.ParquetFile(self.table.folder / INPUTS, pre_buffer=False) as inputs:
            places = SortedStream(_LINES, inputs.iter_batches(65_536, columns=_LINES.names, use_threads=False))
            for flat, rows in found:
                lines = places.read_until("n", rows.column("n")[-1].as_py() + 1).column("line").to_pylist()
                yield AnswerBatch(lines, self._answers(flat), flat.select(self.account.names))

    def _answers(self, flat: pa.Table) -> pa.Table:
        columns = [flat.column(name) for name in (answer_columns(self.table) if self.structured else [TEXT])]
        if self.structured and not self.lists_as_json:
            kinds = [field.type for field in self.table.reconciliation.fields]
            columns = [
                _readable(column) if kind == "JSON" else column for column, kind in zip(columns, kinds, strict=True)
            ]
        if "pictures" in flat_columns(self.table):
            columns.append(flat.column("pictures"))
        if self.options.marks:
            columns += mark_columns(self._marks, flat.column("key").to_pylist())
        return pa.table(columns, schema=self.schema)


def _type(name: str) -> pa.DataType:
    return RESULT_SCHEMA.field(name).type if name in RESULT_SCHEMA.names else pa.string()


def _readable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Lists of plain values one after another; what is nested otherwise stays JSON."""
    if not pc.any(pc.starts_with(column, "["), min_count=0).as_py():
        return column
    return pa.chunked_array([pa.array([_joined(text) for text in column.to_pylist()], pa.string())])


def _joined(text: str | None) -> str | None:
    values: Any = orjson.loads(text) if text and text[0] == "[" else None
    if not isinstance(values, list) or any(isinstance(value, dict | list) for value in values):
        return text
    return "; ".join(value if isinstance(value, str) else orjson.dumps(value).decode() for value in values)
