"""Flat rows as JSON objects, a column at a time, with what was received of each as it came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from batch.responses.result_lines import parse_lenient
from lifecycle.results.store.reconciliation import AnswerColumn

JOINED_BYTES = 1 << 28  # of the lines that are put together at once
_SPECIAL = r'["\\\x00-\x1f]'
_ESCAPES = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))
_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f]"


@dataclass(frozen=True)
class RowShape:
    """What the columns of flat rows are: the input's `own`, `extras` that hold JSON, and `fields` of the answers."""

    own: tuple[str, ...]
    extras: tuple[str, ...]
    fields: tuple[AnswerColumn, ...]


def json_rows(flat: pa.Table, received: Sequence[bytes], shape: RowShape) -> Iterator[bytes]:
    """One object a row: `input`, the flat row, `answer`, and `usage` and `response` of the line received for it."""
    size = sum(map(len, received)) + flat.nbytes
    step = max(1, flat.num_rows * JOINED_BYTES // max(size, 1))
    for start in range(0, flat.num_rows, step):
        yield from _objects(flat.slice(start, step), received[start : start + step], shape)


def _objects(flat: pa.Table, received: Sequence[bytes], shape: RowShape) -> list[bytes]:
    answers = {field.column: field for field in shape.fields}
    plain = [name for name in flat.column_names if name not in {*shape.own, *shape.extras, *answers}]
    pieces: list[pa.Array | bytes] = [b"{"]
    if shape.own:
        pieces += _members("input", [(name, json_column(flat.column(name))) for name in shape.own])
    for name in plain:
        pieces += _member(name, json_column(flat.column(name)))
    for name in shape.extras:
        pieces += _member(name, given_json(flat.column(name)))
    if answers:
        values = [(field.name, _answer(flat.column(column), field)) for column, field in answers.items()]
        pieces += _members("answer", values)
    usages, responses = zip(*map(_as_received, received), strict=True)
    pieces += [*_member("usage", pa.array(usages, pa.binary())), *_member("response", pa.array(responses, pa.binary()))]
    pieces[-1] = b"}"
    lines: list[bytes] = pc.binary_join_element_wise(*pieces, b"").to_pylist()
    return lines


def _member(name: str, values: pa.Array) -> list[pa.Array | bytes]:
    return [orjson.dumps(name) + b":", values, b","]


def _members(name: str, members: Sequence[tuple[str, pa.Array]]) -> list[pa.Array | bytes]:
    """An object of its own under a name."""
    inner = [piece for member in members for piece in _member(*member)]
    return [orjson.dumps(name) + b":{", *inner[:-1], b"},"]


def _answer(column: pa.ChunkedArray, field: AnswerColumn) -> pa.Array:
    return given_json(column) if field.type == "JSON" else json_column(column)


def given_json(column: pa.ChunkedArray) -> pa.Array:
    """A column of texts that are JSON."""
    return pc.fill_null(pc.cast(column.combine_chunks(), pa.binary()), b"null")


def json_column(column: pa.ChunkedArray) -> pa.Array:
    """A column's values as JSON, in bytes."""
    values = column.combine_chunks()
    kind = values.type
    if pa.types.is_string(kind):
        texts = pc.binary_join_element_wise('"', _escaped(values), '"', "")
    elif pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        texts = pc.cast(values, pa.string())
    elif pa.types.is_floating(kind) and kind.bit_width == 64:
        texts = pc.if_else(pc.is_finite(values), pc.cast(values, pa.string()), None)
    else:
        return pa.array([orjson.dumps(value, default=str) for value in values.to_pylist()], pa.binary())
    return pc.fill_null(pc.cast(texts, pa.binary()), b"null")


def _escaped(texts: pa.Array) -> pa.Array:
    if not pc.any(pc.match_substring_regex(texts, _SPECIAL), min_count=0).as_py():
        return texts
    rare = pc.fill_null(pc.match_substring_regex(texts, _CONTROL), False)
    written = texts
    for sign, escape in _ESCAPES:
        written = pc.replace_substring(written, sign, escape)
    if not pc.any(rare, min_count=0).as_py():
        return written
    exact = [orjson.dumps(text)[1:-1].decode() for text in texts.filter(rare).to_pylist()]
    return pc.replace_with_mask(written, rare, pa.array(exact, pa.string()))


class _Received(msgspec.Struct):
    response: msgspec.Raw = msgspec.Raw(b"null")


class _Response(msgspec.Struct, rename="camel"):
    usage_metadata: msgspec.Raw = msgspec.Raw(b"null")


_received = msgspec.json.Decoder(_Received).decode
_response = msgspec.json.Decoder(_Response | None).decode


def _as_received(line: bytes) -> tuple[bytes, bytes]:
    """(usageMetadata, response) of a received line, byte for byte if a strict parser would accept them."""
    if not line:
        return b"null", b"null"
    try:
        response = bytes(_received(line).response)
        parsed_response = _response(response)
        response.decode()
        if b"\\ud" in response:
            orjson.loads(response)
    except (msgspec.DecodeError, UnicodeDecodeError, orjson.JSONDecodeError, RecursionError):
        return _parse_loosely(line)
    return bytes(parsed_response.usage_metadata) if parsed_response else b"null", response


def _parse_loosely(line: bytes) -> tuple[bytes, bytes]:
    """The same of a line with flaws that some readers would trip over; what none could read comes as a text."""
    try:
        value = parse_lenient(line)
    except RecursionError:
        return b"null", orjson.dumps(line.decode("utf-8", "replace").strip())
    response = value.get("response") if isinstance(value, dict) else None
    usage = response.get("usageMetadata") if isinstance(response, dict) else None
    return orjson.dumps(usage, default=str), orjson.dumps(response, default=str)
