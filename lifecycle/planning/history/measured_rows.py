"""What rows used when they were sent before: what they will use when they are sent again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from batch.pricing.output_lengths import OutputLengths, SeenRun, predict
from batch.pricing.sampling import Interval
from batch.pricing.workload import OutputAssumption
from lifecycle.core.run_files import RESULTS
from lifecycle.planning.history.output_history import CUT_OFF, lengths_of_run

MEASURED_NOTE = "Prompt tokens are those that these rows had before."
MIN_ROWS = 3  # that told their usage
_COLUMNS = ["key", "outcome", "prompt_tokens", "output_tokens", "thoughts_tokens"]


@dataclass(frozen=True)
class MeasuredRows:
    """Prompt tokens of all the rows together, and output tokens of each as they are expected now."""

    prompt: Interval
    output: OutputAssumption


def measured_rows(folder: Path, keys: Collection[str], output_cap: int | None = None) -> MeasuredRows | None:
    """What rows of an ended run will use when they are sent again to the same model, by what they and others used.

    A row that told its usage will use about the same again. One that did not is taken for a middling one. One that was
    cut off, and is sent with another `output_cap`, is taken for one of the answers that are longer than it was.
    None where too few rows told anything.
    """
    lengths = lengths_of_run(folder)
    if lengths is None or lengths.rows < MIN_ROWS or not keys:
        return None
    table = pq.read_table(folder / RESULTS, columns=_COLUMNS)
    table = table.filter(pc.is_in(table["key"].cast(pa.string()), value_set=pa.array(sorted(keys), pa.string())))
    prompts = pc.fill_null(table["prompt_tokens"], 0).to_numpy()
    outputs = (
        pc.fill_null(table["output_tokens"], 0).to_numpy() + pc.fill_null(table["thoughts_tokens"], 0).to_numpy()
    ).astype(np.float64)
    told = prompts > 0
    cut = pc.is_in(table["outcome"].cast(pa.string()), pa.array([str(one) for one in CUT_OFF])).to_numpy()
    outputs[~told] = lengths.moments_at(output_cap)[0]
    if output_cap is not None:
        outputs[told & cut] = [_longer_than(lengths, tokens, output_cap) for tokens in outputs[told & cut]]
        outputs = np.minimum(outputs, output_cap)
    prompt = float(np.where(told, prompts, lengths.prompt).sum())
    return MeasuredRows(
        Interval(prompt, 0.2 * float((~told).sum()) * lengths.prompt), _assumption(lengths, outputs, int(told.sum()))
    )


def _longer_than(lengths: OutputLengths, tokens: float, cap: int) -> float:
    """The mean of the answers that are longer than so many tokens, under a limit."""
    start = 1.0 - lengths.share_above(tokens)
    levels = start + (1.0 - start) * (np.arange(16) + 0.5) / 16
    return float(np.mean([min(cap, max(tokens, lengths.quantile(level))) for level in levels]))


def _assumption(lengths: OutputLengths, outputs: Any, told: int) -> OutputAssumption:
    expected = float(outputs.mean())
    prediction = predict([SeenRun(lengths, 1.0)], len(outputs))
    low, high, worst = (
        (prediction.low, prediction.high, prediction.worst) if prediction else (expected, expected, expected)
    )
    middle = prediction.expected if prediction and prediction.expected > 0 else expected or 1.0
    return OutputAssumption(
        expected * low / middle,
        expected,
        f"Output: {expected:,.0f} tokens a row, by what these and other rows of the run used.",
        image_share=lengths.images,
        per_row=True,
        measured_high=expected * high / middle,
        measured_worst=expected * worst / middle,
        source="rows",
        measured_on=told or lengths.rows,
        lengths=lengths,
    )
