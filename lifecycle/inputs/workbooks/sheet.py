"""From a sheet to a file of texts: the header found, merged cells filled, kinds of values noted."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from python_calamine import CalamineWorkbook, PasswordError

from batch.formatting import plural, quoted_list
from batch.requests.input_formats import as_text
from batch.sniffing.column_names import column_names, joined_names
from batch.sniffing.header import Header, find_header
from batch.sniffing.totals import is_footer
from lifecycle.inputs.workbooks.grid import Cells, Grid, column_letters
from lifecycle.inputs.workbooks.hidden_values import hidden_cells
from lifecycle.inputs.workbooks.messages import SheetJob, SheetReply
from lifecycle.inputs.workbooks.sheet_choice import NoSheet, choose_sheet

BATCH_ROWS = 4096
MERGED_CELLS = 500_000
FOOTER_ROWS = 3
_PASSWORD = SheetReply("is protected by a password", "Save it without one.")
_MAGIC = {b"PK": "xlsx", b"\xd0\xcf": "xls"}


def read_sheet(job: SheetJob) -> SheetReply:
    """Do the job; what is wrong with the workbook is in the reply."""
    path = Path(job.path)
    try:
        with path.open("rb") as stream:
            start = stream.read(2)
        chosen = choose_sheet(CalamineWorkbook.from_path(path), job.sheet)
        table = SheetTable(chosen.grid, job)
    except PasswordError:
        return _PASSWORD
    except NoSheet as error:
        return SheetReply(f"cannot be used: {error}", error.remedy)
    if len(table.columns) > job.max_columns > 0:
        return SheetReply(f"has {len(table.columns):,} columns; that is too many", "Leave out what is not needed.")
    table.write(path, Path(job.spool))
    question = chosen.question or table.question
    return SheetReply(
        format=_format(path, start),
        sheet=chosen.grid.name,
        sheets=chosen.sheets,
        names=tuple(table.names),
        kinds=tuple(tuple(sorted(kind)) for kind in table.kinds),
        header_row=table.header_row,
        header_rows=table.header.rows,
        first_row=table.first_row,
        skipped_rows=table.skipped_rows,
        notes=(*chosen.notes, *table.notes),
        question=question,
        choice="Choose the sheet." if chosen.question else "Choose the header row, or say that there is none.",
    )


def _format(path: Path, start: bytes) -> str:
    suffix = path.suffix.lower().lstrip(".")
    return suffix if suffix in ("xlsx", "xlsm", "xlsb", "ods", "xls") else _MAGIC.get(start, "xlsx")


@dataclass
class SheetTable:
    """The table in a sheet. `columns` are the places in the sheet's rows that it takes."""

    grid: Grid
    job: SheetJob
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._texts = [(number, [as_text(cell) for cell in row]) for number, row in self.grid.sample]
        self.header, at = self._find_header()
        rows = self._texts
        self.header_row = rows[at][0] if self.header.row is not None else 0
        self.first_row = self.header_row + self.header.rows if self.header_row else self._first_data_row()
        self.skipped_rows = sum(number < (self.header_row or self.first_row) for number, _ in rows)
        self.question = self.header.question if self.job.header_row is None else ""
        given = self._names()
        self.columns = self._used_columns(given)
        kept = [given[place] if place < len(given) else "" for place in self.columns]
        self._letters = [column_letters(self.grid.first_column + place) for place in self.columns]
        self.names = column_names(kept, self._letters)
        self.kinds: list[set[str]] = [set() for _ in self.names]
        own = [n for n, name in enumerate(kept) if name.strip()]
        self._named = own if 0 < len(own) < len(kept) and self.header_row else []
        self._tell_unnamed(kept)

    def _find_header(self) -> tuple[Header, int]:
        """The header, and its place in the sample."""
        wanted, texts = self.job.header_row, [row for _, row in self._texts]
        if wanted == 0:
            return Header(None, 0, ()), 0
        if wanted:
            place = next((n for n, (number, _) in enumerate(self._texts) if number >= wanted), None)
            if place is None or self._texts[place][0] != wanted:
                raise NoSheet(f"Row {wanted} is empty, so it names no columns.", "Choose another header row.")
            return find_header(texts, spans=self._spans(), row=place, count=self.job.header_rows), place
        header = find_header(texts, spans=self._spans(), count=self.job.header_rows)
        if header.note:
            self.notes.append(header.note)
        return header, header.row or 0

    def _spans(self) -> frozenset[int]:
        """The places in the sample of rows with cells that span several columns, yet not all."""
        rows = {top for top, _, left, right in self.grid.merges if 0 < right - left < self.grid.width - 1}
        return frozenset(n for n, (number, _) in enumerate(self._texts) if number in rows)

    def _first_data_row(self) -> int:
        return self._texts[self.header.first][0] if self._texts else 1

    def _names(self) -> list[str]:
        """The names in the header's rows, groups spread over the columns that they span."""
        if self.header.rows < 2 or self.header.row is None or self.header.row not in self._spans():
            return list(self.header.names)
        upper, lower = (list(self._texts[self.header.row + n][1]) for n in (0, 1))
        for top, _, left, right in self.grid.merges:
            if top == self.header_row:
                for place in range(max(left, 0) + 1, min(right + 1, len(upper))):
                    upper[place] = upper[max(left, 0)]
        return joined_names(upper, lower, carry=False)

    def _used_columns(self, names: list[str]) -> list[int]:
        """The columns with a name, or with something below the header."""
        used = {n for n, name in enumerate(names) if name.strip()}
        for _, row in self._data_rows():
            if len(used) == len(row):
                break
            used.update(n for n, cell in enumerate(row) if n not in used and cell != "")
        return sorted(used)

    def _tell_unnamed(self, given: list[str]) -> None:
        unnamed = [letters for letters, own in zip(self._letters, given, strict=True) if not own.strip()]
        if unnamed and self.header_row:
            have = "Column {} has" if len(unnamed) == 1 else "Columns {} have"
            self.notes.append(f"{have.format(', '.join(unnamed[:5]))} no name in row {self.header_row}.")
        folded = [name.strip().casefold() for name in given if name.strip()]
        if len(set(folded)) < len(folded):
            self.notes.append("Columns that share a name were given numbers.")

    def _data_rows(self) -> Iterator[tuple[int, Cells]]:
        rows = self.grid.rows()
        for number, row in rows:
            if number >= self.first_row:
                yield number, row
                break
        yield from rows

    def write(self, path: Path, spool: Path) -> None:
        """Write the rows as texts."""
        writer = _SpoolWriter(spool, self.kinds)
        fills, strays = self._fills(), 0
        is_plain = self.columns == list(range(self.grid.width)) and not fills and not self._named
        rows = self._data_rows()
        with writer:
            last: list[tuple[int, Cells]] = []
            while batch := list(islice(rows, BATCH_ROWS)):
                kept = batch if is_plain else list(self._table_rows(batch, fills))
                strays += len(batch) - len(kept)
                last += kept
                writer.add(last[: -1 - FOOTER_ROWS])
                last = last[-1 - FOOTER_ROWS :]
            writer.add(self._without_footer(last))
        if strays:
            self.notes.append(f"Left out: {plural(strays, 'row')} with nothing in the columns that have names.")
        if fills:
            filled = sum(map(len, fills.values()))
            self.notes.append(f"Merged cells were filled down ({plural(filled, 'cell')}).")
        if writer.empty_cells and path.suffix.lower() in (".xlsx", ".xlsm", ""):
            self._mark_hidden(path, spool)

    def _table_rows(
        self, rows: list[tuple[int, Cells]], fills: dict[int, dict[int, Any]]
    ) -> Iterator[tuple[int, Cells]]:
        """The cells of the table's columns, without rows that have nothing in the columns with names."""
        for number, row in rows:
            cells = [row[place] for place in self.columns]
            for place, value in fills.get(number, {}).items():
                cells[place] = value
            if not self._named or any(cells[place] != "" for place in self._named):
                yield number, cells

    def _fills(self) -> dict[int, dict[int, Any]]:
        """What belongs into cells that are merged with one above them, by row and column of the table."""
        places = {place: n for n, place in enumerate(self.columns)}
        merges = [
            (top, bottom, places[left])
            for top, bottom, left, right in self.grid.merges
            if left == right and left in places and top >= self.first_row
        ]
        if not merges or sum(bottom - top for top, bottom, _ in merges) > MERGED_CELLS:
            return {}
        tops = {top for top, _, _ in merges}
        values = {
            (number, n): row[place]
            for number, row in self._data_rows()
            if number in tops
            for place, n in places.items()
        }  # fmt: skip
        fills: dict[int, dict[int, Any]] = {}
        for top, bottom, n in merges:
            for number in range(top + 1, bottom + 1):
                fills.setdefault(number, {})[n] = values.get((top, n), "")
        return fills

    def _without_footer(self, rows: list[tuple[int, Cells]]) -> list[tuple[int, Cells]]:
        left_out = 0
        while (
            len(rows) > 1 and left_out < FOOTER_ROWS and is_footer([as_text(c) for c in rows[-1][1]], len(self.names))
        ):
            rows = rows[:-1]
            left_out += 1
        if left_out:
            self.notes.append(f"{plural(left_out, 'row')} below the table (a total or a remark) left out.")
        return rows

    def _mark_hidden(self, path: Path, spool: Path) -> None:
        """Tell of cells that only look empty, and mark them in the spool."""
        hidden: set[tuple[int, int]] = set()
        with suppress(Exception):  # a workbook that reads otherwise is not refused for this
            hidden = hidden_cells(path, self.grid.name)
        places = {place + self.grid.first_column: n for n, place in enumerate(self.columns)}
        by_row: dict[int, list[int]] = {}
        for number, column in sorted(hidden):
            if column in places and number >= self.first_row:
                by_row.setdefault(number, []).append(places[column])
        if not by_row:
            return
        touched = quoted_list([self.names[n] for n in sorted({n for row in by_row.values() for n in row})], 5)
        count = sum(map(len, by_row.values()))
        self.notes.append(
            f"{plural(count, 'cell has', 'cells have')} a formula without a stored value, or an error, in {touched}."
            " Open the file in a spreadsheet and save it, to have the values."
        )
        table = pq.read_table(spool)
        marks = [",".join(map(str, by_row[n])) if n in by_row else None for n in table.column("line").to_pylist()]
        pq.write_table(table.set_column(1, "hidden", pa.array(marks, pa.string())), spool, compression="lz4")


