"""Prompts from a table: a text with `{{column}}` where a cell goes.

`{{{{` is a literal `{{`. The constant text before the first column is cut off as a part of its own when it is long,
so that the requests of one template share it as a prefix.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from batch.errors import InputError
from batch.formatting import quoted_list

MIN_PREFIX_CHARS = 200
PROMPT_COLUMNS = ("prompt", "text", "question", "input")

_MARK = re.compile(r"\{\{\{\{|\{\{(.*?)\}\}", re.DOTALL)


@dataclass(frozen=True)
class Template:
    """`literals` surround the cells of `columns` (indices into the table): literal, cell, literal, …, literal.

    `prefix_chars` is how many of the first literal's characters go into a part of their own; 0 for none.
    """

    literals: tuple[str, ...]
    columns: tuple[int, ...]
    prefix_chars: int = 0

    def render(self, cells: Sequence[str]) -> str:
        """Render a row. `cells` are those of `columns`, in their order."""
        out = [self.literals[0]]
        for cell, literal in zip(cells, self.literals[1:], strict=True):
            out.append(cell)
            out.append(literal)
        return "".join(out)


def compile_template(text: str, names: Sequence[str], *, needs_column: bool = True) -> Template:
    """Read a template for a table with these columns. Raises InputError that names what is wrong.

    Without `needs_column` it may be the same for every row: something else tells them apart.
    """
    literals, columns, end = [""], [], 0
    for match in _MARK.finditer(text):
        literals[-1] += _checked_literal(text[end : match.start()])
        end = match.end()
        if match[1] is None:
            literals[-1] += "{{"
        else:
            columns.append(_column(match[1].strip(), names))
            literals.append("")
    literals[-1] += _checked_literal(text[end:])
    if not columns and needs_column:
        raise InputError("The template names no column, so every row would be the same prompt.", _hint(text, names))
    return Template(tuple(literals), tuple(columns), prefix_length(literals[0]))


def _checked_literal(text: str) -> str:
    if "{{" in text:
        raise InputError('The template has a "{{" that is not closed.', 'Close it with "}}", or write "{{{{" for "{{".')
    return text


def _column(name: str, names: Sequence[str]) -> int:
    if name in names:
        return names.index(name)
    folded = [n.casefold() for n in names]
    if folded.count(name.casefold()) == 1:
        return folded.index(name.casefold())
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
    guess = f'Did you mean "{names[folded.index(close[0])]}"? ' if close else ""
    raise InputError(f'The table has no column "{name}".', f"{guess}The columns are {quoted_list(list(names), 30)}.")


def _hint(text: str, names: Sequence[str]) -> str:
    single = next((name for name in names if "{" + name + "}" in text), names[0] if names else "column")
    return f"Write {{{{{single}}}}} where the cell goes. The columns are {quoted_list(list(names), 30)}."


def prefix_length(literal: str) -> int:
    """How much of a constant beginning is worth a part of its own: up to the last newlines, if that is long."""
    end = literal.rfind("\n") + 1
    return end if end >= MIN_PREFIX_CHARS else 0


def default_template(names: Sequence[str], key: int | None) -> Template:
    """The template of a table that came without one: its one obvious column of prompts."""
    obvious = [n for n, name in enumerate(names) if name.casefold() in PROMPT_COLUMNS]
    others = [n for n in range(len(names)) if n != key]
    prompt_column = obvious if len(obvious) == 1 else others if len(others) == 1 else []
    if not prompt_column:
        column_hint = f"The columns are {quoted_list(list(names), 30)}."
        raise InputError(
            "It is not clear which column is the prompt.", f"Give a template with {{{{column}}}}. {column_hint}"
        )
    return Template(("", ""), (prompt_column[0],))
