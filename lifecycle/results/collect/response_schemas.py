"""Which form each request asks its answer to have, read from the requests as they were sent."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from batch.responses.structured_output import AnswerSchema
from lifecycle.requests.request_file import open_requests, shared_config
from lifecycle.results.collect.parse_lines import YIELD_ROWS
from lifecycle.results.store.line_blocks import line_blocks
from lifecycle.results.store.reconciliation import AnswerColumn

# Numbers that stand for no form, for one beyond MAX_SCHEMAS, and for a picture.
NO_SCHEMA, UNCHECKED, PICTURE = -1, -2, -3
MAX_SCHEMAS = 1000  # forms kept; rows that ask for others are not checked, and the account says so
MAX_COLUMNS = 100  # typed columns at most
NUMBERS_SCHEMA = pa.schema([("key", pa.string()), ("form", pa.int32())])
_BATCH = 32_768
_NULL = msgspec.Raw(b"null")


class _Config(msgspec.Struct, gc=False):
    mime: str = msgspec.field(name="responseMimeType", default="")
    mime_: str = msgspec.field(name="response_mime_type", default="")
    schema: msgspec.Raw = msgspec.field(name="responseSchema", default=_NULL)
    schema_: msgspec.Raw = msgspec.field(name="response_schema", default=_NULL)
    json_schema: msgspec.Raw = msgspec.field(name="responseJsonSchema", default=_NULL)
    json_schema_: msgspec.Raw = msgspec.field(name="response_json_schema", default=_NULL)
    modalities: msgspec.Raw = msgspec.field(name="responseModalities", default=_NULL)
    modalities_: msgspec.Raw = msgspec.field(name="response_modalities", default=_NULL)


class _SchemaRequest(msgspec.Struct, gc=False):
    config: _Config | None = msgspec.field(name="generationConfig", default=None)
    config_: _Config | None = msgspec.field(name="generation_config", default=None)


class _Line(msgspec.Struct, gc=False):
    key: str
    request: _SchemaRequest | None = None


_decode = msgspec.json.Decoder(_Line).decode
_value = msgspec.json.Decoder().decode


class ResponseSchemas:
    """The forms asked for, by number. `default` is for requests that name none; `by_key` tells who asks which.

    With `pictures`, requests that do not say otherwise ask for one: the model is made for it.
    """

    def __init__(self, default: dict[str, Any] | None, *, pictures: bool = False) -> None:
        self.default = PICTURE if pictures else NO_SCHEMA
        self.by_key: Path | None = None
        self._schemas: list[AnswerSchema] = []
        self._numbers: dict[tuple[bytes, bool], int] = {}
        if default is not None:
            self._schemas.append(AnswerSchema(default))
            self.default = 0

    def __getitem__(self, number: int) -> AnswerSchema:
        return self._schemas[number]

    def __bool__(self) -> bool:
        return bool(self._schemas or self.default != NO_SCHEMA or self.by_key)

    def scan(self, requests: Path, target: Path) -> None:
        """Look what every request asks for; `target` becomes a Parquet file of (key, form) if they differ."""
        if not _mentions_schema(requests):
            return
        seen: set[int] = set()
        with pq.ParquetWriter(target, NUMBERS_SCHEMA, compression="lz4", use_dictionary=False) as writer:
            for keys, numbers in self._batches(requests):
                seen.update(numbers)
                writer.write_batch(
                    pa.record_batch([pa.array(keys), pa.array(numbers, pa.int32())], schema=NUMBERS_SCHEMA)
                )
        if len(seen) == 1:
            self.default = seen.pop()
        elif seen:
            self.by_key = target

    def columns(self) -> tuple[AnswerColumn, ...]:
        """The typed columns of all forms; of two with the same name, the first."""
        kinds: dict[str, str] = {}
        for schema in self._schemas:
            for name, kind in schema.columns().items():
                kinds.setdefault(name, kind)
        return tuple(AnswerColumn(name, kind) for name, kind in list(kinds.items())[:MAX_COLUMNS])

    def _batches(self, requests: Path) -> Iterator[tuple[list[str], list[int]]]:
        keys: list[str] = []
        numbers: list[int] = []
        with open_requests(requests) as file:
            for line in file:
                if line.isspace():
                    continue
                decoded = _decode(line)
                keys.append(decoded.key)
                numbers.append(self._number(decoded.request))
                if not len(keys) % YIELD_ROWS:
                    time.sleep(0)
                if len(keys) >= _BATCH:
                    yield keys, numbers
                    keys, numbers = [], []
        if keys:
            yield keys, numbers

    def _number(self, request: _SchemaRequest | None) -> int:
        """The number of the form a request asks for, kept under the bytes it was asked in."""
        config = (request.config or request.config_) if request else None
        if config is None:
            return self.default
        if (modalities := bytes(config.modalities) + bytes(config.modalities_)) != b"nullnull":
            return (
                PICTURE if b'"IMAGE"' in modalities.upper() else NO_SCHEMA if self.default == PICTURE else self.default
            )
        mime = config.mime or config.mime_
        candidates = (config.schema, config.schema_, config.json_schema, config.json_schema_)
        schema = next((text for part in candidates if (text := bytes(part)) != b"null"), b"null")
        if schema == b"null" and mime != "application/json":
            return self.default
        schema_key = (schema, mime == "text/x.enum")
        if schema_key not in self._numbers:
            if len(self._schemas) >= MAX_SCHEMAS:
                return UNCHECKED
            self._numbers[schema_key] = len(self._schemas)
            self._schemas.append(AnswerSchema(_value(schema), enum=schema_key[1]))
        return self._numbers[schema_key]


_MARK = re.compile(rb'"response(?:Schema|JsonSchema|MimeType|Modalities|_schema|_json_schema|_mime_type|_modalities)"')


def _mentions_schema(requests: Path) -> bool:
    """Does any request speak of its answer's form? A search through the bytes, much faster than parsing."""
    return bool(_MARK.search(shared_config(requests))) or any(_MARK.search(block) for block in line_blocks(requests))