class _SpoolWriter:
    """The file of texts. `kinds` takes note of the values, `empty_cells` tells whether any was empty."""

    def __init__(self, spool: Path, kinds: list[set[str]]) -> None:
        self._kinds = kinds
        columns = [pa.field(str(n), pa.string()) for n in range(len(kinds))]
        self._schema = pa.schema([pa.field("line", pa.int64()), pa.field("hidden", pa.string()), *columns])
        self._writer = pq.ParquetWriter(spool, self._schema, compression="lz4", use_dictionary=False)
        self.empty_cells = False

    def __enter__(self) -> _SpoolWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def add(self, rows: list[tuple[int, Cells]]) -> None:
        if not rows:
            return
        lines, cells = zip(*rows, strict=True)
        arrays = [pa.array(lines, pa.int64()), pa.nulls(len(lines), pa.string())]
        for kind, column in zip(self._kinds, zip(*cells, strict=True), strict=True):
            arrays.append(self._texts(kind, column))
        self._writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=self._schema))

    def _texts(self, kind: set[str], column: tuple[Any, ...]) -> pa.Array:
        """A column's cells as texts, null where there is nothing. Columns of one type are done as a whole."""
        if "" not in column:
            return self._filled_texts(kind, column)
        self.empty_cells = True
        filled = np.fromiter((value != "" for value in column), bool, len(column))
        texts = self._filled_texts(kind, tuple(value for value in column if value != ""))
        return texts.take(pa.array(np.cumsum(filled) - 1, mask=~filled))

    def _filled_texts(self, kind: set[str], column: tuple[Any, ...]) -> pa.Array:
        types = set(map(type, column))
        if types == {str}:
            kind.add("str")
            return pa.array(column, pa.string())
        if types == {float}:
            numbers = np.array(column)
            whole = (np.floor(numbers) == numbers) & (np.abs(numbers) < 1e15)
            if whole.all():
                kind.add("int")
                return pa.array(numbers.astype(np.int64)).cast(pa.string())
        elif types == {datetime.date}:
            kind.add("date")
            return pa.array(column, pa.date32()).cast(pa.string())
        kind.update(map(_kind, column))
        return pa.array(list(map(as_text, column)), pa.string())


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int" if abs(value) < 2**63 else "str"
    if isinstance(value, float):
        return "int" if value.is_integer() and abs(value) < 1e15 else "float"
    if isinstance(value, datetime.datetime):
        return "date" if value.time() == datetime.time() else "datetime"
    return "date" if isinstance(value, datetime.date) else "str"
