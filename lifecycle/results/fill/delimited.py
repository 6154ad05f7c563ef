"""CSV and TSV: the user's own bytes, with answers behind each record in the dialect that the file has."""

from __future__ import annotations

import codecs
import gzip
import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import IO, cast

import pyarrow as pa

from batch.formatting import plural
from lifecycle.inputs.tables.reading import ReadAs
from lifecycle.results.fill.answers import Answers
from lifecycle.results.fill.delimited_cells import CellStyle, Changes, encoded, has_decimal_comma, joined_cells
from lifecycle.results.fill.delimited_records import Dialect, Record, records
from lifecycle.results.fill.given_table import GivenTable
from lifecycle.results.fill.names import ANSWER, RUN, free_names
from lifecycle.results.workbook.xml_outline import UnusualPart

SAMPLE_ROWS = 200
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_WIDE = {
    codecs.BOM_UTF32_LE: "utf-32-le", codecs.BOM_UTF32_BE: "utf-32-be", codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}  # fmt: skip


def fill_delimited(given: GivenTable, answers: Answers, incomplete: str, stream: IO[bytes]) -> list[str]:
    """Write the table with the answers; returns notes about what could not be written as it is."""
    with _text(given) as (source, text), _encoder(stream, text) as out:
        return _Filling(given.read_as, given.columns, text, answers, incomplete).write(source, out)


@dataclass(frozen=True)
class _Text:
    """A text's mark at its start, its encoding, and whether it is worked on as UTF-8 in its place."""

    mark: bytes
    encoding: str
    wide: bool

    @property
    def inner(self) -> str:
        return "utf-8" if self.wide else self.encoding


