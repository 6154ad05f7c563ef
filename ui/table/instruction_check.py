"""What an instruction says of a table's columns: how its first rows read, and which columns it misnames. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from batch.errors import InputError
from batch.requests.prompt_template import Template, compile_template

MAX_VALUE_CHARS = 240
MAX_LITERAL_CHARS = 600
_MARK = re.compile(r"\{\{\{\{|\{\{(.*?)\}\}", re.DOTALL)


class UnknownColumn(NamedTuple):
    """A name in the instruction that no column has, and the one that it is nearest to ("" if none is near)."""

    name: str
    nearest: str


def unknown_columns(text: str, names: Sequence[str]) -> list[UnknownColumn]:
    """The names that no column has, each once, in the order of the instruction."""
    folded = {name.casefold(): name for name in names}
    wanted = dict.fromkeys(match[1].strip() for match in _MARK.finditer(text) if match[1] is not None)
    missing = [name for name in wanted if name not in names and name.casefold() not in folded]
    return [UnknownColumn(name, _nearest(name, folded)) for name in missing]


def _nearest(name: str, folded: dict[str, str]) -> str:
    close = difflib.get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.5)
    return folded[close[0]] if close else ""


def rename_column(text: str, old: str, new: str) -> str:
    """The instruction with one column named otherwise, wherever it stands."""
    return _MARK.sub(lambda match: f"{{{{{new}}}}}" if (match[1] or "").strip() == old else match[0], text)


def with_column(text: str, name: str) -> str:
    """The instruction with a column at its end, parted by a space."""
    gap = "" if not text or text[-1].isspace() or text[-1] in "(\"'«“" else " "
    return f"{text}{gap}{{{{{name}}}}}"


def readings(text: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """How the rows' prompts read, as HTML with the values marked; [] for an instruction that is not ready."""
    try:
        template = compile_template(text, names)
    except InputError:
        return []
    return [_reading(template, row) for row in rows]


def _reading(template: Template, row: Sequence[str]) -> str:
    parts = [_literal(template.literals[0])]
    for column, literal in zip(template.columns, template.literals[1:], strict=True):
        parts += [_value(row[column]), _literal(literal)]
    return "".join(parts)


def _literal(text: str) -> str:
    shown = text if len(text) <= MAX_LITERAL_CHARS else f"{text[: MAX_LITERAL_CHARS // 2]} … {text[-100:]}"
    return escape(shown)


def _value(text: str) -> str:
    if not text.strip():
        return '<mark class="empty">empty</mark>'
    return f"<mark>{escape(text if len(text) <= MAX_VALUE_CHARS else text[:MAX_VALUE_CHARS] + '…')}</mark>"
