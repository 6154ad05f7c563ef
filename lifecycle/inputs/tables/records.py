"""Plain objects of JSON as rows: in an array, one a line, or one after the other. Their fields are the columns."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import Raw

from batch.errors import Fault, InputError
from batch.requests.canonicalize import json_kind
from batch.requests.input_formats import numbered_lines
from batch.requests.row_checker import LINE_LIMIT_BYTES
from batch.sniffing.column_names import column_names
from batch.sniffing.json_values import ARRAY, LINES, json_values
from lifecycle.inputs.tables.reading import ReadAs
from lifecycle.inputs.tables.table import (
    BATCH_CHARS,
    BATCH_ROWS,
    MAX_COLUMNS,
    Batch,
    Table,
    column_type,
    too_many_columns,
    unique_column_names,
)
from lifecycle.inputs.tables.text import open_binary, open_text

GLANCE_RECORDS = 1000
_VALUE = "value"  # the column of elements that are no objects
_MARKS = frozenset({"request", "contents", "body", "params", "messages", "instances", "systemInstruction"})
_text = msgspec.json.Decoder(str).decode
_object = msgspec.json.Decoder(dict[str, Raw])
_value = msgspec.json.Decoder(Raw).decode
_elements = msgspec.json.Decoder(list[Raw]).decode
_BAD_LINE = Fault("The line is not a JSON object.", "Correct it, or leave it out.")
Record = dict[str, Raw]


@contextmanager
def open_records(source: Path | str, written: str, *, glance: bool = False, packed: str = "") -> Iterator[Table]:
    """A table of records. All of them are read once for their fields; at a `glance` just the first."""
    kinds: dict[str, set[str]] = {}
    for _, record in itertools.islice(_records(source, written), GLANCE_RECORDS if glance else None):
        if isinstance(record, dict):
            _note_kinds(record, kinds)
    if not kinds:
        raise InputError("The table is empty.", "Give at least one record.")
    names = column_names(list(kinds))
    notes = []
    if wrapped := wrapped_rows(source, written):
        notes.append(f'The rows are the objects in "{wrapped.name}"; what stands beside it was left out.')
    fields = [
        pa.field(name, column_type(kind))
        for name, kind in zip(unique_column_names(names), kinds.values(), strict=True)
    ]  # fmt: skip
    yield _RecordTable(
        names=names,
        schema=pa.schema(fields),
        read_as=ReadAs("json", packed=packed, encoding="utf-8"),
        source=source,
        written=written,
        fields=list(kinds),
        notes=notes,
    )


def are_requests(source: Path | str, written: str) -> bool:
    """Whether JSON holds requests for an API rather than plain records, by the first of them."""
    return any(is_request(set(record)) for record in itertools.islice(json_objects(source, written), 3))


def is_request(names: set[str]) -> bool:
    """Whether an object with these names is a request for an API: a quick look."""
    return bool(names & _MARKS) or {"model", "input"} <= names


def json_objects(source: Path | str, written: str) -> Iterator[Record]:
    """The objects of a JSON file, as far as they can be read."""
    return (record for _, record in _records(source, written) if isinstance(record, dict))


def _note_kinds(record: Record, kinds: dict[str, set[str]]) -> None:
    for name, value in record.items():
        if json_kind(value) != "null":
            kinds.setdefault(name, set()).add(field_kind(value))
        elif name not in kinds:
            kinds[name] = set()
        if len(kinds) > MAX_COLUMNS:
            raise too_many_columns()


def _records(source: Path | str, written: str) -> Iterator[tuple[int, Record | Fault]]:
    values = _values(source, written)
    first = list(itertools.islice(values, 2)) if written != ARRAY else []
    if wrapped := _wrapped(first):
        yield from enumerate(map(_record, map(bytes, wrapped.elements)), 1)
        return
    yield from itertools.chain(first, values)


def _values(source: Path | str, written: str) -> Iterator[tuple[int, Record | Fault]]:
    for number, raw in json_rows(source, written):
        yield number, raw if isinstance(raw, Fault) else _record(raw)


def wrapped_rows(source: Path | str, written: str) -> WrappedRows | None:
    """The rows of a file whose one object holds them in a field."""
    return _wrapped(itertools.islice(_values(source, written), 2)) if written != ARRAY else None


class WrappedRows(NamedTuple):
    """The field of a file's one object that holds the rows, and its elements."""

    name: str
    elements: list[Raw]


