"""Pictures: a request of generateContent to an image model, answered with one picture or several, and texts."""

from __future__ import annotations

from batch.kinds.kind import RequestKind
from batch.kinds.text import RESPONSE_OVERHEAD_BYTES
from batch.model import Generation, Outcome
from batch.pricing import rates
from batch.pricing.answer_sizes import Task
from batch.pricing.catalog import CatalogModel
from batch.pricing.workload import OutputAssumption
from batch.requests.row_checker import RowChecker
from batch.responses import outcomes
from batch.responses.parsed_row import ParsedRow
from batch.responses.spreadsheet_text import FLAT_COLUMNS

DEFAULT_SIZE = "1K"  # of a request that names none
TYPICAL_TOKENS = 1_120  # of a picture, where the model's sizes are not known: 1K on all 3.x
TEXT_TOKENS = 450  # of text and thoughts beside a picture on 3.x: 414 to 482 in seven calls (October 2026)
MOST_TEXT_FACTOR = 4  # by which text and thoughts beside a picture may exceed that
RESULT_BYTES = {"512": 1_000_000.0, "1K": 3_000_000.0, "2K": 8_000_000.0, "4K": 24_000_000.0}
"""Of a result line by the size of its picture: 8 MB at 2K by a public report, the others by their pixels."""
REASONS = {
    "NO_IMAGE": "no picture was made",
    "IMAGE_SAFETY": "the picture was blocked for safety",
    "IMAGE_PROHIBITED_CONTENT": "the picture was blocked as prohibited content",
    "IMAGE_RECITATION": "the picture was stopped as a recitation",
    "IMAGE_OTHER": "the picture was not made, for a reason that Google does not tell",
}
COLUMNS = tuple(column for name in FLAT_COLUMNS for column in ((name, "pictures") if name == "text" else (name,)))


def _assumed_output(model: CatalogModel | None, task: Task) -> OutputAssumption:
    """One picture a row of the size that it asks for, with some text and thoughts beside it on 3.x."""
    known = model.picture_tokens if model else {}
    counts = dict(task.picture_sizes or {}) or {"": 1}
    rows = sum(counts.values())
    tokens = sum(known.get(size or DEFAULT_SIZE, TYPICAL_TOKENS) * n for size, n in counts.items()) / rows
    beside = TEXT_TOKENS if model is None or model.family != "" else 0
    named = ", ".join(sorted({size or DEFAULT_SIZE for size in counts}))
    text_note = f" and {beside:,} of text and thoughts beside it" if beside else ""
    description = f"Output: one picture a row ({named}), {tokens:,.0f} tokens{text_note}."
    return OutputAssumption(
        tokens,
        tokens + beside,
        description,
        image_share=tokens / (tokens + beside),
        measured_high=tokens + 2 * beside,
        measured_worst=tokens + MOST_TEXT_FACTOR * beside,
    )


def _result_bytes(output_tokens: float | None, generation: Generation) -> float:
    size = generation.image_size or DEFAULT_SIZE
    return RESPONSE_OVERHEAD_BYTES + RESULT_BYTES.get(size, RESULT_BYTES["4K"])


def classify(line: bytes) -> ParsedRow:
    """Say what became of a row that asked for a picture: as of any other, with words for pictures."""
    row = outcomes.classify(line)
    if row.finish_reason in REASONS and not row.images and row.outcome is not Outcome.ANSWERED:
        _, _, google = row.error_message.partition(": ")
        reason = f"{REASONS[row.finish_reason]} ({row.finish_reason})"
        return row._replace(error_message=f"{reason}: {google}" if google else reason)
    return row


IMAGE = RequestKind(
    name="image",
    create_method="batchGenerateContent",
    make_check=RowChecker,
    settings_apart=True,
    assumed_output=_assumed_output,
    result_bytes=_result_bytes,
    classify=classify,
    price=rates.usage_usd,
    columns=COLUMNS,
    pictures=True,
    file_only=True,
)
