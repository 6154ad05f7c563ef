"""Exports: the flat rows, or the lines as received, to a file; streamed, in input order, filtered or whole.

A file appears under its name only when it is whole. JSON, JSONL and Parquet hold every text exactly; CSV and XLSX
neutralise what a spreadsheet would run; TXT is for reading.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import msgspec
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from batch.errors import InputError
from batch.formatting import money
from batch.responses.spreadsheet_text import input_column_names, outcome_lines, strip_illegal
from lifecycle.core import malloc
from lifecycle.results.export.json_rows import RowShape, json_rows
from lifecycle.results.export.neutralise import NeutralisedCount
from lifecycle.results.export.openai import openai_lines
from lifecycle.results.export.rows import PictureNaming, as_text, flat_batches, flat_schema, source_columns
from lifecycle.results.export.xlsx import Workbook
from lifecycle.results.read.table import ALL_ROWS, Filter, ResultTable
from lifecycle.results.store.row_marks import MARK_COLUMNS, RowMark, mark_columns
from lifecycle.results.store.shown_line import without_pictures

FORMATS = ("jsonl", "json", "csv", "tsv", "parquet", "xlsx", "txt")
LAYOUTS = ("flat", "gemini", "openai")
INCOMPLETE = "incomplete"  # what the first row of a result that is not whole has beside the others


@dataclass(frozen=True)
class ExportResult:
    """A finished export. `notes` are things its reader should know: what is incomplete, renamed or cut."""

    path: Path
    rows: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ExportOptions:
    """What to write and how. `complete` is false while the run is not finished. `bom` starts a CSV with a byte order
    mark, which Excel needs to see UTF-8. `fields` adds structured answers as typed columns (`include_repaired`: also
    those that needed repair); in JSON and JSONL, as `answer`. `picture_names` are those by which users know pictures.
    `raw_cells` leaves texts of CSV that a spreadsheet would take for formulas as they are. `marks` adds what was noted
    of rows on the page.
    """

    where: Filter = ALL_ROWS
    complete: bool = True
    bom: bool = False
    fields: bool = False
    include_repaired: bool = False
    picture_names: PictureNaming | None = None
    raw_cells: bool = False
    marks: bool = False


@dataclass
class _ExportJob:
    """One export under way. `incomplete` says why the result is not whole, "" if it is: the first row carries it."""

    table: ResultTable
    options: ExportOptions
    notes: list[str]
    incomplete: str
    rows: int = 0

    def batches(self) -> Iterator[tuple[pa.Table, pa.Table]]:
        options = self.options
        for flat, rows in flat_batches(
            self.table,
            options.where,
            fields=options.fields,
            include_repaired=options.include_repaired,
            picture_names=options.picture_names,
        ):
            self.rows += flat.num_rows
            yield flat, rows

    def tables(self) -> Iterator[pa.Table]:
        """The flat rows with the columns of `schema`."""
        marks = self.table.marks() if self.options.marks else {}
        for flat, _ in self.batches():
            if self.options.marks:
                for column in mark_columns(marks, flat.column("key").to_pylist()):
                    flat = flat.append_column(self.schema.field(flat.num_columns), column)
            if not self.incomplete:
                yield flat
                continue
            first = [self.incomplete] if self.rows == flat.num_rows else []
            mark = pa.array([*first, *[None] * (flat.num_rows - len(first))], pa.string())
            yield flat.append_column(self.schema.field(flat.num_columns), mark)

    @cached_property
    def schema(self) -> pa.Schema:
        schema = flat_schema(self.table, self.options.fields)
        added = [*(MARK_COLUMNS if self.options.marks else ()), *([INCOMPLETE] if self.incomplete else ())]
        for name in input_column_names(added, taken=schema.names).values():
            schema = schema.append(pa.field(name, pa.string()))
        return schema


Writer = Callable[[_ExportJob, IO[bytes]], None]


def export(
    table: ResultTable, path: Path, format: str, options: ExportOptions | None = None, *, layout: str = "flat"
) -> ExportResult:
    """Write rows to exactly `path`. `form` is "flat", or "gemini" for the lines as received (.jsonl; .json: a list),
    "openai" for those of OpenAI's batches (.jsonl).
    """
    write = _writer(format, layout)
    options = options or ExportOptions()
    notes = incomplete_notes(table, options.complete)
    job = _ExportJob(table, options, notes, " ".join(notes))
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as stream:
            write(job, stream)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
        malloc.release_free_memory()
    return ExportResult(path, job.rows, tuple(job.notes))


def format_of(path: Path) -> str:
    """The format that a file's name asks for; JSONL where it asks for none."""
    return path.suffix.lstrip(".").lower() or "jsonl"


def check_target(path: Path, layout: str) -> None:
    """Raises InputError where `export` could not write, so that nothing is paid for first."""
    _writer(format_of(path), layout)
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise InputError(f"{path} cannot be written.", "Choose a file in a folder that exists and can be written to.")


