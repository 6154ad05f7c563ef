"""Structured answers as typed columns, one for each property that was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
import pyarrow as pa

from batch.responses.structured_output import coerce
from lifecycle.results.store.reconciliation import AnswerColumn

ARROW_TYPES = {
    "VARCHAR": pa.string(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "JSON": pa.string(),
}


def read_values(
    fields: Sequence[AnswerColumn],
    texts: Iterable[str],
    parsed: Iterable[str],
    repaired: Iterable[str],
    *,
    include_repaired: bool,
) -> dict[str, list[Any]]:
    """Each field's values, None where an answer has none. Answers read leniently count only if `lenient`."""
    columns: dict[str, list[Any]] = {field.column: [] for field in fields}
    for text, parse_status, repair in zip(texts, parsed, repaired, strict=True):
        answer = orjson.loads(text) if parse_status == "strict" and text[:1] in _OPENINGS else None
        if parse_status == "lenient" and include_repaired:
            answer = orjson.loads(repair)
        values = answer if isinstance(answer, dict) else {}
        for field in fields:
            columns[field.column].append(coerce(values.get(field.name), field.type))
    return columns


_OPENINGS = ("{", " ", "\n", "\r", "\t")  # how an object may begin; a bare enum word is no JSON
