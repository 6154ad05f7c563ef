"""Embeddings: a request of embedContent, answered with one vector."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
import orjson

from batch.kinds.embedding_check import EmbeddingCheck
from batch.kinds.kind import RequestKind
from batch.kinds.text import RESPONSE_OVERHEAD_BYTES
from batch.model import Generation, Outcome, Usage
from batch.pricing import rates
from batch.pricing.answer_sizes import Task
from batch.pricing.catalog import CatalogModel
from batch.pricing.workload import OutputAssumption
from batch.responses import outcomes
from batch.responses.parsed_row import ParsedRow
from batch.responses.result_lines import MAX_TOKENS

NUMBER_BYTES = 59.0  # of a vector in a result line: 12 where it is written tightly, 59 as one large job's were
LONGEST = 3_072  # numbers, where the settings name no other length
COLUMNS = ("key", "prompt", "outcome", "error_code", "error_message", "prompt_tokens", "cost_usd")
UNREADABLE = "the vector cannot be read"


def _assumed_output(model: CatalogModel | None, task: Task) -> OutputAssumption:
    return OutputAssumption(0, 0, "Embeddings have no output tokens.", has_output=False)


def _result_bytes(output_tokens: float | None, generation: Generation) -> float:
    return RESPONSE_OVERHEAD_BYTES + NUMBER_BYTES * (generation.dimensions or LONGEST)


def classify(line: bytes) -> ParsedRow:
    """Say what became of a row, and read its vector. Total: never raises, whatever the bytes are."""
    try:
        value = orjson.loads(line)
        response, key = value["response"], value.get("key")
        vector = array("f", response["embedding"]["values"])
    except (ValueError, KeyError, TypeError, OverflowError, AttributeError):
        return _without_vector(outcomes.classify(line))
    if value.get("error") or not vector or not np.isfinite(np.frombuffer(vector, np.float32)).all():
        return _without_vector(outcomes.classify(line))
    if type(key) is not str:
        key = outcomes.classify(line).key
    return ParsedRow(key, Outcome.ANSWERED, usage=_usage(response), vector=vector)


def _without_vector(row: ParsedRow) -> ParsedRow:
    """A row that no vector could be read of; what seems to be an answer is none."""
    if row.outcome is not Outcome.ANSWERED:
        return row
    return row._replace(outcome=Outcome.INVALID_OUTPUT, text="", error_message=UNREADABLE)


def _usage(response: dict[str, Any]) -> Usage | None:
    """Tokens as embedding-2 tells them (recorded 2026-07-25), or 001 (cookbook); None where neither does."""
    told = (response.get("usageMetadata") or {}).get("promptTokenCount", response.get("tokenCount"))
    text = str(told)
    tokens = int(text) if len(text) < 20 and text.isdecimal() else 0
    return Usage(tokens) if 0 < tokens <= MAX_TOKENS else None


EMBEDDING = RequestKind(
    name="embedding",
    create_method="asyncBatchEmbedContent",
    generate_method="embedContent",
    make_check=EmbeddingCheck,
    assumed_output=_assumed_output,
    result_bytes=_result_bytes,
    classify=classify,
    price=rates.usage_usd,
    columns=COLUMNS,
    vectors=True,
    file_only=True,
)
