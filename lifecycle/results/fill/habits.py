"""How a table of text is written, as its first records show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from lifecycle.inputs.tables.reading import ReadAs
from lifecycle.results.fill.delimited_cells import CellStyle, has_decimal_comma
from lifecycle.results.fill.delimited_records import Dialect, RecordReader
from lifecycle.results.fill.given_table import GivenTable
from lifecycle.results.fill.given_text import GivenText

SAMPLE_ROWS = 200


@dataclass(frozen=True)
class Habits:
    """A table's dialect, how its cells are written, and how many of them stand beside one another."""

    dialect: Dialect
    style: CellStyle
    width: int

    def reader(self, source: IO[bytes], told: ReadAs) -> RecordReader:
        """What reads the table."""
        return RecordReader(source, self.dialect, returns=told.line_end == "\r")


def find_habits(given: GivenTable, text: GivenText, source: IO[bytes], lines: Sequence[int]) -> Habits:
    """Look at the header and the first rows, which begin on these lines."""
    told, encoding = given.read_as, text.inner
    separator = told.separator or ("\t" if told.format == "tsv" else ",")
    dialect = Dialect(separator.encode(encoding), told.quote.encode(encoding), told.escape.encode(encoding))
    reader = RecordReader(source, dialect, returns=told.line_end == "\r")
    header = _records(reader, range(told.header_row, told.header_row + told.header_rows) if told.header_row else ())
    rows = _records(reader, lines[:SAMPLE_ROWS])
    width = max([len(given.columns), *(dialect.cells(record) for record in header[-1:])])
    plain = [cell for row in rows for cell in row.split(dialect.separator)]
    comma = told.separator not in (",", "") and has_decimal_comma(plain)
    always = _all_quoted(dialect, [*header[-1:], *rows])
    return Habits(dialect, CellStyle(separator, told.quote, told.escape, always=always, decimal_comma=comma), width)


def _records(reader: RecordReader, lines: Sequence[int]) -> list[bytes]:
    """The records that begin on these lines, as far as they are there."""
    found = []
    for line in lines:
        for _ in reader.until(line):
            pass
        record = reader.record()
        if record is not None:
            found.append(record.text)
    return found


def _all_quoted(dialect: Dialect, records: Sequence[bytes]) -> bool:
    if not dialect.quote or not records:
        return False
    empty = dialect.quote * 2
    return all(cell == empty for one in records for cell in dialect.quoted.sub(empty, one).split(dialect.separator))
