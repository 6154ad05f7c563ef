"""Answers as cells of a delimited text, in its own dialect and encoding."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from lifecycle.results.export.neutralise import NeutralisedCount
from lifecycle.results.workbook.cells import as_text


@dataclass
class CellStyle:
    """How cells are written: `quote` "" means that none can be quoted, `always` that all are."""

    separator: str
    quote: str = '"'
    escape: str = ""
    always: bool = False
    decimal_comma: bool = False
    raw: bool = False


@dataclass
class Changes:
    """Cells that could not be written as they are."""

    formulas: NeutralisedCount = field(default_factory=NeutralisedCount)
    flattened: int = 0
    unwritable: int = 0


def joined_cells(columns: Sequence[pa.ChunkedArray], style: CellStyle, changes: Changes) -> pa.Array:
    """The cells of each row with separators between them."""
    return pc.binary_join_element_wise(*(_written(column, style, changes) for column in columns), style.separator)


def _written(column: pa.ChunkedArray, style: CellStyle, changes: Changes) -> pa.Array:
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    plain = pa.types.is_integer(column.type) or pa.types.is_boolean(column.type) or pa.types.is_temporal(column.type)
    texts = as_text(column)
    if pa.types.is_floating(column.type):
        if style.decimal_comma:
            texts = pc.replace_substring(texts, ".", ",")
    elif not plain and not style.raw:
        texts = changes.formulas.neutralise(texts)
    return pc.fill_null(_quoted(texts, style, changes), _mark(style) * 2)


def _mark(style: CellStyle) -> str:
    return style.quote if style.always else ""


def _quoted(texts: pa.Array, style: CellStyle, changes: Changes) -> pa.Array:
    """Texts in quotation marks where they need them; where there are none, on one line and without separators."""
    special = rf"[\r\n{_in_class(style.separator)}{_in_class(style.quote)}{_in_class(style.escape)}]"
    needed = pc.fill_null(pc.match_substring_regex(texts, special), False)
    if not style.quote:
        changes.flattened += pc.sum(needed).as_py() or 0
        return pc.replace_substring_regex(texts, rf"[\r\n{_in_class(style.separator)}]+", " ")
    needed = pc.fill_null(pc.or_(needed, pc.match_substring_regex(texts, "^ | $")), False)
    if not style.always and not pc.any(needed, min_count=0).as_py():
        return texts
    escaped = texts
    if style.escape and style.escape != style.quote:
        escaped = pc.replace_substring(escaped, style.escape, style.escape * 2)
        escaped = pc.replace_substring(escaped, style.quote, style.escape + style.quote)
    else:
        escaped = pc.replace_substring(escaped, style.quote, style.quote * 2)
    quoted = pc.binary_join_element_wise(style.quote, escaped, style.quote, "")
    return quoted if style.always else pc.if_else(needed, quoted, texts)


def _in_class(signs: str) -> str:
    """Signs as they stand in a class of a pattern."""
    return "".join(f"\\x{{{ord(sign):x}}}" for sign in signs)


def encoded(rows: pa.Array, encoding: str, changes: Changes) -> list[bytes]:
    """Rows as bytes; what the encoding does not have becomes a question mark."""
    if encoding in ("utf-8", "ascii"):
        values: list[bytes] = pc.cast(rows, pa.binary()).to_pylist()
        return values
    return [_encode(row, encoding, changes) for row in rows.to_pylist()]


def _encode(text: str, encoding: str, changes: Changes) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        changes.unwritable += 1
        return text.encode(encoding, "replace")


_COMMA, _POINT = re.compile(rb"\A\"?-?\d+,\d+\"?\Z"), re.compile(rb"\A\"?-?\d+\.\d+\"?\Z")


def has_decimal_comma(cells: Sequence[bytes]) -> bool:
    """Whether numbers among these cells are written with a comma, and none with a point."""
    return any(map(_COMMA.match, cells)) and not any(map(_POINT.match, cells))
