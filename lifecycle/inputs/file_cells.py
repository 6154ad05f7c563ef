"""Columns of a table whose cells name files or hold them: what each row's request takes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from batch.errors import Fault, InputError
from batch.formatting import quoted_list
from lifecycle.inputs.attachments import Attach, NamedFile
from lifecycle.inputs.tables.table import Table

_EMPTY = Fault("names no file.", "Fill it, or leave the row out.")
_NO_FILE = Fault("holds neither a name nor the bytes of a file.", "Give a path, an address, or bytes.")


class RowFiles(NamedTuple):
    """The parts that a row's request takes of its files; with a `fault` the row cannot be sent."""

    parts: tuple[bytes, ...] = ()
    fault: Fault | None = None


class FileColumns:
    """The file columns of one table. `schema` is the table's, with names in the place of bytes."""

    def __init__(self, table: Table, names: Sequence[str]) -> None:
        self.places = [_place(table, name) for name in names]
        self._labels = [table.names[place] for place in self.places]
        self.schema = table.schema
        self._held = [place for place in self.places if not _is_text(table.schema.field(place).type)]
        for place in self._held:
            self.schema = self.schema.set(place, self.schema.field(place).with_type(pa.string()))

    def read(self, columns: pa.RecordBatch, attach: Attach) -> tuple[list[RowFiles], pa.RecordBatch]:
        """The files of each row, and the rows as they are kept, without bytes."""
        cells = [[_files_of(cell) for cell in columns.column(place).to_pylist()] for place in self.places]
        attached = iter(attach([file for column in cells for files in column for file in files or ()]))
        rows = [RowFiles() for _ in range(columns.num_rows)]
        arrays = list(columns.columns)
        for label, place, column in zip(self._labels, self.places, cells, strict=True):
            names: list[str | None] = []
            for number, files in enumerate(column):
                results = [next(attached) for _ in files or ()]
                fault = _NO_FILE if files is None else _EMPTY if not files else None
                fault = next((result.fault for result in results if result.fault), fault)
                parts = tuple(part for result in results for part in result.parts)
                rows[number] = _joined(rows[number], RowFiles(parts, _in_column(label, fault)))
                names.append("; ".join(result.label for result in results) or None)
            if place in self._held:
                arrays[place] = pa.array(names, pa.string())
        return rows, pa.RecordBatch.from_arrays(arrays, schema=self.schema)


def _place(table: Table, name: str) -> int:
    folded = [column.casefold() for column in table.names]
    if name.casefold() not in folded:
        raise InputError(
            f'The table has no column "{name}" for files.', f"The columns are {quoted_list(table.names, 30)}."
        )
    return folded.index(name.casefold())


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _files_of(cell: Any) -> list[NamedFile] | None:
    """The files of a cell: text, bytes, a struct of bytes and path, or a list of these. None if it is none of them."""
    if cell is None or (isinstance(cell, (str, bytes)) and not cell.strip()):
        return []
    if isinstance(cell, str):
        return [NamedFile(cell.strip())]
    if isinstance(cell, bytes):
        return [NamedFile(data=cell)]
    if isinstance(cell, dict):
        data, path = cell.get("bytes"), cell.get("path")
        if isinstance(data, bytes) and data:
            return [NamedFile(path if isinstance(path, str) else "", data)]
        return [NamedFile(path.strip())] if isinstance(path, str) and path.strip() else []
    if isinstance(cell, list):
        inner = [_files_of(item) for item in cell]
        return None if None in inner else [file for files in inner for file in files or ()]
    return None


def _in_column(label: str, fault: Fault | None) -> Fault | None:
    return None if fault is None else Fault(f'"{label}": {fault.fault}', fault.remedy)


def _joined(first: RowFiles, second: RowFiles) -> RowFiles:
    return RowFiles(first.parts + second.parts, first.fault or second.fault)
