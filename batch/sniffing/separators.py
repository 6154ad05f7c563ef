"""How the cells of a table of text are written: separator, quotation mark, escape.

Every candidate is tried on the first lines. It is good in the measure that lines have the same number of cells (few
patterns, most lines of one of them), and that cells look like cells: numbers, dates and words rather than pieces with
a lone quotation mark or with another separator inside.
"""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from batch.sniffing.cell_types import DATE, EMPTY, NUMBER, TRUTH, cell_type

if TYPE_CHECKING:
    from _csv import Reader

COMMON, RARE = (",", ";", "\t", "|"), ("\x01", "\x1f", "^", "~", "¦", "§", ":")
SAMPLE_ROWS = 200
COMMENTS = ("#", "//", "%%")
_STRAY_ROWS = 3
_LEAST_SHARE = 0.5  # of the lines below a title must have the same number of cells
_CELL_WEIGHTS = {NUMBER: 1.0, DATE: 1.0, TRUTH: 1.0, EMPTY: 0.95}


@dataclass(frozen=True)
class Dialect:
    """`separator` is "" for one column, `quote` "" where quotation marks mean nothing; `spaced`: spaces behind
    separators are no part of the cells.
    """

    separator: str
    quote: str = '"'
    escape: str = ""
    spaced: bool = False

    def reader(self, lines: Iterator[str]) -> Reader:
        """A reader by these rules, which raises csv.Error for quotation marks that are out of place."""
        return csv.reader(
            lines,
            delimiter=self.separator or "\x00",
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            doublequote=not self.escape,
            escapechar=self.escape or None,
            skipinitialspace=self.spaced or self.separator == " ",
            strict=True,
        )


def find_dialect(lines: Sequence[str], *, complete: bool, separator: str = "", quote: str | None = None) -> Dialect:
    """The dialect that fits the first lines of a text best; `complete`: there are no others.

    A `separator` or `quote` that is given is not looked for ("" is no quotation mark).
    """
    lines = [line for line in lines if line.strip()][: 2 * SAMPLE_ROWS]
    body = [line for line in lines if not line.startswith(COMMENTS)] or lines
    text = "".join(body)
    separators = [separator] if separator else [one for one in COMMON if one in text]
    best = _best(body, separators, _quotes(text, quote), complete)
    if best is None and not separator:
        best = _best(body, [one for one in RARE if one in text], _quotes(text, quote), complete)
    if best is not None:
        return best
    return Dialect(separator, '"' if quote is None else quote) if separator else _single(body, quote, complete)


def _quotes(text: str, quote: str | None) -> list[tuple[str, str]]:
    """Quotation marks and escapes that are worth a try."""
    if quote is not None:
        return [(quote, ""), (quote, "\\")] if quote and "\\" + quote in text else [(quote, "")]
    found = [('"', "")]
    if '"' in text:
        found += [("", ""), ('"', "\\")] if '\\"' in text else [("", "")]
    return [*found, ("'", "")] if text.count("'") > 1 else found


def _best(lines: list[str], separators: list[str], quotes: list[tuple[str, str]], complete: bool) -> Dialect | None:
    """The candidate with the most points of those that make columns, the first of equals."""
    best, most, text = None, 0.0, "".join(lines)
    for separator, (quote, escape) in itertools.product(separators, quotes):
        if not quote and len(quotes) > 1 and not _are_stray(lines, separator, complete):
            continue
        spaced = bool(quote) and f"{separator} {quote}" in text
        dialect = Dialect(separator, quote, escape, spaced)
        if escape and not parse(lines, replace(dialect, escape=""), complete)[1]:
            continue  # a cell may end in a backslash: marks that are doubled explain it all
        points = _points(lines, dialect, complete)
        if points > most * 1.001:
            best, most = dialect, points
    return best


def _are_stray(lines: list[str], separator: str, complete: bool) -> bool:
    """Whether quotation marks are part of the text: usual where tabs separate, else where several rows say so."""
    if separator == "\t":
        return True
    _, errors = parse(lines, Dialect(separator), complete)
    return errors >= _STRAY_ROWS


def _single(lines: list[str], quote: str | None, complete: bool) -> Dialect:
    """One column, whose cells may be in quotation marks all the same."""
    if quote is not None:
        return Dialect("", quote)
    if not any('"' in line for line in lines):
        return Dialect("")
    rows, errors = parse(lines, Dialect(""), complete)
    return Dialect("", "" if errors or not rows else '"')


def parse(lines: Sequence[str], dialect: Dialect, complete: bool) -> tuple[list[list[str]], int]:
    """The rows of some lines, and how many could not be read. An unfinished last row is let go."""
    rows: list[list[str]] = []
    errors = 0
    source = iter(lines)
    reader = dialect.reader(source)
    while len(rows) + errors < SAMPLE_ROWS:
        try:
            row = next(reader, None)
        except csv.Error:
            errors += 1 if complete or next(source, None) is not None else 0
            reader = dialect.reader(source)
            continue
        if row is None:
            break
        rows.append(row)
    if not complete and len(rows) > 1:
        rows.pop()
    return rows, errors


def _points(lines: list[str], dialect: Dialect, complete: bool) -> float:
    rows, errors = parse(lines, dialect, complete)
    widths = Counter(map(len, rows))
    widths.pop(0, None)
    if not widths:
        return 0.0
    width, share = _usual_width(rows, widths)
    if width < 2 or share < _LEAST_SHARE or _is_prose(rows, dialect, width):
        return 0.0
    is_odd = width < 3 or share < 1 or len(rows) < 3 or any(cell_type(line) == DATE for line in lines)
    if dialect.separator == ":" and is_odd:
        return 0.0
    patterns = len(widths) + errors
    regular = sum(count * max(0.001, width - 1) / width for width, count in widths.items()) / patterns
    return regular / (len(rows) + errors) * _cell_points(rows, dialect)


def _usual_width(rows: list[list[str]], widths: Counter[int]) -> tuple[int, float]:
    """The most frequent width, and its share of the rows from the first that has it. More cells win a tie."""
    width = max(widths, key=lambda one: (widths[one], one))
    start = next((n for n, row in enumerate(rows) if len(row) == width), 0)
    return width, sum(len(row) == width for row in rows[start:]) / max(1, len(rows) - start)


def _is_prose(rows: list[list[str]], dialect: Dialect, width: int) -> bool:
    """Sentences with commas below a single name: every comma has a space behind it, and the first line has none."""
    if dialect.separator not in (",", ";", ":") or not rows or len(rows[0]) > 1:
        return False
    following = [cell for row in rows[1:] for cell in row[1:]]
    return len(following) > 0 and all(cell.startswith(" ") for cell in following)


def _cell_points(rows: list[list[str]], dialect: Dialect) -> float:
    others = [one for one in COMMON if one != dialect.separator]
    points = count = 0.0
    for row in rows:
        for cell in row:
            count += 1
            points += _CELL_WEIGHTS.get(cell_type(cell)) or _text_points(cell, dialect, others)
    return points / max(1.0, count)


def _text_points(cell: str, dialect: Dialect, others: list[str]) -> float:
    bare = cell.strip()
    for mark in ('"', "'"):
        if mark != dialect.quote and len(bare) > 1 and bare[0] == mark == bare[-1]:
            return 0.1
    lone = bare.count('"') % 2 == 1
    if bare.startswith('"') and lone:
        return 0.2
    if cell.count("\n") > 3 and all(dialect.separator in line for line in cell.splitlines()):
        return 0.05
    return 0.7 if lone or any(other in cell for other in others) else 0.9
