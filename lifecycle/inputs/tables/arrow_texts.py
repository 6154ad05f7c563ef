"""Values of any Arrow type as a person reads them."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from batch.requests.input_formats import as_text

_UNREADABLE = (ValueError, OverflowError, TypeError, ArithmeticError, pa.ArrowException, AttributeError)
_PRINTABLE_BYTES = 200


def text_array(column: pa.Array) -> pa.StringArray:
    """The cells of a column as an array of texts; see `arrow_texts`. Raises ArrowInvalid for bytes that are no text."""
    if pa.types.is_string(column.type):
        column.validate(full=True)
        return column.fill_null("")
    return pa.array(arrow_texts(column), pa.string())


def arrow_texts(column: pa.Array) -> list[str]:
    """The cells of a column as texts; nothing is "". Bytes are told by their number, unless they are text."""
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return [value or "" for value in column.to_pylist()]
    if pa.types.is_float32(column.type) or pa.types.is_float16(column.type):
        return [as_text(None if v is None else _short(float(v))) for v in column.to_pylist()]
    try:
        return [_value_text(value) for value in column.to_pylist()]
    except _UNREADABLE:
        return [_scalar_text(column[n]) for n in range(len(column))]


def _short(value: float) -> float:
    return float(str(np.float32(value))) if math.isfinite(value) else value


def _value_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, datetime.timedelta):
        return str(value)
    if isinstance(value, bytes | list | tuple | Mapping):
        plain = _plain(value)
        return plain if isinstance(plain, str) else as_text(plain)
    return as_text(value)


def _plain(value: Any) -> Any:
    """A nested value without anything that JSON does not have."""
    if isinstance(value, bytes):
        return _bytes_text(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return _value_text(value)


def _bytes_text(value: bytes) -> str:
    """Bytes that are a short text as that text, for old programs write texts so; others as their number."""
    if len(value) <= _PRINTABLE_BYTES:
        try:
            text = value.decode()
        except UnicodeDecodeError:
            text = "\0"
        if all(character.isprintable() or character in "\t\n\r" for character in text):
            return text
    return f"<bytes, {_size(len(value))}>"


def _size(count: int) -> str:
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:,.0f} kB" if count < 1_000_000 else f"{count / 1e6:,.1f} MB"


def _scalar_text(scalar: pa.Scalar) -> str:
    """One value that has no counterpart in Python, such as a day in the year 20000."""
    try:
        return _value_text(scalar.as_py())
    except _UNREADABLE:
        pass
    try:
        return str(scalar.cast(pa.string()).as_py() or "")
    except _UNREADABLE:
        return f"<{scalar.type}>"
