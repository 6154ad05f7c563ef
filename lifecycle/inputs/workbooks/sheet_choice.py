"""Which sheet of a workbook holds the table, where nobody said so."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from batch.formatting import quoted_list
from lifecycle.inputs.workbooks.grid import Grid, read_grid

LOOKED_AT = 8
_PROSE = (
    "read me", "readme", "about", "info", "information", "notes", "note", "cover", "instructions", "legend", "contents",
    "hinweise", "anleitung", "deckblatt", "titel", "lies mich", "liesmich", "notice", "lisez-moi", "leeme", "léeme",
)  # fmt: skip


class ChosenSheet(NamedTuple):
    """A sheet's cells, the names of all that can be seen, and what is to be said of the choice."""

    grid: Grid
    sheets: tuple[str, ...]
    notes: tuple[str, ...] = ()
    question: str = ""


class NoSheet(ValueError):
    """There is no such sheet, or none at all. Has a remedy."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


def choose_sheet(book: CalamineWorkbook, wanted: str) -> ChosenSheet:
    """The sheet `wanted`, or the first that looks like a table. Raises NoSheet."""
    known = [sheet.name for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    shown = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
    ]
    if wanted:
        found = next((name for name in known if name.casefold() == wanted.casefold()), None)
        if found is None:
            raise NoSheet(f'There is no sheet "{wanted}".', f"The sheets are {quoted_list(known, 10)}.")
        return ChosenSheet(read_grid(book, found), tuple(shown))
    names = shown or known
    if not names:
        raise NoSheet("The workbook has no sheet with cells.", "Choose another file.")
    return _first_table(names, lambda name: read_grid(book, name))


def _first_table(names: list[str], read: Callable[[str], Grid]) -> ChosenSheet:
    passed: list[str] = []
    lone: Grid | None = None
    for name in names[:LOOKED_AT]:
        grid = read(name)
        if not grid.filled_rows or (_is_prose(name) and len(names) > 1):
            passed.append(name)
        elif grid.used_columns > 1 and grid.filled_rows > 1:
            return _chosen(grid, names, passed, lone)
        elif lone is None:
            lone = grid
    if lone is None:
        lone = read(passed[0] if passed else names[0])
        for name in passed:
            lone = lone if lone.filled_rows else read(name)
        if not lone.filled_rows:
            raise NoSheet(f'The sheet "{names[0]}" is empty.', "The first row names the columns.")
    return _chosen(lone, names, [name for name in passed if name != lone.name], None)


def _is_prose(name: str) -> bool:
    return name.strip().casefold().replace("_", " ") in _PROSE


def _chosen(grid: Grid, names: list[str], passed: list[str], lone: Grid | None) -> ChosenSheet:
    notes = [f'The sheet "{grid.name}" was read; {quoted_list(passed, 5)} holds no table.'] if passed else []
    others = [name for name in names if name != grid.name and name not in passed]
    if lone is not None and lone.filled_rows > 1:
        question = f'It is not clear which sheet is meant: "{lone.name}" has one column, "{grid.name}" has more.'
        return ChosenSheet(lone, tuple(names), tuple(notes), question)
    if others and not passed:
        notes.append(f'Only the first sheet, "{grid.name}", was read.')
    elif others:
        notes.append(f"Not read: {quoted_list(others, 5)}.")
    return ChosenSheet(grid, tuple(names), tuple(notes))
