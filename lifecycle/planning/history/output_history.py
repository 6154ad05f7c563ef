"""What the answers of earlier runs and tries came to, recorded as they end and asked before the next is priced."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from batch.model import Outcome, Usage
from batch.pricing.output_lengths import OutputLengths, SeenRun, measure
from lifecycle.core.run_files import RESULTS
from lifecycle.planning.history.prompt_sketch import PromptSketch, likeness
from lifecycle.storage.output_summaries import OutputSummaries, OutputSummary

LEAST_LIKENESS = 0.5  # below that a run says nothing of another
MAX_RUNS = 8  # the newest ones that are like it
MAX_ROWS = 300_000  # of a run that are looked at
CUT_OFF = (Outcome.TRUNCATED, Outcome.TRUNCATED_EMPTY)
_COLUMNS = ["outcome", "prompt_tokens", "output_tokens", "thoughts_tokens", "unitemised_tokens", "image_tokens"]
_COLUMNS += ["search_queries", "file", "shared"]
_encode = msgspec.json.Encoder().encode
_decode_lengths = msgspec.json.Decoder(OutputLengths).decode
_decode_sketch = msgspec.json.Decoder(PromptSketch).decode


def lengths_of_run(folder: Path, own_files: int | None = None) -> OutputLengths | None:
    """What a run's answers came to, from its results; None where nothing came back.

    Answers in files from `own_files` on are an earlier run's, taken over.
    """
    return lengths_of_results(folder / RESULTS, own_files) if (folder / RESULTS).exists() else None


def lengths_of_results(results: Path, own_files: int | None = None) -> OutputLengths | None:
    """The same of a file of results."""
    with pq.ParquetFile(results) as file:
        columns = [name for name in _COLUMNS if name in file.schema_arrow.names]
        tables, rows = [], 0
        for group in range(file.num_row_groups):
            tables.append(file.read_row_group(group, columns=columns))
            rows += tables[-1].num_rows
            if rows >= MAX_ROWS:
                break
    return _lengths(pa.concat_tables(tables), own_files) if tables else None


def _lengths(table: pa.Table, own_files: int | None) -> OutputLengths | None:
    table = table.filter(pc.greater(pc.fill_null(table["prompt_tokens"], 0), 0))
    table = table.filter(pc.invert(pc.fill_null(table["shared"], False)))
    if own_files is not None:
        table = table.filter(pc.less(pc.fill_null(table["file"], 0), own_files))
    counts = {name: _numbers(table, name) for name in _COLUMNS[1:7]}
    outputs = counts["output_tokens"] + counts["thoughts_tokens"] + counts["unitemised_tokens"]
    cut = pc.sum(pc.is_in(table["outcome"].cast(pa.string()), pa.array([str(one) for one in CUT_OFF]))).as_py() or 0
    rows, total = max(1, len(outputs)), max(1, int(outputs.sum()))
    return measure(
        outputs,
        cut,
        images=float(counts["image_tokens"].sum()) / total,
        searches=float(counts["search_queries"].sum()) / rows,
        prompt=float(counts["prompt_tokens"].sum()) / rows,
    )


def _numbers(table: pa.Table, name: str) -> Any:
    if name not in table.column_names:
        return np.zeros(table.num_rows, np.int64)
    return pc.fill_null(table[name], 0).to_numpy()


def lengths_of_usages(usages: Sequence[Usage], cut: int) -> OutputLengths | None:
    """What a few rows that were tried came to."""
    output = sum(usage.output for usage in usages)
    rows = max(1, len(usages))
    return measure(
        [usage.output for usage in usages],
        cut,
        images=sum(usage.image for usage in usages) / max(1, output),
        searches=sum(usage.search_queries for usage in usages) / rows,
        prompt=sum(usage.prompt for usage in usages) / rows,
    )


def summary(
    run_id: str, owner_id: str, model: str, at: float, sketch: PromptSketch, lengths: OutputLengths
) -> OutputSummary:
    """What is kept of a run."""
    return OutputSummary(run_id, owner_id, model, at, _encode(sketch).decode(), _encode(lengths).decode())


def runs_like(
    summaries: OutputSummaries, owner_id: str, model: str, sketch: PromptSketch, prompt_tokens: float = 0.0
) -> list[SeenRun]:
    """The owner's runs with this model that were like it, the newest first."""
    seen = []
    for kept in summaries.newest(owner_id, model):
        lengths = _decode_lengths(kept.lengths)
        like = likeness(sketch, _decode_sketch(kept.sketch), prompt_tokens, lengths.prompt)
        if like >= LEAST_LIKENESS:
            seen.append(SeenRun(lengths, like))
    return seen[:MAX_RUNS]