def _writer(format: str, layout: str) -> Writer:
    write = _WRITERS.get((layout, format.lower().lstrip(".")))
    if write is None:
        usable = [name for known_layout, name in _WRITERS if known_layout == layout]
        as_lines = {"gemini": " as lines as received", "openai": " in OpenAI's form"}.get(layout, "")
        raise InputError(f"Results cannot be written as {format!r}{as_lines}.", f"Use {', '.join(usable)}.")
    return write


def incomplete_notes(table: ResultTable, complete: bool) -> list[str]:
    """Why a result is not whole, in words; empty if it is."""
    account = table.reconciliation
    notes = [] if complete else ["INCOMPLETE: the run is not finished."]
    if account.missing:
        notes.append(f"INCOMPLETE: nothing came back for {account.missing:,} of {account.sent:,} rows.")
    return notes


# -- lines -----------------------------------------------------------------------------------------------------


class _ReceivedLines:
    """Received lines by their place; files are opened once."""

    def __init__(self, table: ResultTable, stack: ExitStack) -> None:
        self._paths = [table.folder / name for name in table.reconciliation.files]
        self._stack = stack
        self._open: dict[int, IO[bytes]] = {}

    def __call__(self, file: int | None, position: int, length: int) -> bytes:
        if file is None:
            return b""
        if file not in self._open:
            self._open[file] = self._stack.enter_context(self._paths[file].open("rb"))
        self._open[file].seek(position)
        return self._open[file].read(length)


def _flat_lines(job: _ExportJob) -> Iterator[bytes]:
    """Flat rows as JSON objects: `input` (own columns, if any), the flat row, `usage` and `response` as received.

    The first of an incomplete result begins with `incomplete`: a line of its own would be taken for a row.
    """
    fields = job.table.reconciliation.fields if job.options.fields else ()
    shape = RowShape(tuple(source_columns(job.table).values()), job.table.reconciliation.extras, fields)
    mark = b'{"incomplete":' + orjson.dumps(job.incomplete) + b"," if job.incomplete else b""
    marks = job.table.marks() if job.options.marks else {}
    with ExitStack() as stack:
        read = _ReceivedLines(job.table, stack)
        for flat, rows in job.batches():
            found = zip(_locations(rows), _pictures(rows), strict=True)
            received = [without_pictures(read(*place), shown) if shown else read(*place) for place, shown in found]
            keys = flat.column("key").to_pylist()
            for key, line in zip(keys, json_rows(flat, received, shape), strict=True):
                if job.options.marks:
                    row_mark = marks.get(key, RowMark())
                    line = line[:-1] + b"," + orjson.dumps({n: v or None for n, v in row_mark._asdict().items()})[1:]
                yield mark + line[1:] if mark else line
                mark = b""


def _pictures(rows: pa.Table) -> list[Any]:
    """The pictures of each row, None where it has none."""
    known = "pictures" in rows.column_names
    return rows.column("pictures").to_pylist() if known else [None] * rows.num_rows


def _locations(rows: pa.Table) -> Iterator[tuple[Any, ...]]:
    return zip(*(rows.column(name).to_pylist() for name in ("file", "position", "length")), strict=True)


def _raw_lines(job: _ExportJob) -> Iterator[bytes]:
    """Each row's line as received; rows without one are left out. A shared answer carries its own row's key."""
    with ExitStack() as stack:
        read = _ReceivedLines(job.table, stack)
        for _, rows in job.batches():
            keys = zip(rows.column("shared").to_pylist(), rows.column("key").to_pylist(), strict=True)
            for (shared, key), location in zip(keys, _locations(rows), strict=True):
                if line := read(*location).strip():
                    yield _rekeyed(line, key) if shared else line


def _openai_lines(job: _ExportJob) -> Iterator[bytes]:
    """Each row as OpenAI's batch would give it back."""
    with ExitStack() as stack:
        yield from openai_lines(job.table, job.batches(), _ReceivedLines(job.table, stack))


_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def _rekeyed(line: bytes, key: str) -> bytes:
    members = {name: orjson.Fragment(bytes(raw)) for name, raw in _members(line).items()}
    return orjson.dumps({**members, "key": key})


def _jsonl(lines: Callable[[_ExportJob], Iterator[bytes]]) -> Callable[[_ExportJob, IO[bytes]], None]:
    def write(job: _ExportJob, stream: IO[bytes]) -> None:
        for line in lines(job):
            stream.write(line + b"\n")

    return write


def _json(lines: Callable[[_ExportJob], Iterator[bytes]]) -> Callable[[_ExportJob, IO[bytes]], None]:
    """The lines as one list."""

    def write(job: _ExportJob, stream: IO[bytes]) -> None:
        stream.write(b"[")
        separator = b"\n"
        for line in lines(job):
            stream.write(separator + line)
            separator = b",\n"
        stream.write(b"\n]\n")

    return write


# -- tables ----------------------------------------------------------------------------------------------------


