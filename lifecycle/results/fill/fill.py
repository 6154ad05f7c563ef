"""A table given back with the answers in it, or told why it cannot be."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc

from batch.errors import InputError
from lifecycle.core import malloc
from lifecycle.results.export.export import ExportOptions, ExportResult, about_lines, export, incomplete_notes
from lifecycle.results.fill.answers import TEXT, Answers
from lifecycle.results.fill.delimited import fill_delimited
from lifecycle.results.fill.given_table import PARQUET, RECORDS, WORKBOOK, GivenTable, given_table
from lifecycle.results.fill.names import ANSWER, free_names
from lifecycle.results.fill.parquet import fill_parquet
from lifecycle.results.fill.records import fill_records
from lifecycle.results.read.table import ResultTable
from lifecycle.results.workbook.fill_workbook import AddedColumns, AddedSheet, Place, fill_workbook
from lifecycle.results.workbook.xml_outline import UnusualPart

DETAILS, ABOUT = "Run details", "About the run"
AUTO, FILL, PLAIN = "auto", "fill", "plain"
WAYS = (AUTO, FILL, PLAIN)


def fillable(table: ResultTable, format: str) -> GivenTable | None:
    """The table that a run was made of, if it can be given back in this format."""
    if table.kind.vectors:
        return None
    given = given_table(table.folder)
    return given if given is not None and given.fits(format) else None


def export_table(
    table: ResultTable, path: Path, format: str, options: ExportOptions, *, way: str = AUTO
) -> ExportResult:
    """Write the flat rows, or the table as it was given with the answers in it.

    AUTO fills it where that can be done, FILL raises InputError where it cannot; where only some rows are asked for,
    the table is a plain one.
    """
    given = None if way == PLAIN else fillable(table, format)
    if given is not None and options.where:
        plain = export(table, path, format, options)
        return replace(plain, notes=("Only some rows were asked for, so this is a plain table.", *plain.notes))
    if given is None:
        if way == FILL:
            raise InputError(_NOT_GIVEN.format(format), "Choose the format that the table was in.")
        return export(table, path, format, options)
    try:
        return _fill(given, table, path, options)
    except (UnusualPart, ValueError, LookupError, EOFError, zipfile.BadZipFile, zlib.error, pa.ArrowException) as error:
        reason = f"{given.name or 'The table'} cannot be filled in: {str(error).rstrip('.')}."
        if way == FILL:
            raise InputError(reason, "Ask for a plain table.") from error
        plain = export(table, path, format, options)
        return replace(plain, notes=(f"{reason} This is a plain table.", *plain.notes))


_NOT_GIVEN = "This run was not made of a table in .{}, so there is none to fill in."


def _fill(given: GivenTable, table: ResultTable, path: Path, options: ExportOptions) -> ExportResult:
    notes = incomplete_notes(table, options.complete)
    answers = Answers(table, options, lists_as_json=given.format in (PARQUET, *RECORDS.values()))
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as stream:
            notes += _WRITERS.get(given.format, _delimited)(given, answers, " ".join(notes), stream)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
        malloc.release_free_memory()
    return ExportResult(path, table.reconciliation.sent, tuple(notes))


def _delimited(given: GivenTable, answers: Answers, incomplete: str, stream: IO[bytes]) -> list[str]:
    return fill_delimited(given, answers, incomplete, stream)


def _parquet(given: GivenTable, answers: Answers, incomplete: str, stream: IO[bytes]) -> list[str]:
    fill_parquet(given, answers, incomplete, stream)
    return []


def _records(given: GivenTable, answers: Answers, incomplete: str, stream: IO[bytes]) -> list[str]:
    fill_records(given, answers, incomplete, stream)
    return []


def _workbook(given: GivenTable, answers: Answers, incomplete: str, stream: IO[bytes]) -> list[str]:
    told = given.read_as
    names = free_names(answers.schema.names, given.columns, ANSWER)
    about = about_lines(answers.table, [incomplete] if incomplete else [])
    filled = fill_workbook(
        given.path,
        stream,
        Place(told.sheet, told.header_row, told.header_rows, told.first_row),
        AddedColumns(names, lambda: ((batch.lines, batch.answers) for batch in answers.batches()), answers.last_line),
        [
            AddedSheet(DETAILS, ["row", *_detail_names(answers)], lambda: _details(answers)),
            AddedSheet(ABOUT, ["About this run"], lambda: iter([pa.table({"line": pa.array(about, pa.string())})])),
        ],
    )
    place = f'The answers begin in column {filled.column}; what each row cost is on the sheet "{DETAILS}".'
    return [place, *filled.count.notes()]


def _detail_names(answers: Answers) -> list[str]:
    return [name for name in answers.account.names if name != "prompt"]


def _details(answers: Answers) -> Iterator[pa.Table]:
    """The account of each row; its text only where the answer could not be split into columns."""
    names = _detail_names(answers)
    for batch in answers.batches():
        account = batch.account.select(names)
        if TEXT in names:
            read = pc.is_valid(batch.answers.column(0))
            for column in batch.answers.columns[1:]:
                read = pc.or_(read, pc.is_valid(column))
            text = pc.if_else(read, pa.scalar(None, pa.string()), account.column(TEXT))
            account = account.set_column(names.index(TEXT), TEXT, text)
        yield account.add_column(0, "row", pa.array(batch.lines, pa.int64()))


_WRITERS = {WORKBOOK: _workbook, PARQUET: _parquet, **dict.fromkeys(RECORDS.values(), _records)}
