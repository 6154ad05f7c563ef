"""The rows of a table of text with their lines. A stray quotation mark costs its own row, not the rest of the file."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator

from batch.errors import Fault
from batch.formatting import plural
from batch.requests.input_formats import LineSource, text_lines
from batch.sniffing.separators import Dialect

REPLACED = "\ufffd"
_END_SIGNS = "\0\x1a"  # what old programs, and interrupted ones, leave at the end of a file
_TOO_LONG = Fault("A line is too long.", "Close its quotation marks.")
_SUSPECT_LINES = 3
_READ_AGAIN = 4  # lines that may be read a second time, for each line that was read


class RowReader:
    """Rows from a text whose next line has the number `line`. `width` is how many cells a row should have.

    With `checked`, a row with a replacement character is at fault: its bytes mean nothing in the encoding `checked`.
    """

    def __init__(self, text: LineSource, dialect: Dialect, limit: int, *, line: int, width: int, checked: str) -> None:
        csv.field_size_limit(limit)
        self._source = text_lines(text, limit)
        self._offset = line - 1
        self._dialect = dialect
        self._width = width
        self._checked = checked
        self._pushed: deque[tuple[int, str]] = deque()
        self._record: list[tuple[int, str]] = []
        self._too_long = False
        self._lines_read = self._lines_again = self._passed = 0

    @property
    def next_line(self) -> int:
        """The number of the line that comes next, where `at_rest`."""
        return self._offset + self._lines_read + 1

    @property
    def at_rest(self) -> bool:
        """Whether no line waits to be read again. After a fault, lines may come back only when the next row is read."""
        return not self._pushed

    def pass_over(self, lines: int) -> None:
        """Take note that lines of the source were read by somebody else."""
        self._passed += lines
        self._lines_read += lines

    def _lines(self) -> Iterator[str]:
        """The lines for the csv module; those of the row under way are kept."""
        while True:
            if self._pushed:
                numbered = self._pushed.popleft()
            else:
                number, line = next(self._source, (0, ""))
                if not number:
                    return
                self._lines_read += 1
                self._too_long = self._too_long or line is None
                numbered = (number + self._offset + self._passed, line or "")
            self._record.append(numbered)
            yield numbered[1]

    def rows(self) -> Iterator[tuple[int, list[str] | Fault]]:
        """Every row with the number of its first line, or what is wrong with it."""
        reader = self._dialect.reader(self._lines())
        record = self._record
        while True:
            record.clear()
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if not record:
                    return
                first = record[0][0]
                yield first, _unreadable(str(error))
                self._give_back()
                reader = self._dialect.reader(self._lines())
                continue
            first = record[0][0]
            if self._too_long:
                self._too_long = False
                yield first, _TOO_LONG
            elif len(record) >= _SUSPECT_LINES and self._is_swallowed():
                last = record[-1][0]
                yield first, Fault(f"A quotation mark opens here and closes only in line {last}.", "Close it.")
                self._give_back()
                reader = self._dialect.reader(self._lines())
            else:
                yield first, self._examined(row)

    def _examined(self, row: list[str]) -> list[str] | Fault:
        if self._checked and any(REPLACED in cell for cell in row):
            return Fault(f"The row has bytes that mean nothing in {self._checked}.", "Choose another encoding.")
        return [] if len(row) == 1 < self._width and not row[0].strip(_END_SIGNS) else row

    def _give_back(self) -> None:
        """Read the lines after a row's first again, within bounds."""
        again = self._record[1:]
        self._lines_again += len(again)
        if self._lines_again <= 1000 + _READ_AGAIN * self._lines_read:
            self._pushed.extendleft(reversed(again))

    def _is_swallowed(self) -> bool:
        """Whether the lines of one row look like rows of their own, so that its quotation mark is a stray one."""
        separator, wanted = self._dialect.separator, self._width - 1
        if not separator or wanted < 1:
            return False
        prose = f"{separator} "
        return all(line.count(separator) == wanted and prose not in line for _, line in self._record)


def _unreadable(error: str) -> Fault:
    """What the csv module says of a row, in words."""
    if "new-line character" in error:
        return Fault("The row has a carriage return inside of a cell.", "Put the cell in quotation marks.")
    if "expected after" in error:
        return Fault("The row has a quotation mark inside of a cell.", "Double it, and put the cell in such marks.")
    if "end of data" in error:
        return Fault("The row has a quotation mark that is never closed.", "Close it.")
    return Fault(f"The row cannot be read: {error}.", "Look at its quotation marks.")


def cell_count_fault(cells: int, width: int, remedy: str) -> Fault:
    return Fault(f"The row has {plural(cells, 'cell')}, but the table has {plural(width, 'column')}.", remedy)
