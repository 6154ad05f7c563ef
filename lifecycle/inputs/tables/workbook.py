"""Workbooks."""

from __future__ import annotations

import datetime
import tempfile
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from batch.errors import InputError
from batch.requests.input_formats import as_text, column_names
from lifecycle.inputs.tables.damage import readable
from lifecycle.inputs.tables.reading import ReadAs
from lifecycle.inputs.tables.table import (
    BATCH_ROWS,
    Batch,
    Table,
    cell_count_fault,
    column_type,
    unique_column_names,
)

if TYPE_CHECKING:
    from openpyxl import Workbook

XLSX_UNPACKED_BYTES = 2_000_000_000  # a worksheet of a million rows stays below; a zip bomb does not
_WIDTH_REMEDY = "Give the column a name in the header, or empty the cell."


@contextmanager
def open_workbook(path: Path) -> Iterator[Table]:
    """A workbook's first sheet, spooled once as text: only then are the types of its columns known."""
    with tempfile.TemporaryDirectory() as folder:
        spool = Path(folder) / "sheet.parquet"
        with readable(path, "XLSX"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            names, kinds, notes = _copy_to_parquet(path, spool)
        fields = zip(unique_column_names(names), (column_type(kind) for kind in kinds), strict=True)
        with pq.ParquetFile(spool) as file:
            yield _XlsxTable(
                names=names, schema=pa.schema(list(fields)), read_as=ReadAs("xlsx"), notes=notes, file=file
            )


def _load_workbook(path: Path) -> Workbook:
    from openpyxl import load_workbook  # takes longer to import than anything else here, and only workbooks need it
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        return load_workbook(path, read_only=True, data_only=True)
    except InvalidFileException as error:
        raise ValueError(str(error)) from error


def _copy_to_parquet(path: Path, spool: Path) -> tuple[list[str], list[set[str]], list[str]]:
    with zipfile.ZipFile(path) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > XLSX_UNPACKED_BYTES:
            raise InputError(f"{path.name} is too large for XLSX.", "Export it as CSV or Parquet.")
    book = _load_workbook(path)
    try:
        sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"] or book.worksheets
        if not sheets:
            raise InputError(f"{path.name} has no worksheet.", "Choose another file.")
        sheet = sheets[0]
        sheet.reset_dimensions()
        rows = ((n, _trimmed(row)) for n, row in enumerate(sheet.iter_rows(values_only=True), 1))
        _, header = next(((n, row) for n, row in rows if row), (0, None))
        if header is None:
            raise InputError(f'The sheet "{sheet.title}" is empty.', "The first row names the columns.")
        header_names = [as_text(value) for value in header]
        names = column_names(header_names)
        notes = [] if names == header_names else ["Columns without a name of their own were given one."]
        if len(sheets) > 1:
            notes.append(f'Only the first sheet, "{sheet.title}", was read.')
        kinds: list[set[str]] = [set() for _ in names]
        _write_text_rows(rows, spool, kinds)
        return names, kinds, notes
    finally:
        book.close()


def _trimmed(row: Sequence[Any]) -> list[Any]:
    cells = list(row)
    while cells and (cells[-1] is None or cells[-1] == ""):
        cells.pop()
    return cells


def _write_text_rows(rows: Iterator[tuple[int, list[Any]]], spool: Path, kinds: list[set[str]]) -> None:
    width = len(kinds)
    schema = pa.schema([("line", pa.int64()), ("cells", pa.int32()), *((str(n), pa.string()) for n in range(width))])
    with pq.ParquetWriter(spool, schema, compression="lz4") as writer:
        pending: list[list[Any]] = []
        for line, row in rows:
            if not row:
                continue
            cells = row[:width] + [None] * (width - len(row))
            for kind, value in zip(kinds, cells, strict=True):
                if value is not None:
                    kind.add(_kind_of_value(value))
            pending.append([line, len(row), *(None if v is None else as_text(v) for v in cells)])
            if len(pending) >= BATCH_ROWS:
                writer.write_batch(_columns(pending, schema))
                pending = []
        if pending:
            writer.write_batch(_columns(pending, schema))


def _columns(rows: list[list[Any]], schema: pa.Schema) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    return pa.RecordBatch.from_arrays(
        [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema
    )


def _kind_of_value(value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int" if abs(value) < 2**63 else "str"
    if isinstance(value, float):
        return "float"
    if isinstance(value, datetime.datetime):
        return "date" if value.time() == datetime.time() else "datetime"
    return "date" if isinstance(value, datetime.date) else "str"


@dataclass(kw_only=True)
class _XlsxTable(Table):
    file: pq.ParquetFile

    def batches(self, text_columns: Sequence[int]) -> Iterator[Batch]:
        total, start, width = max(self.file.metadata.num_rows, 1), 0, len(self.names)
        for batch in self.file.iter_batches(batch_size=BATCH_ROWS):
            start += batch.num_rows
            lines, cells = batch.column(0).to_pylist(), batch.column(1).to_pylist()
            faults = [
                (line, cell_count_fault(n, width, _WIDTH_REMEDY))
                for line, n in zip(lines, cells, strict=True)
                if n > width
            ]
            if faults:
                batch = batch.filter(pa.array([n <= width for n in cells]))
                lines = batch.column(0).to_pylist()
            texts = {n: [value or "" for value in batch.column(n + 2).to_pylist()] for n in text_columns}
            typed = [batch.column(n + 2).cast(f.type) for n, f in enumerate(self.schema)]
            source_columns = pa.RecordBatch.from_arrays(typed, schema=self.schema)
            yield Batch(lines, texts, source_columns, faults, start / total)