def _delimited(separator: str) -> Writer:
    """CSV or TSV. The input's own cells are left as they are; of all others, what a spreadsheet would run is not."""

    def write(job: _ExportJob, stream: IO[bytes]) -> None:
        schema, own = job.schema, len(source_columns(job.table))
        _note_names(job)
        if job.options.bom:
            stream.write(b"\xef\xbb\xbf")
        count = NeutralisedCount()
        written = pa.schema([(field.name, _csv_type(field.type)) for field in schema])
        options = pyarrow.csv.WriteOptions(delimiter=separator)
        with pyarrow.csv.CSVWriter(stream, written, write_options=options) as writer:
            for batch in job.tables():
                columns = [_csv_column(column, type) for column, type in zip(batch.columns, written.types, strict=True)]
                if not job.options.raw_cells:
                    columns[own:] = [count.neutralise(column) for column in columns[own:]]
                writer.write_table(pa.table(columns, schema=written))
        job.notes += count.notes()

    return write


def _csv_type(type: pa.DataType) -> pa.DataType:
    plain = pa.types.is_integer(type) or pa.types.is_floating(type) or pa.types.is_boolean(type)
    return type if plain else pa.string()


def _csv_column(column: pa.ChunkedArray, type: pa.DataType) -> pa.ChunkedArray:
    """A column as CSV holds it: numbers as they are, all else as text."""
    return column if type != pa.string() else pc.cast(as_text(column), pa.string())


def _parquet(job: _ExportJob, stream: IO[bytes]) -> None:
    schema = job.schema.with_metadata({"notes": "\n".join(job.notes)})
    _note_names(job)
    with pq.ParquetWriter(stream, schema, compression="zstd") as writer:
        for batch in job.tables():
            writer.write_table(batch.cast(schema))


def _xlsx(job: _ExportJob, stream: IO[bytes]) -> None:
    schema = job.schema
    _note_names(job)
    with Workbook(stream) as book:
        book.start("Results", schema.names)
        for batch in job.tables():
            book.write(batch.columns)
        if book.sheets > 1:
            job.notes.append(f"The rows go on over {book.sheets} sheets.")
        job.notes += book.count.notes()
        book.start("About", ["About these results"])
        book.write([pa.array(about_lines(job.table, job.notes), pa.string())])


def _note_names(job: _ExportJob) -> None:
    for stored, shown in source_columns(job.table).items():
        if stored != shown:
            job.notes.append(f"The input's column {stored!r} is named {shown!r} here.")


# -- text ------------------------------------------------------------------------------------------------------


def about_lines(table: ResultTable, notes: Sequence[str]) -> list[str]:
    """The account in words, incompleteness and other notes first."""
    account = table.reconciliation
    return [
        *notes,
        f"{account.sent:,} rows sent, {account.returned:,} lines returned: {account.matched:,} rows matched, "
        f"{account.missing:,} missing, {account.duplicate:,} duplicate, {account.unmatched:,} unmatched.",
        *([f"{account.reused:,} of these rows were answered by earlier runs, and not sent."] if account.reused else []),
        *outcome_lines(account.counts),
        f"Tokens: {account.usage.prompt:,} prompt ({account.usage.cached:,} of them cached), "
        f"{account.usage.candidates:,} output, {account.usage.thoughts:,} thoughts.",
        f"Cost: {'at least ' if account.unpriced and account.usd is not None else ''}{money(account.usd)}.",
        *account.notes,
    ]


def _txt(job: _ExportJob, stream: IO[bytes]) -> None:
    stream.write(("\n".join(about_lines(job.table, job.notes)) + "\n").encode())
    extras, own = job.table.reconciliation.extras, list(source_columns(job.table).values())
    for batch, _ in job.batches():
        for row in batch.select([*own, "key", "outcome", "prompt", "text", "error_message", *extras]).to_pylist():
            block = f"\n{'=' * 78}\n{row['key']}  [{row['outcome']}]\n"
            block += "".join(f"{name}: {row[name]}\n" for name in own if row[name] not in (None, ""))
            block += f"\n{row['prompt'] or ''}\n\n{'-' * 78}\n"
            block += f"{row['text'] or row['error_message']}\n"
            block += "".join(f"\n{EXTRA_LABELS[name]}: {row[name]}\n" for name in extras if row[name])
            stream.write(strip_illegal(block).encode())


EXTRA_LABELS = {
    "other_answers": "Other answers",
    "tool_calls": "Tool calls",
    "executed_code": "Code that was run",
}


_WRITERS: dict[tuple[str, str], Writer] = {
    ("flat", "jsonl"): _jsonl(_flat_lines),
    ("flat", "json"): _json(_flat_lines),
    ("flat", "csv"): _delimited(","),
    ("flat", "tsv"): _delimited("\t"),
    ("flat", "parquet"): _parquet,
    ("flat", "xlsx"): _xlsx,
    ("flat", "txt"): _txt,
    ("gemini", "jsonl"): _jsonl(_raw_lines),
    ("gemini", "json"): _json(_raw_lines),
    ("openai", "jsonl"): _jsonl(_openai_lines),
}
