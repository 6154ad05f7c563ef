"""An answer as the fields that were asked for, one a line; where it stopped early, what it did not reach says so."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from lifecycle.results.store.reconciliation import AnswerColumn

VALUE_CHARACTERS = 2_000


def fields_html(fields: Sequence[AnswerColumn], values: Mapping[str, Any], *, cut_off: bool) -> str:
    """A table of names and values in which nothing is markup. `values` by the columns' names."""
    missing = "not reached" if cut_off else "not given"
    rows = "".join(
        f'<tr><th scope="row">{html.escape(field.name)}</th>{_cell(values.get(field.column), missing)}</tr>'
        for field in fields
    )
    return f'<div class="gbr-fields"><table><caption>The answer</caption><tbody>{rows}</tbody></table></div>'


def _cell(value: Any, missing: str) -> str:
    if value is None or value == "":
        return f'<td class="quiet">{missing if value is None else "empty"}</td>'
    text = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
    rest = len(text) - VALUE_CHARACTERS
    shown = text if rest <= 0 else f"{text[:VALUE_CHARACTERS]}… and {rest:,} more characters"
    kind = ' class="number"' if isinstance(value, int | float) and not isinstance(value, bool) else ""
    return f"<td{kind}>{html.escape(shown)}</td>"
