"""Structured answers as typed columns, one for each property that was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
import pyarrow as pa

from batch.responses.structured_output import typed
from lifecycle.results.store.reconciliation import Field

ARROW = {
    "VARCHAR": pa.string(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "JSON": pa.string(),
}


def read_values(
    fields: Sequence[Field],
    texts: Iterable[str],
    parsed: Iterable[str],
    repaired: Iterable[str],
    *,
    lenient: bool,
) -> dict[str, list[Any]]:
    """Each field's values, None where an answer has none. Answers read leniently count only if `lenient`."""
    columns: dict[str, list[Any]] = {field.column: [] for field in fields}
    for text, form, repair in zip(texts, parsed, repaired, strict=True):
        answer = orjson.loads(text) if form == "strict" and text[:1] in _OPENINGS else None
        if form == "lenient" and lenient:
            answer = orjson.loads(repair)
        values = answer if isinstance(answer, dict) else {}
        for field in fields:
            columns[field.column].append(typed(values.get(field.name), field.type))
    return columns


_OPENINGS = ("{", " ", "\n", "\r", "\t")  # how an object may begin; a bare enum word is no JSON
