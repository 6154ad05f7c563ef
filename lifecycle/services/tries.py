"""Try a few rows of a draft before it is sent: interactive calls, answered at once, at the standard price.

A try is no run: it is recorded beside the draft and in no list. Each row is asked once. A reply that is lost may have
been charged, so it is said and never asked again by itself.
"""

from __future__ import annotations

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow.parquet as pq

from batch.errors import ApiError, InputError
from batch.kinds.kind import RequestKind
from batch.kinds.registry import kind_of
from batch.model import Outcome, Tariff, model_id
from batch.pricing import rates
from batch.pricing.workload import tried_rows
from batch.requests.cache_reference import placeholder_for
from batch.responses.outcome_tables import GRPC_NAMES, HTTP_TO_GRPC, LABELS
from batch.responses.structured_output import AnswerSchema
from lifecycle.core.models import Account, RunSpec
from lifecycle.core.run_files import INPUTS, REQUESTS, TRIES
from lifecycle.inputs.draft_files import ROW_COLUMNS
from lifecycle.inputs.drafts import EMPTY_DRAFT, Draft
from lifecycle.planning.history import output_history
from lifecycle.planning.history.prompt_sketch import sample_requests
from lifecycle.planning.tried_rows import TriedRow, Tries, field_names, fields_of
from lifecycle.requests.request_file import open_requests
from lifecycle.sending.outgoing import with_files
from lifecycle.services import user_caches
from lifecycle.services.context import ServiceContext
from lifecycle.storage.output_summaries import OutputSummaries

if TYPE_CHECKING:
    from gemini.client import GeminiClient

ROWS = 5
CALLS_AT_ONCE = 5
LOST = "No reply came. The call may have been charged; it was not repeated."


class TryService:
    """Interactive calls for rows of a draft. Nothing is retried."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    def try_rows(self, account: Account, draft: Draft, spec: RunSpec, rows: int = ROWS) -> Tries:
        """Ask for the answers to some rows spread over the draft, each once, several at a time.

        Every reply is written down as it comes. Raises InputError for a draft without rows or for a cache that it
        names and cannot use, for models of pictures and vectors, and KeyMissing.
        """
        if not draft.rows:
            raise EMPTY_DRAFT
        kind = kind_of(self._context.price_list.model(model_id(spec.model)))
        if kind.pictures or kind.vectors:
            raise InputError(
                "Rows can be tried with models that answer in words.", "Send a few rows as a run of their own first."
            )
        client, model = self._context.client(account), model_id(spec.model)
        resolved = user_caches.cache_facts(self._context, account, draft, spec).resolved_names
        caches = {placeholder_for(word): name for word, name in resolved.items()}
        places = tried_rows(draft.rows, rows)
        requests = [_with_cache(request, caches) for request in _requests(draft.folder / REQUESTS, places)]
        prices = self._context.price_list
        one_try = _OneTry(client, model, kind, prices.tariff(model))
        inputs = _inputs(draft.folder / INPUTS, places)
        answered: list[TriedRow] = []
        with ThreadPoolExecutor(CALLS_AT_ONCE) as pool, (draft.folder / TRIES).open("ab") as log:
            for row, reply in pool.map(one_try, inputs, requests):
                log.write(reply + b"\n")
                log.flush()
                answered.append(row)
        config = requests[0].get("generationConfig") or {}
        schema = _schema_of(config)
        tries = Tries(
            draft=str(draft.folder),
            model=model,
            rows=tuple(answered),
            fields=field_names(answered, schema or {}),
            asks_for_json=schema is not None,
            output_cap=config.get("maxOutputTokens"),
        )
        self._record_lengths(account, draft, tries)
        return tries

    def _record_lengths(self, account: Account, draft: Draft, tries: Tries) -> None:
        """Remember how long the answers were, for drafts to come."""
        lengths = output_history.lengths_of_usages(tries.usages, tries.cut_off)
        if lengths is not None:
            sketch = sample_requests(draft.folder / REQUESTS).sketch
            name = f"try-{secrets.token_hex(8)}"
            summary = output_history.summary(name, account.owner_id, tries.model, time.time(), sketch, lengths)
            OutputSummaries(self._context.store).put(summary)


class _OneTry:
    """Asks for one row's answer and reads it as a batch's results are read."""

    def __init__(self, client: GeminiClient, model: str, kind: RequestKind, tariff: Tariff | None) -> None:
        self._client, self._model, self._kind, self._tariff = client, model, kind, tariff

    def __call__(self, row: TriedRow, request: dict[str, Any]) -> tuple[TriedRow, bytes]:
        try:
            reply: dict[str, Any] = {
                "response": self._client.generate(self._model, request, self._kind.generate_method)
            }
        except ApiError as error:
            if error.ambiguous:
                return replace(row, outcome=Outcome.NO_RESPONSE, error=LOST, lost=True), _line(row.key, {"lost": True})
            reply = {"error": {"code": _code(error), "message": str(error)}}
        line = _line(row.key, reply)
        return self._read(row, line, request), line

    def _read(self, row: TriedRow, line: bytes, request: dict[str, Any]) -> TriedRow:
        parsed = self._kind.classify(line)
        usd = None
        if parsed.usage is not None and self._tariff is not None:
            usd = rates.usage_usd(parsed.usage, self._tariff, tier="standard")
        elif "error" in orjson.loads(line):
            usd = 0.0
        error = "" if parsed.outcome is Outcome.ANSWERED else parsed.error_message or LABELS[parsed.outcome]
        read = replace(row, outcome=parsed.outcome, text=parsed.text, error=error, usage=parsed.usage, usd=usd)
        schema = _schema_of(request.get("generationConfig") or {})
        return _with_fields(read, schema, request) if schema is not None and parsed.text else read


def _with_fields(row: TriedRow, schema: dict[str, Any], request: dict[str, Any]) -> TriedRow:
    """The row with its answer's fields, and told where the answer is not in the form that was asked for."""
    mime_type = request["generationConfig"].get("responseMimeType")
    answer = AnswerSchema(schema, enum=mime_type == "text/x.enum").read(row.text)
    if answer.form != "strict":
        if row.outcome is not Outcome.ANSWERED:
            return row
        label = LABELS[Outcome.INVALID_OUTPUT]
        return replace(row, outcome=Outcome.INVALID_OUTPUT, error=f"{label}: {answer.problem}")
    return replace(row, values=fields_of(orjson.loads(answer.json)) if answer.json else {})


