"""Values as the cells of a sheet, a column at a time; texts are texts (`inlineStr`), whatever they look like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from batch.formatting import plural
from batch.responses.spreadsheet_text import CELL_LIMIT, FORMULA, NUMBER, excel_cell

EXACT = 2**53  # whole numbers above are not kept by a spreadsheet
EXACT_DIGITS = 15
DATE, MOMENT = "date", "moment"
FIRST_DAY = -25_509  # 1 March 1900 in days from 1970: before it, spreadsheets disagree about the calendar
EPOCH = 25_569  # 1 January 1970 as a spreadsheet counts days, from the end of 1899
EPOCH_1904 = EPOCH - 1462  # and in a workbook of an old Macintosh
_UNSAFE = "[&<>\r\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x{FFFE}\\x{FFFF}]"
_ESCAPES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "&#13;"))


@dataclass
class CellCount:
    """Cells with characters that XLSX cannot hold, with more than it allows, and texts that look like formulas."""

    replaced: int = 0
    truncated: int = 0
    formulas: int = 0

    def notes(self) -> Iterator[str]:
        """What is said of them."""
        if self.truncated:
            held, was = plural(self.truncated, "cell held", "cells held"), "was" if self.truncated == 1 else "were"
            yield f"{held} more than Excel allows (32,767 characters) and {was} cut."
        if self.replaced:
            yield f"{plural(self.replaced, 'cell')} had characters that XLSX cannot hold; \ufffd stands for them."


class Cells(NamedTuple):
    """A column's cells, each as what follows `<c` and its place and style; null where there is nothing.

    `kind` is how its numbers are shown ("", DATE or MOMENT), `quoted` are the texts that would become formulas if they
    were edited without a "quote prefix"; None if there are none.
    """

    bodies: pa.Array
    kind: str = ""
    quoted: pa.BooleanArray | None = None


def cells(column: pa.Array | pa.ChunkedArray, count: CellCount, *, epoch: int = EPOCH) -> Cells:
    """A column's values as cells."""
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    kind = column.type
    if pa.types.is_boolean(kind):
        digits = pc.if_else(column, "1", "0")
        return Cells(pc.binary_join_element_wise(' t="b"><v>', digits, "</v></c>", ""))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _numbers(column, count)
    if pa.types.is_date(kind):
        return _dates(column, count, epoch)
    if pa.types.is_timestamp(kind) and kind.tz is None:
        return _moments(column, count, epoch)
    return _texts(as_text(column), count)


def _number_bodies(values: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise("><v>", pc.cast(values, pa.string()), "</v></c>", "")


def _numbers(column: pa.Array, count: CellCount) -> Cells:
    if pa.types.is_decimal(column.type):
        return (
            Cells(_number_bodies(column)) if column.type.precision <= EXACT_DIGITS else _texts(as_text(column), count)
        )
    if pa.types.is_integer(column.type):
        exact = pc.and_(pc.less_equal(column, EXACT), pc.greater_equal(column, -EXACT)) if _is_wide(column) else None
    else:
        exact = pc.less_equal(pc.abs(column), EXACT)
    if exact is None or pc.all(exact, min_count=0).as_py():
        return Cells(_number_bodies(column))
    return Cells(pc.if_else(exact, _number_bodies(column), _texts(as_text(column), count).bodies))


def _is_wide(column: pa.Array) -> bool:
    return bool(column.type.bit_width == 64)


def _dates(column: pa.Array, count: CellCount, epoch: int) -> Cells:
    days = pc.cast(pc.cast(column, pa.date32()), pa.int32())
    return _days(column, days, pc.cast(pc.add(pc.cast(days, pa.int64()), epoch), pa.float64()), DATE, count)


def _moments(column: pa.Array, count: CellCount, epoch: int) -> Cells:
    micros = pc.cast(pc.cast(column, pa.timestamp("us"), safe=False), pa.int64())
    days = pc.divide(pc.cast(micros, pa.float64()), 86_400_000_000.0)
    return _days(column, days, pc.add(days, float(epoch)), MOMENT, count)


def _days(column: pa.Array, days: pa.Array, serials: pa.Array, kind: str, count: CellCount) -> Cells:
    known = pc.and_(pc.greater_equal(days, FIRST_DAY), pc.less(days, 2_932_897))  # to the end of 9999
    if pc.all(known, min_count=0).as_py():
        return Cells(_number_bodies(serials), kind)
    return Cells(pc.if_else(known, _number_bodies(serials), _texts(as_text(column), count).bodies), kind)


def _texts(texts: pa.Array, count: CellCount) -> Cells:
    texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, texts.type), texts)
    long = pc.greater(pc.binary_length(texts), CELL_LIMIT)
    unsafe = pc.match_substring_regex(texts, _UNSAFE)
    odd = pc.fill_null(pc.or_(long, unsafe), False)
    if pc.any(odd, min_count=0).as_py():
        texts = pc.replace_with_mask(texts, odd, pa.array(_safe_texts(texts.filter(odd), count), texts.type))
    bodies = pc.binary_join_element_wise(' t="inlineStr"><is><t xml:space="preserve">', texts, "</t></is></c>", "")
    suspect = pc.match_substring_regex(texts, FORMULA)
    if not pc.any(suspect, min_count=0).as_py():
        return Cells(bodies)
    quoted = pc.fill_null(pc.and_not(suspect, pc.match_substring_regex(texts, NUMBER)), False)
    count.formulas += pc.sum(quoted).as_py() or 0
    return Cells(bodies, "", quoted)


def _safe_texts(texts: pa.Array, count: CellCount) -> list[str]:
    written = []
    for text in texts.to_pylist():
        text, replaced, truncated = excel_cell(text)
        count.replaced += replaced
        count.truncated += truncated
        for sign, escape in _ESCAPES:
            text = text.replace(sign, escape)
        written.append(text)
    return written


def as_text(column: pa.Array) -> pa.Array:
    """A column of any type as text; what is nested becomes JSON. Null stays null."""
    kind = column.type
    if pa.types.is_string(kind):
        return column
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        values = (None if value is None else orjson.dumps(value, default=str).decode() for value in column.to_pylist())
        return pa.array(values, pa.string())
    return pc.cast(column, pa.string())


def text_cell(text: str, count: CellCount) -> str:
    """One text as what follows `<c` and its place and style."""
    body: str = _texts(pa.array([text or " "], pa.string()), count).bodies[0].as_py()
    return body
