"""The layout of a table of text, from its first lines: how cells are written, where names and rows are."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from batch.sniffing.cell_types import EMPTY, TEXT, cell_type
from batch.sniffing.header import Header, find_header
from batch.sniffing.separators import COMMENTS, COMMON, SAMPLE_ROWS, Dialect, find_dialect

NO_HEADER = 0
_SEP = "sep="
_ALL, _MOST = 0.9, 0.5


@dataclass(frozen=True)
class WantedLayout:
    """What a person chose; "" and None are found out. `quote` is "" for none."""

    separator: str = ""
    quote: str | None = None
    header_row: int | None = None
    header_rows: int = 0


@dataclass(frozen=True)
class TextLayout:
    """`header_line` is 1-based, 0 for no header; `first_line` is that of the first row; `comment` begins lines between
    the rows that are no rows; `names` are the columns' as they stand there, "" where a column has none.
    """

    dialect: Dialect
    names: tuple[str, ...]
    header_line: int = NO_HEADER
    header_rows: int = 0
    first_line: int = 1
    skipped_lines: int = 0
    comment: str = ""
    notes: tuple[str, ...] = ()
    question: str = ""
    remedy: str = ""


@dataclass
class _Lines:
    """Rows with the lines they begin and end in."""

    rows: list[list[str]] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)


def find_layout(lines: Sequence[str], wanted: WantedLayout, *, complete: bool) -> TextLayout:
    """Find the layout of a text that begins with these lines; `complete`: there are no others."""
    skipped, separator = 0, wanted.separator
    if lines and lines[0].casefold().startswith(_SEP) and len(lines[0].strip("\r\n")) == len(_SEP) + 1:
        skipped, separator = 1, separator or lines[0][len(_SEP)]
    if wanted.header_row and wanted.header_row > skipped + 1:
        skipped = wanted.header_row - 1
    dialect = find_dialect(lines[skipped:], complete=complete, separator=separator, quote=wanted.quote)
    comment, top = "", skipped
    if wanted.header_row is None:
        comment, top = _comments(lines, skipped, dialect)
    seen = _rows(lines, top, dialect, complete)
    if not seen.rows:
        return TextLayout(dialect, ())
    return _layout(lines, seen, dialect, comment, wanted)


def _comments(lines: Sequence[str], start: int, dialect: Dialect) -> tuple[str, int]:
    """What comments above the table begin with, and where they end. A header may begin like one: "#id,name"."""
    top = start
    while top < len(lines) and (lines[top].startswith(COMMENTS) or (top > start and not lines[top].strip())):
        top += 1
    while top > start and not lines[top - 1].strip():
        top -= 1
    if top == start or top >= len(lines):
        return "", start
    separator = dialect.separator
    last = lines[top - 1]
    if separator and last.count(separator) == lines[top].count(separator) and separator in last:
        top -= 1
        if top == start:
            return "", start
    return next(mark for mark in COMMENTS if lines[start].startswith(mark)), top


def _rows(lines: Sequence[str], top: int, dialect: Dialect, complete: bool) -> _Lines:
    """The rows from a line on that are not blank. A row that cannot be read ends the look."""
    seen = _Lines()
    reader = dialect.reader(iter(lines[top:]))
    end = 0
    while len(seen.rows) < SAMPLE_ROWS:
        start = end
        try:
            row = next(reader, None)
        except csv.Error:
            break
        if row is None:
            break
        end = reader.line_num
        if any(cell.strip() for cell in row):
            seen.rows.append(row)
            seen.starts.append(top + start + 1)
            seen.ends.append(top + end)
    if not complete and len(seen.rows) > 1 and len(seen.rows) < SAMPLE_ROWS:
        for part in (seen.rows, seen.starts, seen.ends):
            part.pop()
    return seen


def _layout(lines: Sequence[str], seen: _Lines, dialect: Dialect, comment: str, wanted: WantedLayout) -> TextLayout:
    usual = _usual_width(seen.rows)
    kept = [n for n, row in enumerate(seen.rows) if not is_comment(row, comment, usual)]
    rows = [seen.rows[n] for n in kept]
    notes: list[str] = []
    if wanted.header_row == NO_HEADER:
        header = Header(None, 0, ())
    else:
        header = find_header(rows, row=0 if wanted.header_row else None, count=wanted.header_rows)
    body = rows[header.first :]
    names = list(header.names) if header.row is not None else [""] * _usual_width(body)
    names = _fitted(names, body, notes)
    first = kept[header.row if header.row is not None else header.first]
    last = kept[header.row + header.rows - 1] if header.row is not None else -1
    ruled = header.row is not None and bool(body) and _is_rule(body[0])
    question, remedy = _question(lines, dialect, header, wanted)
    if not question and wanted.header_row is None:
        question, remedy = _misfit(body, len(names), seen.starts[first] if header.row is not None else 0)
    return TextLayout(
        dialect,
        tuple(names),
        header_line=seen.starts[first] if header.row is not None else NO_HEADER,
        header_rows=header.rows,
        first_line=seen.ends[last + ruled] + 1 if header.row is not None else seen.starts[first],
        skipped_lines=_left_out(lines[: seen.starts[first] - 1], dialect),
        comment=comment,
        notes=tuple([header.note] if header.note and wanted.header_row is None else []) + tuple(notes),
        question=question,
        remedy=remedy,
    )


def is_comment(row: Sequence[str], comment: str, width: int) -> bool:
    """Whether what reads as a row is a comment between rows, as there were above the table."""
    return bool(comment) and bool(row) and row[0].startswith(comment) and len(row) != width


def _is_rule(row: Sequence[str]) -> bool:
    """Whether a row below the names only sets them apart, as in tables of Markdown: "--- | :---:"."""
    cells = [cell.strip() for cell in row if cell.strip()]
    return bool(cells) and all(len(cell) > 1 and set(cell) <= set("-=:") for cell in cells)


def _left_out(lines: Sequence[str], dialect: Dialect) -> int:
    """How many of the lines above the table have something in them."""
    return sum(1 for line in lines if line.strip(f"{dialect.separator} \t\r\n"))


def _usual_width(rows: list[list[str]]) -> int:
    """How many cells most rows have, without columns at the end that are empty in all of them."""
    widths = Counter(map(len, rows))
    width = max(widths, key=lambda one: (widths[one], one)) if widths else 1
    return max(1, min(width, max(map(_used, rows), default=1)))


def _used(row: Sequence[str]) -> int:
    return max((n for n, cell in enumerate(row, 1) if cell.strip()), default=0)


def _fitted(names: list[str], body: list[list[str]], notes: list[str]) -> list[str]:
    """Names for the columns that the rows have: without unnamed empty ones at the end, with one for row names."""
    while len(names) > 1 and not names[-1].strip() and all(_used(row) < len(names) for row in body):
        names.pop()
    longer = [row for row in body if _used(row) == len(names) + 1 == len(row)]
    if len(body) > 1 and len(names) > 0 and len(longer) >= _ALL * len(body):
        first = [row[0].strip() for row in longer]
        typed = {cell_type(row[-1]) for row in longer} - {EMPTY}
        if len(set(first)) == len(first) and (typed != {TEXT} or len(names) > 1):
            notes.append("The rows have one cell more than the header, so the first column has no name.")
            return ["", *names]
    return names


def _question(lines: Sequence[str], dialect: Dialect, header: Header, wanted: WantedLayout) -> tuple[str, str]:
    if not dialect.separator and not wanted.separator and is_fixed_width(lines):
        return (
            "The columns seem to be set apart by spaces, which cannot be told from spaces in a text.",
            "Save the table as CSV, or choose the separator.",
        )
    if not dialect.separator and not wanted.separator and (mark := _uneven_separator(lines)):
        return (
            f'Most lines have "{mark}" in them, but not the same number of times.',
            "Choose the separator, or put cells that hold it in quotation marks.",
        )
    if header.question and wanted.header_row is None:
        return header.question, "Choose the header row, or say that there is none."
    return "", ""


def _uneven_separator(lines: Sequence[str]) -> str:
    """A separator that the first line and most others have, other than a comma of prose; "" if there is none."""
    filled = [line.strip() for line in lines[:SAMPLE_ROWS] if line.strip()]
    for mark in COMMON:
        having = [line.replace(f"{mark} ", "").rstrip(mark) for line in filled]
        count = sum(mark in line for line in having)
        if len(filled) > 2 and mark in having[0] and count > _MOST * len(filled):
            return "tab" if mark == "\t" else mark
    return ""


def _misfit(body: list[list[str]], width: int, header_line: int) -> tuple[str, str]:
    """What to ask where most rows do not have the cells that the columns say."""
    misfits = sum(len(row) < width or _used(row) > width for row in body)
    if len(body) < 4 or misfits <= _MOST * len(body):
        return "", ""
    found = f"the names in line {header_line}" if header_line else "the first one"
    return (
        f"Most rows have another number of cells than {found}.",
        "Choose the header row and the separator, or correct the file.",
    )


def is_fixed_width(lines: Sequence[str]) -> bool:
    """Whether lines have gaps of two or more spaces in the same places, as printed tables do."""
    lines = [line.rstrip() for line in lines[:SAMPLE_ROWS] if line.strip() and not set(line.strip()) <= set("-=+ ")]
    if len(lines) < 3:
        return False
    shortest = min(map(len, lines))
    begins = 0
    for place in range(2, shortest):
        if all(line[place] != " " and line[place - 2 : place] == "  " for line in lines):
            begins += 1
        elif all(line[place - 1] == " " for line in lines) and any(line[place - 2 : place] == "  " for line in lines):
            begins += all(line[place] != " " for line in lines)
    return begins > 0
