"""Where the names of a table's columns stand: below titles and comments, in one row or two, or nowhere.

Rows are those of a text or of a sheet, cells as text; what is empty counts as nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from batch.sniffing.cell_types import EMPTY, TEXT, cell_type, column_type
from batch.sniffing.column_names import joined_names

LOOK_ROWS = 40  # a header stands among the first so many rows that are not empty
_LONG = 100
_CODE_SIGNS = frozenset("9/\\@_-.:#")
_ENDS = (".", "?", "!", "。", "？", "！", "…")

Row = Sequence[str]


@dataclass(frozen=True)
class Header:
    """`row` is the place of the (first) row of names among the rows given, None if there is none.

    `rows` is how many rows the names take, `names` as they stand there. `note` tells what was found, `question` what
    only a person can decide; "" if nothing. `first` is the place of the first row of data.
    """

    row: int | None
    rows: int
    names: tuple[str, ...]
    note: str = ""
    question: str = ""
    first: int = 0


def find_header(rows: Sequence[Row], *, spans: Collection[int] = (), row: int | None = None, count: int = 0) -> Header:
    """Find the header among the first rows of a table.

    `spans` are the places of rows with cells that span several columns. A `row` that is given is the header's,
    whatever it looks like; of `count` rows, or as many as it seems to have.
    """
    if row is None:
        row = _header_row(rows, spans)
        if count < 2 and _is_data(rows, row):
            return Header(None, 0, (), _NO_HEADER, first=_first_data_row(rows, row))
    if count == 2 or (count == 0 and _is_group_row(rows, row, row in spans)):
        names = joined_names(rows[row], rows[row + 1] if row + 1 < len(rows) else ())
        return Header(row, 2, tuple(names), "The columns' names stand in two rows, and were joined.", first=row + 2)
    question = _question(rows, row)
    return Header(row, 1, tuple(rows[row]), question=question, first=row + 1)


_NO_HEADER = "The first row looks like data, so the columns are called column 1, column 2 and so on."


def _filled(row: Row) -> int:
    return sum(1 for cell in row if cell.strip())


def _header_row(rows: Sequence[Row], spans: Collection[int]) -> int:
    """The first row that is as full as rows below it usually are; before that, rows are titles."""
    usual = _usual_fill(rows)
    full = next((n for n, row in enumerate(rows[:LOOK_ROWS]) if _filled(row) >= usual), 0)
    if full and _has_values(rows[full]) and not _has_values(rows[full - 1]):
        above = _filled(rows[full - 1])
        full -= above >= max(2, 0.6 * usual)
    return full - (full > 0 and _is_group_row(rows, full - 1, full - 1 in spans))


def _first_data_row(rows: Sequence[Row], full: int) -> int:
    """The first row of a table without a header: those above a full one are titles if they are of another kind."""
    first = full
    while first and len(rows[first - 1]) == len(rows[full]):
        if _filled(rows[first - 1]) < 2 and not _has_values(rows[first - 1]):
            break
        first -= 1
    return first


def _usual_fill(rows: Sequence[Row]) -> int:
    """How many cells of a row are filled, as in most rows below the first few."""
    fills = Counter(_filled(row) for row in (rows[len(rows) // 3 :] or rows))
    fills.pop(0, None)
    if not fills:
        return 1
    most = max(fills.values())
    return max(fill for fill, count in fills.items() if count == most)


def _has_values(row: Row) -> bool:
    return any(cell_type(cell) not in (EMPTY, TEXT) for cell in row)


def _is_group_row(rows: Sequence[Row], row: int, spans: bool) -> bool:
    """Whether a row has names for groups of columns, and the next row those of the columns themselves."""
    if row + 2 > len(rows) - 1 + (1 if spans else 0) or row + 1 >= len(rows):
        return False
    upper, lower = rows[row], rows[row + 1]
    if _has_values(upper) or _has_values(lower) or _filled(upper) < 2:
        return False
    width = max(len(upper), len(lower))
    gaps = [n for n in range(width) if not _at(upper, n) and _at(lower, n)]
    holes = [n for n in range(width) if not _at(lower, n) and not _at(upper, n)]
    if not gaps or holes or _filled(lower) < 2:
        return False
    if not spans and (len(gaps) < 2 or _filled(lower) < width or not _begins_groups(upper, lower)):
        return False
    if len({cell.casefold() for cell in lower if cell.strip()}) < 2:
        return False
    body = rows[row + 2 :]
    return spans or any(_column_type(body, n) not in (EMPTY, TEXT) for n in range(width))


def _begins_groups(upper: Row, lower: Row) -> bool:
    """Whether the first group goes on to a second column; or it has no name, and names come again in each group."""
    if _at(upper, 0):
        return not _at(upper, 1)
    names = [cell.strip().casefold() for cell in lower]
    return len(set(names)) < len(names)


def _at(row: Row, place: int) -> str:
    return row[place].strip() if place < len(row) else ""


def _column_type(rows: Sequence[Row], place: int) -> str:
    return column_type([_at(row, place) for row in rows])


def _is_data(rows: Sequence[Row], row: int) -> bool:
    """Whether the row that would be the header is one of the rows: its cells have the types of their columns."""
    first, body = rows[row], rows[row + 1 :]
    if not body:
        return all(cell_type(cell) not in (EMPTY, TEXT) for cell in first)
    same = other = 0
    for place, cell in enumerate(first):
        if cell.strip():
            alike = _is_alike(cell, [_at(later, place) for later in body])
            same, other = same + (alike is True), other + (alike is False)
    if same and _are_counted(first, body):
        return False
    return same > other if same else not other and _repeats(first, body)


def _is_alike(cell: str, column: list[str]) -> bool | None:
    """Whether a cell looks like those of its column; None if words stand there that tell nothing."""
    usual = column_type(column)
    if usual not in (EMPTY, TEXT):
        return cell_type(cell) == usual
    shapes = Counter(_shape(other) for other in column if other)
    shape, count = max(shapes.items(), key=lambda item: item[1], default=("", 0))
    if len(column) < 3 or count < 0.8 * len(column) or not set(shape) & _CODE_SIGNS:
        return None
    return _shape(cell) == shape


def _shape(text: str) -> str:
    """Letters as "a" and digits as "9", each run once: what codes, addresses and paths of one kind share."""
    out = ""
    for character in text.strip()[:200]:
        sign = "a" if character.isalpha() else "9" if character.isdigit() else character
        out += "" if out.endswith(sign) and sign in "a9" else sign
    return out


def _are_counted(row: Row, body: Sequence[Row]) -> bool:
    """Whether all numbers in a row follow one another, as years over the columns of a time series do."""
    places = [place for place, cell in enumerate(row) if cell_type(cell) not in (EMPTY, TEXT)]
    numbers = [row[place].strip() for place in places]
    if len(numbers) in (0, _filled(row)) or not all(number.isdigit() and len(number) < 9 for number in numbers):
        return False
    counts = [int(number) for number in numbers]
    if not all(abs(b - a) == 1 for a, b in pairwise(counts)):
        return False
    below = [_at(later, place) for later in body for place in places]
    like_years = [cell for cell in below if len(cell) == 4 and cell.isdigit() and 1800 <= int(cell) <= 2200]
    is_year = 1800 <= counts[0] <= 2200 and len(like_years) < 0.5 * len(below)
    return is_year or (counts[0] in (0, 1) and len(counts) > 1)


def _repeats(first: Row, body: Sequence[Row]) -> bool:
    """Whether a cell of the first row comes again and again below, as a name of a column does not."""
    if len(first) < 2 or len(body) < 5:
        return False
    for place, cell in enumerate(first):
        if cell.strip() and sum(_at(row, place) == cell.strip() for row in body) > max(1, len(body) // 10):
            return True
    return False


def _question(rows: Sequence[Row], row: int) -> str:
    """What is unclear about a header that was found."""
    names = [cell.strip() for cell in rows[row] if cell.strip()]
    if len(names) == 1 and len(rows) > 1 and len(rows[row]) == 1:
        name = names[0]
        if name.endswith(_ENDS) or len(name) > _LONG:
            shown = name if len(name) <= 60 else name[:60] + "…"
            return f'It is not clear whether "{shown}" is the name of the column or its first row.'
    numbers = [cell for cell in names if cell_type(cell) not in (EMPTY, TEXT)]
    is_series = len(numbers[0]) == 4 and _are_counted(rows[row], rows[row + 1 :]) if numbers else False
    if numbers and not is_series and len(rows) > row + 1:
        alike = [
            place
            for place, cell in enumerate(rows[row])
            if cell.strip() and cell_type(cell) not in (EMPTY, TEXT)
            and cell_type(cell) == _column_type(rows[row + 1 :], place)
        ]  # fmt: skip
        if alike:
            return "It is not clear whether the first row has the names of the columns or is a row of its own."
    return ""
