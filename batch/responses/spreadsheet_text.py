"""What users read of results: the flat row, words for the totals, and cells that no spreadsheet can misread. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from batch.model import Outcome
from batch.responses.outcome_groups import needs_attention
from batch.responses.outcome_tables import LABELS, UNSERVED

# `output_tokens` are the answer's; thoughts are billed as output too, and are listed apart.
FLAT_COLUMNS = (
    "key",
    "prompt",
    "outcome",
    "text",
    "error_code",
    "error_message",
    "prompt_tokens",
    "cached_tokens",
    "output_tokens",
    "thoughts_tokens",
    "cost_usd",
)
USD_DIGITS = 12  # of an amount in a file; a binary fraction has noise behind them
CELL_LIMIT = 32_767  # characters in a cell, as Excel counts them (UTF-16 units)
SHEET_ROWS = 1_048_576
# What begins a formula, full-width forms included, behind what a spreadsheet may drop when it reads a cell.
FORMULA = "^[\u00a0\u200b-\u200f\u2060\ufeff]*[=+\\-@\uff1d\uff0b\uff0d\uff20\t\r\n]"
NUMBER = r"^[+-]?(\d+([.,]\d+)*|[.,]\d+)([eE][+-]?\d+)?%?$"
_FORMULA, _NUMBER = re.compile(FORMULA), re.compile(NUMBER)
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def input_column_names(columns: Iterable[str], taken: Iterable[str] = FLAT_COLUMNS) -> dict[str, str]:
    """Names for a table's own columns beside ours: one that is taken (in any case) gets " (input)" behind it.

    The order is kept, and no two names are the same in any case.
    """
    used = {name.casefold() for name in taken}
    names: dict[str, str] = {}
    for column in columns:
        name = column
        while name.casefold() in used:
            name += " (input)"
        used.add(name.casefold())
        names[column] = name
    return names


def is_formula(text: str) -> bool:
    """Would a spreadsheet take this text for a formula? Plain numbers are left alone."""
    return _FORMULA.match(text) is not None and _NUMBER.match(text) is None


def escape_formula(text: str) -> str:
    """A text as a CSV cell: what a spreadsheet would run gets an apostrophe in front."""
    return "'" + text if is_formula(text) else text


def strip_illegal(text: str) -> str:
    """A text without control characters (but tab, line feed, carriage return) or halves of characters."""
    return _ILLEGAL.sub("\ufffd", text)


def excel_cell(text: str) -> tuple[str, bool, bool]:
    """A text as a cell of a workbook: (text, characters replaced, cut to the limit)."""
    clean = strip_illegal(text)
    units = len(clean) + sum(char > "\uffff" for char in clean) if len(clean) > CELL_LIMIT // 2 else 0
    if units <= CELL_LIMIT:
        return clean, clean != text, False
    cut_notice = f"… [cut: {len(clean):,} characters]"
    truncated = clean.encode("utf-16-le")[: 2 * (CELL_LIMIT - len(cut_notice))].decode("utf-16-le", "ignore")
    return truncated + cut_notice, clean != text, True


CANCELLED = "CANCELLED"  # the state of a run in a headline


def headline(state: str, counts: Mapping[str, int]) -> str:
    """The result in words: "SUCCEEDED: 9,412 answered, 88 need attention".

    Of a cancelled run it says how many of those were not served before the cancel: that was wanted.
    """
    others = needs_attention(counts)
    unserved = sum(counts.get(outcome, 0) for outcome in UNSERVED) if state == CANCELLED else 0
    parts = [f"{sum(counts.values()) - others:,} answered"]
    parts += [f"{others:,} {'needs' if others == 1 else 'need'} attention"] if others else []
    parts += [f"{unserved:,} of them not served before the cancel"] if unserved else []
    return f"{state}: {', '.join(parts)}"


def outcome_lines(counts: Mapping[str, int]) -> list[str]:
    """One line per outcome that occurs, in the order of the table of outcomes."""
    return [f"{counts[outcome]:>12,}  {outcome.value}: {LABELS[outcome]}" for outcome in Outcome if counts.get(outcome)]


def export_name(stem: str, suffix: str, *, complete: bool) -> str:
    """A file name for an export; an incomplete one says so."""
    return f"{stem}{'' if complete else '-incomplete'}.{suffix.lstrip('.')}"
