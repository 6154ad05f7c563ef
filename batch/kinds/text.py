"""Text: a request of generateContent, answered in words, in JSON, or with calls of tools."""

from __future__ import annotations

from batch.kinds.kind import RequestKind
from batch.model import Generation
from batch.pricing import rates, workload
from batch.pricing.answer_sizes import Task
from batch.pricing.catalog import CatalogModel
from batch.pricing.workload import OutputAssumption
from batch.requests.row_checker import RowChecker
from batch.responses.outcomes import classify
from batch.responses.spreadsheet_text import FLAT_COLUMNS

RESPONSE_OVERHEAD_BYTES = 1_000.0  # a response without its answer: usage, ids, ratings, a key
OUTPUT_TOKEN_BYTES = 4.0  # of an answer's text as JSON


def _assumed_output(model: CatalogModel | None, task: Task) -> OutputAssumption:
    return workload.assumed_output(thinking=model is None or model.thinking is not None, task=task)


def _result_bytes(output_tokens: float | None, generation: Generation) -> float:
    return RESPONSE_OVERHEAD_BYTES + OUTPUT_TOKEN_BYTES * (output_tokens or 0.0)


TEXT = RequestKind(
    name="text",
    create_method="batchGenerateContent",
    make_check=RowChecker,
    settings_apart=True,
    assumed_output=_assumed_output,
    result_bytes=_result_bytes,
    classify=classify,
    price=rates.usage_usd,
    columns=FLAT_COLUMNS,
)
