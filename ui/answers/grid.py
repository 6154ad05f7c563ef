"""A few rows as a table that every reader can read: own columns first, answers tinted at their right. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

MAX_COLUMNS = 40
MAX_CELL_CHARS = 300


@dataclass(frozen=True)
class GridColumn:
    """One column: its name, a word on what it holds, and whether it is an answer's, or a number's."""

    name: str
    note: str = ""
    answer: bool = False
    number: bool = False
    quiet: bool = False


def grid_html(caption: str, columns: Sequence[GridColumn], rows: Sequence[Sequence[str]]) -> str:
    """The table as HTML, everything in it escaped. Only the first `MAX_COLUMNS` columns are shown."""
    shown = list(columns[:MAX_COLUMNS])
    head = "".join(map(_head, shown))
    body = "".join(
        f"<tr>{''.join(_cell(column, text) for column, text in zip(shown, row, strict=False))}</tr>" for row in rows
    )
    name = escape(caption, quote=True)
    return (
        f'<div class="gbr-grid" tabindex="0" role="region" aria-label="{name}"><table><caption>{name}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _head(column: GridColumn) -> str:
    note = f"<small>{escape(column.note)}</small>" if column.note else ""
    return f'<th scope="col"{_class(column)}>{escape(column.name)}{note}</th>'


def _cell(column: GridColumn, text: str) -> str:
    shown = text if len(text) <= MAX_CELL_CHARS else f"{text[:MAX_CELL_CHARS]}…"
    title = f' title="{escape(shown, quote=True)}"' if len(shown) > 24 else ""
    return f"<td{_class(column)}{title}>{escape(shown)}</td>"


def _class(column: GridColumn) -> str:
    names = [name for name in ("answer", "number", "quiet") if getattr(column, name)]
    return f' class="{" ".join(names)}"' if names else ""
