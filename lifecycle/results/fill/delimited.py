"""CSV and TSV: the user's own bytes, with answers behind each record in the dialect that the file has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import IO

import pyarrow as pa

from batch.formatting import plural
from lifecycle.results.fill.answers import Answers
from lifecycle.results.fill.delimited_cells import Changes, encoded, joined_cells
from lifecycle.results.fill.delimited_records import RECORD_LIMIT, split_line_end
from lifecycle.results.fill.given_table import GivenTable
from lifecycle.results.fill.given_text import Encoder, GivenText, open_text
from lifecycle.results.fill.habits import Habits, find_habits
from lifecycle.results.fill.names import ANSWER, RUN, free_names
from lifecycle.results.workbook.xml_outline import UnusualPart


def fill_delimited(given: GivenTable, answers: Answers, incomplete: str, stream: IO[bytes]) -> list[str]:
    """Write the table with the answers; returns notes about what could not be written as it is."""
    with open_text(given) as (source, text):
        habits = find_habits(given, text, source, next((batch.lines for batch in answers.batches()), []))
    with open_text(given) as (source, text):
        filling = _Filling(given, text, habits, answers, incomplete)
        filling.write(source, Encoder(stream, text))
    return list(filling.notes())


@dataclass
class _Filling:
    given: GivenTable
    text: GivenText
    habits: Habits
    answers: Answers
    incomplete: str
    changes: Changes = field(default_factory=Changes)

    def __post_init__(self) -> None:
        self._style = replace(self.habits.style, raw=self.answers.options.raw_cells)
        self._separator = self.habits.dialect.separator

    def write(self, source: IO[bytes], out: Encoder) -> None:
        told, reader = self.given.read_as, self.habits.reader(source, self.given.read_as)
        for line in reader.until(told.header_row):
            out.write(line)
        for left in reversed(range(told.header_rows if told.header_row else 0)):
            header = reader.record()
            if header is not None:
                out.write(header.text if left else self._beside(header.text, self._header()))
                out.write(header.end)
        no_answers = self._separator * (len(self._columns()) - 1)
        for number, cells in self._added():
            self._pass_over(reader.until(number), out, no_answers)
            record = reader.record() if reader.line == number else None
            if record is None:
                raise UnusualPart(f"its line {number} is not where it was")
            out.write(self._beside(record.text, cells))
            out.write(record.end)
        self._pass_over(reader.rest(), out, no_answers)
        out.flush()

    def _pass_over(self, lines: Iterable[bytes], out: Encoder, no_answers: bytes) -> None:
        """Write what was not sent. A whole row gets empty cells, so that all rows have as many."""
        dialect, width = self.habits.dialect, self.habits.width if self.given.read_as.separator else 0
        pieces: list[bytes] = []
        size = 0
        for line in lines:
            goes_on = bool(dialect.quote) and dialect.leaves_open(line, bool(pieces))
            pieces.append(line)
            size += len(line)
            if goes_on and size < RECORD_LIMIT:
                continue
            text, end = split_line_end(b"".join(pieces))
            is_row = width > 1 and not goes_on and dialect.cells(text) == width
            out.write(self._beside(text, no_answers) + end if is_row else text + end)
            pieces, size = [], 0
        out.write(b"".join(pieces))

    def _beside(self, text: bytes, added: bytes) -> bytes:
        """A record with cells behind its own, of which there are as many as columns."""
        if not self.given.read_as.separator:
            return self._alone(text) + self._separator + added
        missing = self.habits.width - self.habits.dialect.cells(text)
        if missing < 0:
            end = self._separator * -missing
            if not text.endswith(end):
                raise UnusualPart("a line has more cells than the table has columns")
            text = text[: missing * len(self._separator)]
        return text + self._separator * (max(missing, 0) + 1) + added

    def _alone(self, text: bytes) -> bytes:
        """The only cell of a record, quoted where it holds what now separates cells."""
        quote = self.habits.dialect.quote
        if not quote or text.startswith(quote) or not (self._separator in text or quote in text):
            return text
        return quote + text.replace(quote, quote * 2) + quote

    # -- what is added -----------------------------------------------------------------------------------------------

    def _columns(self) -> list[str]:
        answers = free_names(self.answers.schema.names, self.given.columns, ANSWER)
        account = free_names(self.answers.account.names, [*self.given.columns, *answers], RUN)
        return [
            *answers,
            *account,
            *(free_names(["incomplete"], [*self.given.columns, *answers, *account], RUN) if self.incomplete else []),
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

    def notes(self) -> Iterator[str]:
        if self.changes.flattened:
            cells = plural(self.changes.flattened, "cell")
            yield f"{cells} had line breaks or separators, which this file cannot hold; blanks stand for them."
        if self.changes.unwritable:
            rows, encoding = plural(self.changes.unwritable, "row"), self.text.encoding
            yield f"{rows} had letters that {encoding} does not have; question marks stand for them in this file."
        yield from self.changes.formulas.notes()
