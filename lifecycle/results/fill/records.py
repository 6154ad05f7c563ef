"""JSON: the user's own objects, in an array or one a line as they came, with answers as further fields of each."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import IO

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from batch.errors import Fault
from batch.sniffing.json_values import ARRAY, LINES
from lifecycle.inputs.tables.forms import form_of
from lifecycle.inputs.tables.records import json_rows, wrapped_rows
from lifecycle.results.export.json_rows import given_json, json_column
from lifecycle.results.fill.answers import Answers
from lifecycle.results.fill.given_table import GivenTable
from lifecycle.results.fill.names import ANSWER, RUN, free_names
from lifecycle.results.workbook.xml_outline import UnusualPart


def fill_records(given: GivenTable, answers: Answers, incomplete: str, stream: IO[bytes]) -> None:
    """Write the objects with the answers; what was not sent stays as it is."""
    written = form_of(given.path).json
    if wrapped_rows(given.path, written):
        raise UnusualPart("its rows stand inside of an object")
    added = _added(given, answers, incomplete)
    number, fields = next(added, (0, b""))
    start, end = (b"[\n", b"\n]\n") if written == ARRAY else (b"", b"\n")
    between = b",\n" if written == ARRAY else b"\n"
    for place, value in _lines(given) if written == LINES else _values(given, written):
        stream.write(start)
        start = between
        if place == number:
            value = _with_fields(value, fields)
            number, fields = next(added, (0, b""))
        stream.write(value)
    if number:
        raise UnusualPart(f"its row {number} is not where it was")
    stream.write(end if start == between else b"")


def _lines(given: GivenTable) -> Iterator[tuple[int, bytes]]:
    with given.path.open("rb") as file:
        for number, line in enumerate(file, 1):
            yield number, line.strip(b"\r\n")


def _values(given: GivenTable, written: str) -> Iterator[tuple[int, bytes]]:
    for number, value in json_rows(given.path, written):
        if isinstance(value, Fault):
            raise UnusualPart(f"its element {number} cannot be read")
        yield number, value


def _with_fields(value: bytes, fields: bytes) -> bytes:
    own = value.removeprefix(codecs.BOM_UTF8).strip()
    if not (own.startswith(b"{") and own.endswith(b"}")):
        raise UnusualPart("a row of it is no object")
    inner = own[:-1].rstrip()
    return inner + (b"" if inner == b"{" else b",") + fields + b"}"


def _added(given: GivenTable, answers: Answers, incomplete: str) -> Iterator[tuple[int, bytes]]:
    """The place of each row that was sent, and the fields that are put behind its own."""
    names = free_names(answers.schema.names, given.columns, ANSWER)
    further = [*answers.account.names, *(["incomplete"] if incomplete else [])]
    names += free_names(further, [*given.columns, *names], RUN)
    nested = [n for n, field in enumerate(answers.table.reconciliation.fields) if field.type == "JSON"]
    mark = [incomplete] if incomplete else []
    for batch in answers.batches():
        columns = [*batch.answers.columns, *batch.account.columns]
        values = [given_json(column) if n in nested else json_column(column) for n, column in enumerate(columns)]
        if incomplete:
            marks = pa.chunked_array([pa.array([*mark, *[None] * (len(batch.lines) - len(mark))], pa.string())])
            values.append(json_column(marks))
            mark = []
        pieces: list[pa.Array | bytes] = []
        for name, column in zip(names, values, strict=True):
            pieces += [(b"," if pieces else b"") + orjson.dumps(name) + b":", column]
        yield from zip(batch.lines, pc.binary_join_element_wise(*pieces, b"").to_pylist(), strict=True)