def _schema_of(config: dict[str, Any]) -> dict[str, Any] | None:
    """The form that a request asks its answer to have; None for free text."""
    schema = config.get("responseSchema") or config.get("responseJsonSchema")
    if isinstance(schema, dict):
        return schema
    return {} if config.get("responseMimeType") == "application/json" else None


def _requests(path: Path, places: list[int]) -> list[dict[str, Any]]:
    """The requests of these rows."""
    wanted, requests = set(places), []
    with open_requests(path) as lines:
        for n, line in enumerate(lines):
            if n in wanted:
                requests.append(orjson.loads(with_files(line, path.parent, {}))["request"])
            if n >= places[-1]:
                break
    return requests


def _with_cache(request: dict[str, Any], caches: dict[str, str]) -> dict[str, Any]:
    """The request with the cache that it names by `@use_cache`."""
    name = request.get("cachedContent")
    return {**request, "cachedContent": caches[name]} if name in caches else request


def _inputs(path: Path, places: list[int]) -> list[TriedRow]:
    """What a person knows of these rows, each as one that is not answered yet."""
    own_from = len(ROW_COLUMNS)
    rows, start = [], 0
    with pq.ParquetFile(path, pre_buffer=False) as file:
        names = file.schema_arrow.names
        for group in range(file.num_row_groups):
            end = start + file.metadata.row_group(group).num_rows
            if wanted := [n - start for n in places if start <= n < end]:
                for offset, record in zip(wanted, file.read_row_group(group).take(wanted).to_pylist(), strict=True):
                    own = {name: record[name] for name in names[own_from:]}
                    row = TriedRow(start + offset, record["key"], record["prompt"], own, Outcome.NO_RESPONSE)
                    rows.append(row)
            start = end
    return rows


def _code(error: ApiError) -> int:
    """The code that a batch's result line would have for the same refusal."""
    return GRPC_NAMES.get(error.status_word) or HTTP_TO_GRPC.get(error.status or 0, 2)


def _line(key: str, reply: dict[str, Any]) -> bytes:
    return orjson.dumps({"key": key, **reply})
