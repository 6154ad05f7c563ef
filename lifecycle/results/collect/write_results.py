"""Last step of collecting: one result row beside every input row, in input order."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from batch.errors import InputError
from batch.model import Outcome
from batch.responses.outcome_tables import LABELS
from batch.responses.structured_output import ParsedAnswer
from lifecycle.results.collect.counters import Counters
from lifecycle.results.collect.response_schemas import NO_SCHEMA, PICTURE, UNCHECKED, ResponseSchemas
from lifecycle.results.collect.vector_store import VectorStore
from lifecycle.results.store.columns import (
    DEDUPLICATED,
    DICTIONARY_COLUMNS,
    MATCHED_LINE_SCHEMA,
    RECONCILIATION_KEY,
    RESULT_SCHEMA,
    USAGE_COLUMNS,
)
from lifecycle.results.store.reconciliation import Reconciliation
from lifecycle.results.store.sorted_stream import SortedStream

_MISSING = {
    "outcome": Outcome.MISSING.value,
    "text": "",
    "error_message": LABELS[Outcome.MISSING],
    "error": LABELS[Outcome.MISSING],
    "finish_reason": "",
    "block_reason": "",
    "cache_lost": False,
    "attempts": 0,
    "shared": False,
}


def write_results(
    inputs: Path,
    kept_lines: Iterator[pa.Table],
    target: Path,
    counters: Counters,
    schemas: ResponseSchemas,
    batch_rows: int,
    vectors: VectorStore | None = None,
) -> Reconciliation:
    """Write one result per input row, in input order: the line in `kept_lines` that answers it, or "missing".

    Their vectors, if any, follow into a file of their own. `kept_lines` holds lines in ascending order of their row's
    `n`, one per row. The account is kept in the file's own metadata, so that the two can never disagree.
    """
    stream = SortedStream(MATCHED_LINE_SCHEMA, kept_lines)
    with pq.ParquetWriter(
        target, RESULT_SCHEMA, compression="zstd", use_dictionary=[*DICTIONARY_COLUMNS, "parsed"]
    ) as writer:
        for batch in _input_rows(inputs, batch_rows):
            aligned = _align(batch, stream.read_until("n", batch.column("n")[-1].as_py() + 1))
            columns = _result_columns(batch, aligned)
            columns |= _read_answers(columns, aligned, counters, schemas)
            table = pa.table(columns, schema=RESULT_SCHEMA)
            counters.add_rows(table)
            writer.write_table(table)
            if vectors is not None:
                vectors.place(table, aligned.column("slot"))
        stream.read_until("n", sys.maxsize)  # without rows nothing has been read yet, and every line must be counted
        reconciliation = counters.reconciliation(schemas.columns())
        writer.add_key_value_metadata({RECONCILIATION_KEY: reconciliation.to_json()})
    return reconciliation


def _input_rows(inputs: Path, batch_rows: int) -> Iterator[pa.RecordBatch]:
    """Number and key of every row sent, in input order."""
    last = -1
    with pq.ParquetFile(inputs, pre_buffer=False) as file:
        for batch in file.iter_batches(batch_rows, columns=["n", "key"], use_threads=False):
            n = batch.column("n").to_numpy()
            if len(n) and (n[0] <= last or np.any(n[1:] <= n[:-1])):
                raise InputError(f"{inputs.name} is not in input order.")
            if len(n):
                last = n[-1]
                yield batch


def _align(inputs: pa.RecordBatch, lines: pa.Table) -> pa.Table:
    """One line for every input row; nulls where there is none."""
    index = np.full(inputs.num_rows, -1)
    index[np.searchsorted(inputs.column("n").to_numpy(), lines.column("n").to_numpy())] = np.arange(lines.num_rows)
    return lines.take(pa.array(index, mask=index < 0)).combine_chunks()


def _result_columns(inputs: pa.RecordBatch, aligned: pa.Table) -> dict[str, pa.ChunkedArray]:
    """The columns of RESULT, before structured answers are read. Copies of another row's answer cost nothing."""
    absent = aligned.column("kind").is_null()
    shared = pc.fill_null(pc.equal(aligned.column("kind"), DEDUPLICATED), False)
    columns = {name: aligned.column(name) for name in RESULT_SCHEMA.names if name in aligned.column_names}
    columns |= {"n": inputs.column("n"), "key": inputs.column("key"), "shared": shared}
    columns |= {name: pc.if_else(absent, value, columns[name]) for name, value in _MISSING.items()}
    zeroed = {name: pc.if_else(shared, 0, columns[name]) for name in (*USAGE_COLUMNS, "cost_usd")}
    empty = pa.array([""] * inputs.num_rows)
    ordered = {**columns, **zeroed, "parsed": empty, "repaired": empty}
    return {name: ordered[name] for name in RESULT_SCHEMA.names}


def _read_answers(
    columns: dict[str, pa.ChunkedArray], aligned: pa.Table, counters: Counters, schemas: ResponseSchemas
) -> dict[str, list[str | None]]:
    """Read the answers that were asked for in some form. One that is not in it is no answer, and says why."""
    if not schemas:
        return {}
    schema_numbers = pc.fill_null(aligned.column("form"), schemas.default)
    names = ("outcome", "text", "error_message", "error", "parsed", "repaired")
    changed = {name: columns[name].to_pylist() for name in names}
    label = LABELS[Outcome.INVALID_OUTPUT]
    for row, (number, outcome, text, images) in enumerate(
        zip(
            schema_numbers.to_pylist(),
            changed["outcome"],
            changed["text"],
            columns["images"].to_pylist(),
            strict=True,
        )
    ):
        if outcome != Outcome.ANSWERED or number == NO_SCHEMA:
            continue
        if number == UNCHECKED:
            counters.unchecked += bool(text)
            continue
        if number == PICTURE:
            answer = _PICTURE_CAME if images else _NO_PICTURE
        elif text:
            answer = schemas[number].read(text)
            changed["parsed"][row] = answer.form
            changed["repaired"][row] = answer.json if answer.form == "lenient" else ""
        else:
            continue
        if answer.form != "strict":
            changed["outcome"][row], changed["error"][row] = Outcome.INVALID_OUTPUT.value, f"{label}: {answer.kind}"
            changed["error_message"][row] = f"{label}: {answer.problem}"
    return changed


_PICTURE_CAME = ParsedAnswer("strict")
_NO_PICTURE = ParsedAnswer("failed", problem="a picture was asked for, and none came")
