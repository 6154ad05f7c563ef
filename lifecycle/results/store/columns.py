"""The columns of the files of results."""

from __future__ import annotations

import pyarrow as pa

from batch.model import Outcome
from batch.responses.outcome_tables import RANK

RECONCILIATION_KEY = "account"  # key of the account in the metadata of results.parquet

# What was used, a column for each field of `Usage`, in its order.
USAGE_COLUMNS = (
    "prompt_tokens",
    "cached_tokens",
    "output_tokens",
    "thoughts_tokens",
    "tool_tokens",
    "audio_tokens",
    "cached_audio_tokens",
    "image_tokens",
    "unitemised_tokens",
    "search_queries",
    "grounded_prompts",
)
# What is paid for beside the text, a JSON list each, null where there is none; exports have those that occur.
EXTRA_COLUMNS = ("other_answers", "tool_calls", "executed_code")
# The pictures of an answer, in its order; `file` is relative to the folder of the run that gave the answer.
PICTURES = pa.list_(
    pa.struct(
        [
            ("file", pa.string()),
            ("mime_type", pa.string()),
            ("width", pa.int32()),
            ("height", pa.int32()),
            ("size_bytes", pa.int64()),
        ]
    )
)
# What a line tells. Usage and cost are null where the line does not tell.
LINE_COLUMNS = (
    ("outcome", pa.string()),
    ("text", pa.string()),
    ("error_code", pa.int32()),
    ("error_message", pa.string()),
    ("error", pa.string()),  # the message without its details, for grouping
    ("finish_reason", pa.string()),
    ("block_reason", pa.string()),
    *((name, pa.int64()) for name in USAGE_COLUMNS),
    ("cost_usd", pa.float64()),
    ("cache_lost", pa.bool_()),
    *((name, pa.string()) for name in EXTRA_COLUMNS),
    ("images", pa.int32()),  # pictures that came with the answer
    ("pictures", PICTURES),
)
# Where a line is: the run's attempt, the number of the received file, and the bytes in it.
LINE_LOCATION = (("attempt", pa.int32()), ("file", pa.int32()), ("position", pa.int64()), ("length", pa.int64()))
SLOT = ("slot", pa.int64())  # where a line's vector is, while it is collected; null where it has none
DICTIONARY_COLUMNS = ["outcome", "error_message", "error", "finish_reason", "block_reason"]

# Lines in the order received: all they tell, and what joining needs.
LINE_SCHEMA = pa.schema([("key", pa.string()), *LINE_COLUMNS, *LINE_LOCATION, SLOT])
KEY_SCHEMA = pa.schema([("seq", pa.int64()), ("key", pa.string()), ("attempt", pa.int32()), ("worth", pa.int8())])

# Lines with their place: which row (null if none), as what, how many attempts answered that row, and the number of
# the form that was asked for.
SELECTED, DEDUPLICATED, SUPERSEDED, DUPLICATE, UNMATCHED = range(5)
KINDS = ("chosen", "shared", "earlier", "duplicate", "unmatched")
MATCH_SCHEMA = pa.schema(
    [("seq", pa.int64()), ("n", pa.int64()), ("kind", pa.int8()), ("attempts", pa.int32()), ("form", pa.int32())]
)
MATCHED_LINE_SCHEMA = pa.schema([*LINE_SCHEMA, *list(MATCH_SCHEMA)[1:]])
OTHERS_SCHEMA = pa.schema([field for field in MATCHED_LINE_SCHEMA if field.name != SLOT[0]])

# Rows of results.parquet. `attempts` counts the attempts that returned a line; `shared` rows took an identical row's
# answer; `parsed` says how a structured answer was read (strict, lenient, failed; "" if none was asked for) and
# `repaired` what a lenient reading found.
RESULT_SCHEMA = pa.schema(
    [
        ("n", pa.int64()),
        ("key", pa.string()),
        *LINE_COLUMNS,
        *LINE_LOCATION,
        ("attempts", pa.int32()),
        ("shared", pa.bool_()),
        ("parsed", pa.string()),
        ("repaired", pa.string()),
    ]
)
RANK_SQL = "CASE outcome " + " ".join(f"WHEN '{outcome}' THEN {RANK[outcome]}" for outcome in Outcome) + " END"


def with_all_columns(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """A table as the schema has it: columns that its writer, an earlier version, did not know are null."""
    for field in schema:
        if field.name not in table.column_names:
            table = table.append_column(field, pa.nulls(table.num_rows, field.type))
    return table.select(schema.names)
