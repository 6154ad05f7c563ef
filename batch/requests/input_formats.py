"""The forms that inputs come in: their names, and how their lines, blocks and values read.

Works on streams that are passed in; whatever the size, memory is that of one piece.
"""

from __future__ import annotations

import codecs
import datetime
import decimal
import json
import math
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, Protocol

from batch.errors import InputError
from batch.requests.use_cache_marker import match_marker

LINES, BLOCKS, JSONL, CSV, TSV, PARQUET, XLSX, TXT = "lines", "blocks", "jsonl", "csv", "tsv", "parquet", "xlsx", "txt"
RECORDS = "records"  # plain objects of JSON, in an array or one a line
KINDS = (LINES, BLOCKS, JSONL, RECORDS, CSV, TSV, PARQUET, XLSX, TXT)
TABLE_KINDS = frozenset({RECORDS, CSV, TSV, PARQUET, XLSX})
SUFFIXES = {
    ".jsonl": JSONL, ".ndjson": JSONL, ".json": JSONL, ".csv": CSV, ".tsv": TSV, ".tab": TSV, ".parquet": PARQUET,
    ".pq": PARQUET, ".xlsx": XLSX, ".xlsm": XLSX, ".xlsb": XLSX, ".xls": XLSX, ".ods": XLSX, ".txt": TXT,
}  # fmt: skip
CHUNK_BYTES = 1 << 20


_MAGIC = {
    b"PAR1": ("Parquet", "Name it .parquet."),
    b"PK\x03\x04": ("a workbook or another ZIP archive", "Name a workbook .xlsx; unpack an archive."),
    b"\xd0\xcf\x11\xe0": ("a workbook in Excel's old form", "Save it as XLSX or CSV."),
    b"\x1f\x8b": ("compressed with gzip", "Unpack it."),
    b"%PDF": ("a PDF", "Use JSONL, a table, or plain text."),
}


def kind_of(name: str) -> str:
    """The kind of a file, guessed from its name's suffix. Raises InputError for a suffix that says nothing."""
    name = name[:-3] if name.lower().endswith(".gz") else name
    suffix = "." + name.rsplit(".", 1)[-1].lower() if "." in name else ""
    if suffix in SUFFIXES:
        return SUFFIXES[suffix]
    subject = f'A file ending in "{suffix}" is' if suffix else "A file without a suffix is"
    raise InputError(f"{subject} not an input.", "Use JSONL, CSV, TSV, Parquet, XLSX, or .txt with one prompt a line.")


class LineSource(Protocol):
    """A text that is read line by line, or `limit` characters of a line."""

    def readline(self, limit: int, /) -> str: ...


class LineChunk(NamedTuple):
    """Some whole lines of a stream. `lines` are without their line feed; None stands for one over the limit."""

    first: int
    lines: list[bytes | None]
    end: int


def numbered_lines(stream: BinaryIO, limit: int, chunk: int = CHUNK_BYTES) -> Iterator[LineChunk]:
    """Cut a stream into lines at line feeds. `first` is the 1-based number of a piece's first line, `end` the bytes
    read so far. A line over `limit` bytes is read past without being held. A byte order mark at the start is dropped.
    """
    number, end, unfinished, skipping = 1, 0, b"", False
    while block := stream.read(chunk):
        if not end:
            block = _strip_bom(block)
        end += len(block)
        lines: list[bytes | None] = list(block.split(b"\n"))
        head, *more = lines
        if more:
            lines[0] = None if skipping or len(unfinished) + len(head or b"") > limit else unfinished + (head or b"")
            tail = lines.pop() or b""
            lines = (
                [None if line is not None and len(line) > limit else line for line in lines] if chunk > limit else lines
            )
            yield LineChunk(number, lines, end)
            number, unfinished, skipping = number + len(lines), tail, False
        elif not skipping:
            unfinished += block
        if len(unfinished) > limit:
            unfinished, skipping = b"", True
    if unfinished or skipping:
        yield LineChunk(number, [None if skipping else unfinished], end)


def _strip_bom(block: bytes) -> bytes:
    if block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InputError("The file is in UTF-16.", "Save it as UTF-8.")
    reject_binary(block)
    return block.removeprefix(codecs.BOM_UTF8)


def reject_binary(start: bytes) -> None:
    """Raises InputError for a file that begins like one of another kind, whatever its name says."""
    for magic, (kind, remedy) in _MAGIC.items():
        if start.startswith(magic):
            raise InputError(f"The file is not text but {kind}.", remedy)


def text_lines(stream: LineSource, limit: int) -> Iterator[tuple[int, str | None]]:
    """The lines of a text with their numbers, each with its line end; None for one over `limit` characters."""
    number = 0
    while line := stream.readline(limit):
        number += 1
        if len(line) < limit or line.endswith(("\n", "\r")):
            yield number, line
            continue
        while (more := stream.readline(limit)) and not more.endswith(("\n", "\r")):
            pass
        yield number, None


def prompt_lines(stream: LineSource, limit: int) -> Iterator[tuple[int, str | None]]:
    """Prompts of one line each, with their numbers. A line `@use_cache NAME` belongs to the prompt in the next one."""
    pending: tuple[int, str] | None = None
    for number, line in text_lines(stream, limit):
        first, marker_line = pending or (number, "")
        if marker_line and line is not None and not line.strip():
            continue
        pending = None
        if line is not None and not marker_line and (match := match_marker(line)) and match.end() == len(line):
            pending = number, line
        else:
            yield first, None if line is None else marker_line + line
    if pending:
        yield pending


def blocks(stream: LineSource, limit: int) -> Iterator[tuple[int, str | None]]:
    """Prompts separated by blank lines, each with the number of its first line; line ends become line feeds.

    None stands for a block over `limit` characters.
    """
    first, lines, size = 0, list[str](), 0
    for number, line in text_lines(stream, limit):
        if line is None or line.strip():
            first = first or number
            size += limit + 1 if line is None else len(line)
            if size <= limit and line is not None:
                lines.append(line.rstrip("\r\n"))
        elif first:
            yield first, None if size > limit else "\n".join(lines)
            first, lines, size = 0, [], 0
    if first:
        yield first, None if size > limit else "\n".join(lines)


def as_text(value: object) -> str:
    """A cell's value as a person sees it: 3 rather than 3.0, dates in ISO form, nothing for nothing."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time() and value.tzinfo is None
        return value.date().isoformat() if midnight else value.isoformat(" ")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=as_text)
    return str(value)


def _float_text(value: float) -> str:
    if math.isnan(value):
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