def _wrapped(first: Iterable[tuple[int, Record | Fault]]) -> WrappedRows | None:
    """The rows in a file of one object, as programs answer them: `{"count": 2, "data": [{…}, {…}]}`."""
    values = [record for _, record in first]
    if len(values) != 1 or isinstance(values[0], Fault) or is_request(set(values[0])):
        return None
    found = []
    for name, value in values[0].items():
        if json_kind(value) == "a list":
            elements = _elements(value)
            if len(elements) > 1 and all(json_kind(element) == "an object" for element in elements):
                found.append(WrappedRows(name, elements))
    return found[0] if len(found) == 1 else None


def json_rows(source: Path | str, written: str) -> Iterator[tuple[int, bytes | Fault]]:
    """The values of a JSON file, each with the number of its line, or of itself where lines say nothing."""
    if written != LINES:
        with open_text(source, []) as (text, _, _):
            yield from json_values(text, written, LINE_LIMIT_BYTES)
        return
    with open_binary(source) as (stream, _):
        for chunk in numbered_lines(stream, LINE_LIMIT_BYTES):
            for number, line in enumerate(chunk.lines, chunk.first):
                if line is None:
                    yield number, Fault("A line is too long.", "Make it shorter.")
                elif line := line.strip():
                    yield number, line


def _record(raw: bytes) -> Record | Fault:
    try:
        if raw[:1] == b"{":
            return _object.decode(raw)
        return {_VALUE: Raw(msgspec.json.encode(_value(raw)))}
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return _BAD_LINE


@dataclass(kw_only=True)
class _RecordTable(Table):
    source: Path | str
    written: str
    fields: list[str]

    def batches(self, text_columns: Sequence[int]) -> Iterator[Batch]:
        lines: list[int] = []
        records: list[Record] = []
        faults: list[tuple[int, Fault]] = []
        size = 0
        for number, record in _records(self.source, self.written):
            if isinstance(record, Fault):
                faults.append((number, record))
            else:
                lines.append(number)
                records.append(record)
                size += sum(map(len, map(bytes, record.values())))
            if len(records) + len(faults) >= BATCH_ROWS or size >= BATCH_CHARS:
                yield self._batch(lines, records, text_columns, faults)
                lines, records, faults, size = [], [], [], 0
        if records or faults:
            yield self._batch(lines, records, text_columns, faults)

    def _batch(
        self, lines: list[int], records: list[Record], text_columns: Sequence[int], faults: list[tuple[int, Fault]]
    ) -> Batch:
        columns = [[_cell(record.get(name)) for record in records] for name in self.fields]
        arrays = [
            pa.array(column, pa.string()).cast(field.type)
            for column, field in zip(columns, self.schema, strict=True)
        ]  # fmt: skip
        texts = {n: pa.array([cell or "" for cell in columns[n]], pa.string()) for n in text_columns}
        source_columns = pa.RecordBatch.from_arrays(arrays, schema=self.schema)
        return Batch(np.array(lines, np.int64), texts, source_columns, faults, 0.5)


def _cell(value: Raw | None) -> str | None:
    if value is None or json_kind(value) == "null":
        return None
    return field_text(value).encode("utf-8", "replace").decode()


def field_text(value: Raw) -> str:
    """A value as a text: a text as it is, anything else as its JSON."""
    with suppress(msgspec.MsgspecError, UnicodeDecodeError):
        if json_kind(value) == "a text":
            return _text(value)
    return bytes(value).decode("utf-8", "replace")


def field_kind(value: Raw) -> str:
    """The kind of a value, in the words of `column_type`."""
    kind = json_kind(value)
    if kind == "a number":
        digits = bytes(value)
        if not set(digits) & set(b".eE"):
            return "int" if len(digits) < 19 else "str"
        return "float" if math.isfinite(float(digits)) else "str"
    return "bool" if kind == "true or false" else "str"
