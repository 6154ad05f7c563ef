"""Results as OpenAI's batch gives them back: one line a row, in input order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
import orjson
import pyarrow as pa

from batch.dialects.openai_answers import OPENAI_FORMS, AnsweredRow, answer_line
from batch.dialects.recognise import CHAT, EMBEDDINGS
from batch.errors import InputError
from batch.responses.result_lines import parse_lenient
from lifecycle.core.run_files import DRAFT
from lifecycle.results.read.table import ResultTable

ReadLine = Callable[[int | None, int, int], bytes]
_COLUMNS = ("key", "outcome", "error_code", "error_message", "file", "position", "length")


class _Forms(msgspec.Struct):
    forms: list[tuple[str, int]] = []


_decode_forms = msgspec.json.Decoder(_Forms).decode


def was_openai(table: ResultTable) -> bool:
    """Whether the run's requests were lines for OpenAI."""
    return bool(_forms_asked(table))


def openai_form(table: ResultTable) -> str:
    """The form of the run's answers: that of most of its lines, else the one for what its requests are.

    Raises InputError for pictures, which OpenAI's batches do not give back.
    """
    if table.kind.pictures:
        raise InputError("Pictures have no form in OpenAI's batches.", "Export them as files: --out FOLDER.")
    if table.kind.vectors:
        return EMBEDDINGS
    return next((form for form in _forms_asked(table) if form != EMBEDDINGS), CHAT)


def _forms_asked(table: ResultTable) -> list[str]:
    path = table.folder / DRAFT
    if not path.exists():  # a job made elsewhere
        return []
    return [form for form, _ in _decode_forms(path.read_bytes()).forms if form in OPENAI_FORMS]


def openai_lines(table: ResultTable, batches: Iterable[tuple[pa.Table, pa.Table]], read: ReadLine) -> Iterator[bytes]:
    """The lines of rows, whose received lines are `read` by their place."""
    form, ended_at = openai_form(table), int(table.results.stat().st_mtime)
    for _, rows in batches:
        for row in rows.select(_COLUMNS).to_pylist():
            line = read(row["file"], row["position"], row["length"])
            response = _response_of(line) if line else {}
            model = str(response.get("modelVersion") or "gemini")
            answered = AnsweredRow(row["key"], row["outcome"], response, row["error_code"], row["error_message"] or "")
            yield orjson.dumps(answer_line(answered, form, model, ended_at))


def _response_of(line: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        try:
            value = parse_lenient(line)
        except (ValueError, RecursionError):
            return {}
    response = value.get("response") if isinstance(value, dict) else None
    return response if isinstance(response, dict) else {}
