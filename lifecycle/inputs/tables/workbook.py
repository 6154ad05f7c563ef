"""Workbooks: a sheet of them as a table, by way of a file of texts that a process of its own writes."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from batch.errors import Fault, InputError
from lifecycle.inputs.tables.damage import readable
from lifecycle.inputs.tables.reading import ReadAs, TableReading
from lifecycle.inputs.tables.table import BATCH_ROWS, MAX_COLUMNS, Batch, Table, column_type, unique_column_names
from lifecycle.inputs.workbooks.messages import SheetJob, SheetReply
from lifecycle.inputs.workbooks.reader import ask_for_sheet

UNPACKED_BYTES = 2_000_000_000  # a worksheet of a million rows stays below; a zip bomb does not
_SAVE_AGAIN = "Open the file in a spreadsheet and save it, or leave the row out."


@contextmanager
def open_workbook(path: Path, reading: TableReading, *, packed: str = "") -> Iterator[Table]:
    """A sheet of a workbook: only when all of it was read are the types of its columns known."""
    _check_size(path)
    with tempfile.TemporaryDirectory() as folder:
        spool = Path(folder) / "sheet.parquet"
        job = SheetJob(
            str(path.absolute()), str(spool), reading.sheet, reading.header_row, reading.header_rows, MAX_COLUMNS
        )
        reply = ask_for_sheet(job)
        if reply.fault:
            raise InputError(f"{path.name} {reply.fault.rstrip('.')}.", reply.remedy)
        fields = zip(unique_column_names(reply.names), (column_type(set(kind)) for kind in reply.kinds), strict=True)
        with pq.ParquetFile(spool, pre_buffer=False) as file:
            yield _SheetTable(
                names=list(reply.names),
                schema=pa.schema(list(fields)),
                read_as=_read_as(reply, packed),
                notes=list(reply.notes),
                row_count=file.metadata.num_rows,
                file=file,
            )


def _check_size(path: Path) -> None:
    with readable(path, "XLSX"):
        if not zipfile.is_zipfile(path):
            return
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > UNPACKED_BYTES:
        raise InputError(f"{path.name} is too large for a workbook.", "Export it as CSV or Parquet.")


def _read_as(reply: SheetReply, packed: str) -> ReadAs:
    return ReadAs(
        reply.format,
        packed=packed,
        sheet=reply.sheet,
        sheets=reply.sheets,
        header_row=reply.header_row,
        header_rows=reply.header_rows,
        first_row=reply.first_row,
        skipped_lines=reply.skipped_rows,
        question=reply.question,
        remedy=reply.choice if reply.question else "",
    )


@dataclass(kw_only=True)
class _SheetTable(Table):
    file: pq.ParquetFile

    def batches(self, text_columns: Sequence[int]) -> Iterator[Batch]:
        total, start = max(self.file.metadata.num_rows, 1), 0
        for batch in self.file.iter_batches(batch_size=BATCH_ROWS):
            start += batch.num_rows
            batch, faults = self._without_hidden(batch, text_columns)
            lines = batch.column(0).to_numpy()
            texts = {n: batch.column(n + 2).fill_null("") for n in text_columns}
            typed = [batch.column(n + 2).cast(f.type) for n, f in enumerate(self.schema)]
            source_columns = pa.RecordBatch.from_arrays(typed, schema=self.schema)
            yield Batch(lines, texts, source_columns, faults, start / total)

    def _without_hidden(
        self, batch: pa.RecordBatch, text_columns: Sequence[int]
    ) -> tuple[pa.RecordBatch, list[tuple[int, Fault]]]:
        """The rows whose needed cells are what they seem: no formula without a value is among them."""
        marks = batch.column(1)
        if marks.null_count == len(marks):
            return batch, []
        needed, faults, kept = set(text_columns), [], []
        for line, mark in zip(batch.column(0).to_pylist(), marks.to_pylist(), strict=True):
            hidden = sorted(needed.intersection(map(int, mark.split(",")))) if mark else []
            kept.append(not hidden)
            if hidden:
                fault = f'The formula in "{self.names[hidden[0]]}" has no stored value, or an error.'
                faults.append((line, Fault(fault, _SAVE_AGAIN)))
        return batch.filter(pa.array(kept)), faults