@contextmanager
def _text(given: GivenTable) -> Iterator[tuple[IO[bytes], _Text]]:
    with ExitStack() as stack:
        file: IO[bytes] = stack.enter_context(given.path.open("rb"))
        if given.read_as.packed == "gzip":
            file = cast(IO[bytes], stack.enter_context(gzip.open(file, "rb")))
        elif given.read_as.packed == "zip":
            file = stack.enter_context(_only_file(stack.enter_context(zipfile.ZipFile(file))))
        start = file.read(4)
        mark = next((mark for mark in _MARKS if start.startswith(mark)), b"")
        file.seek(len(mark))
        name = codecs.lookup(given.read_as.encoding or "utf-8").name.removesuffix("-sig")
        name = _WIDE.get(mark, {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(name, name))
        text = _Text(mark, name, name.startswith(("utf-16", "utf-32")))
        yield (cast(IO[bytes], _Recoded(file, name)) if text.wide else file), text


def _only_file(archive: zipfile.ZipFile) -> IO[bytes]:
    inside = [entry for entry in archive.infolist() if not entry.is_dir() and not entry.filename.startswith("__MACOSX")]
    if len(inside) != 1:
        raise UnusualPart("its archive holds more than one file")
    return archive.open(inside[0])


class _Recoded(io.RawIOBase):
    """A text of two or four bytes a sign, read as UTF-8."""

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        self._file, self._decoder = file, codecs.getincrementaldecoder(encoding)("surrogatepass")

    def read(self, size: int = -1) -> bytes:
        while block := self._file.read(size):
            if text := self._decoder.decode(block):
                return text.encode("utf-8", "surrogatepass")
        return self._decoder.decode(b"", True).encode("utf-8", "surrogatepass")


class _Encoder:
    """Takes bytes in the inner encoding and writes them in the file's own."""

    def __init__(self, out: IO[bytes], text: _Text) -> None:
        self._out, self._encoding, self._wide = out, text.encoding, text.wide
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogatepass")

    def write(self, block: bytes) -> None:
        if self._wide:
            block = self._decoder.decode(block).encode(self._encoding, "surrogatepass")
        self._out.write(block)


@contextmanager
def _encoder(stream: IO[bytes], text: _Text) -> Iterator[_Encoder]:
    stream.write(text.mark)
    yield _Encoder(stream, text)


@dataclass
class _Filling:
    told: ReadAs
    own: Sequence[str]
    text: _Text
    answers: Answers
    incomplete: str
    changes: Changes = field(default_factory=Changes)

    def write(self, source: IO[bytes], out: _Encoder) -> list[str]:
        encoding = self.text.inner
        self._separator = (self.told.separator or ("\t" if self.told.format == "tsv" else ",")).encode(encoding)
        dialect = Dialect(self._separator, self.told.quote.encode(encoding), self.told.escape.encode(encoding))
        found = records(source, dialect, self.told.header_row or self.told.first_row)
        start = list(islice(found, self.told.first_row + SAMPLE_ROWS))
        self._last_header = self.told.header_row + max(self.told.header_rows, 1) - 1 if self.told.header_row else 0
        self._style = self._found_style(start, dialect)
        self._dialect = dialect
        names = [record for record in start if record.line == self._last_header]
        self._width = max(len(self.own), dialect.cells(names[0].text) if names else 0)
        self._line_end = next((record.end for record in start if record.end), b"\n")
        self._write_rows(iter(start), found, out)
        return list(self._notes())

    def _write_rows(self, start: Iterator[Record], rest: Iterator[Record], out: _Encoder) -> None:
        added = self._added()
        wanted = next(added, None)
        pieces, size = list[bytes](), 0
        for stream in (start, rest):
            for record in stream:
                text = record.text
                if wanted is not None and record.line == wanted[0]:
                    text = self._beside(text, wanted[1])
                    wanted = next(added, None)
                elif record.line == self._last_header:
                    text = self._beside(text, self._header())
                pieces += (text, record.end)
                size += len(text)
                if size > 1 << 20:
                    out.write(b"".join(pieces))
                    pieces, size = [], 0
        if wanted is not None:
            raise UnusualPart(f"its line {wanted[0]} is not where it was")
        out.write(b"".join(pieces))

    def _beside(self, text: bytes, added: bytes) -> bytes:
        """A record with cells behind its own, of which there are as many as columns."""
        if not self.told.separator:
            return self._alone(text) + self._separator + added
        missing = self._width - self._dialect.cells(text)
        if missing < 0:
            end = self._separator * -missing
            if not text.endswith(end):
                raise UnusualPart("a line has more cells than the table has columns")
            text = text[: missing * len(self._separator)]
        return text + self._separator * (max(missing, 0) + 1) + added

    def _alone(self, text: bytes) -> bytes:
        """The only cell of a record, quoted where it holds what now separates cells."""
        quote = self.told.quote.encode(self.text.inner)
        if not quote or text.startswith(quote) or not (self._separator in text or quote in text):
            return text
        return quote + text.replace(quote, quote * 2) + quote

    # -- what is added -----------------------------------------------------------------------------------------------

    def _columns(self) -> list[str]:
        answers = free_names(self.answers.schema.names, self.own, ANSWER)
        account = free_names(self.answers.account.names, [*self.own, *answers], RUN)
        return [
            *answers,
            *account,
            *(free_names(["incomplete"], [*self.own, *answers, *account], RUN) if self.incomplete else []),
        ]

    def _header(self) -> bytes:
        names = [pa.chunked_array([[name]], pa.string()) for name in self._columns()]
        return encoded(joined_cells(names, self._style, self.changes), self.text.inner, self.changes)[0]

    def _added(self) -> Iterator[tuple[int, bytes]]:
        mark = self.incomplete
        for batch in self.answers.batches():
            columns = [*batch.answers.columns, *batch.account.columns]
            if self.incomplete:
                columns.append(pa.chunked_array([[mark or None, *[None] * (len(batch.lines) - 1)]], pa.string()))
                mark = ""
            rows = encoded(joined_cells(columns, self._style, self.changes), self.text.inner, self.changes)
            yield from zip(batch.lines, rows, strict=True)

    def _found_style(self, start: list[Record], dialect: Dialect) -> CellStyle:
        """The file's own habits, as its first records show them."""
        style = CellStyle(self._separator.decode(self.text.inner), self.told.quote, self.told.escape)
        table = [
            record.text
            for record in start
            if record.line >= max(self._last_header, self.told.first_row - 1) and record.text
        ]
        cells = [dialect.quoted.sub(b'""', text).split(dialect.separator) if self.told.quote else [] for text in table]
        always = bool(table) and bool(self.told.quote) and all(cell == b'""' for row in cells for cell in row)
        plain = [cell for text in table[1:] for cell in text.split(dialect.separator)]
        comma = self.told.separator not in (",", "") and has_decimal_comma(plain)
        return replace(style, always=always, decimal_comma=comma, raw=self.answers.options.raw_cells)

    def _notes(self) -> Iterator[str]:
        if self.changes.flattened:
            cells = plural(self.changes.flattened, "cell")
            yield f"{cells} had line breaks or separators, which this file cannot hold; blanks stand for them."
        if self.changes.unwritable:
            rows, encoding = plural(self.changes.unwritable, "row"), self.text.encoding
            yield f"{rows} had letters that {encoding} does not have; question marks stand for them in this file."
        yield from self.changes.formulas.notes()
