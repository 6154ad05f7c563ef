"""What rows used when they were sent before: what they will use, and cost, when they are sent again.

The one source of both: the price on a button (`again.py`) and the forecast of a retry.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from batch.model import Tariff
from batch.pricing.output_lengths import OutputLengths, SeenRun, predict
from batch.pricing.rates import MILLION
from batch.pricing.sampling import Interval
from batch.pricing.workload import OutputAssumption
from lifecycle.planning.history.output_history import CUT_OFF, lengths_of_results
from lifecycle.results.store import sql
from lifecycle.results.store.columns import RESULT_SCHEMA

MEASURED_NOTE = "Prompt tokens are those that these rows had before."
_OUTPUTS = ("output_tokens", "thoughts_tokens", "unitemised_tokens")
_COLUMNS = ("key", "outcome", "prompt_tokens", "cached_tokens", *_OUTPUTS, "cost_usd", "shared")


@dataclass(frozen=True)
class RowUse:
    """What rows used, an array of each: tokens of prompts, of what was read from caches, and put out, thoughts
    included; what each was billed (NaN where that is not known, or where another row of the same request was billed);
    and whether it was cut off. Rows that told no usage have no prompt tokens.
    """

    prompts: Any
    cached: Any
    outputs: Any
    usd: Any
    cut: Any

    @property
    def told(self) -> Any:
        return self.prompts > 0


@dataclass(frozen=True)
class MeasuredRows:
    """Prompt tokens of all the rows together, and output tokens of each as they are expected now."""

    prompt: Interval
    output: OutputAssumption


def measured_rows(results: Path, keys: Collection[str], output_cap: int | None = None) -> MeasuredRows | None:
    """What rows of ended results will use when they are sent again to the same model, by what they and others used.

    A row that told its usage will use about the same again. One that did not is taken for a middling one. One that was
    cut off, and is sent with another `output_cap`, is taken for one of the answers that are longer than it was.
    None where no row told anything.
    """
    lengths = _lengths(results, results.stat().st_mtime_ns) if keys else None
    if lengths is None:
        return None
    table = pq.read_table(results, columns=[name for name in _COLUMNS if name in pq.read_schema(results).names])
    use = _use(table.filter(pc.is_in(table["key"].cast(pa.string()), pa.array(sorted(keys), pa.string()))))
    silent = ~use.told
    prompt = float(np.where(silent, lengths.prompt, use.prompts).sum())
    outputs = _outputs_again(use, lengths, output_cap)
    return MeasuredRows(
        Interval(prompt, 0.2 * float(silent.sum()) * lengths.prompt),
        _assumption(lengths, outputs, int(use.told.sum())),
    )


def used_where(results: Path, condition: str, values: Sequence[object]) -> RowUse:
    """What the rows used that fit a condition in SQL."""
    fields = [RESULT_SCHEMA.field(name) for name in _COLUMNS]
    with sql.cursor() as db:
        query = f"SELECT {', '.join(_COLUMNS)} FROM {sql.parquet_with(results, fields)} WHERE {condition}"
        return _use(db.execute(query, list(values)).to_arrow_table())


def again_usd(
    use: RowUse, results: Path, tariff: Tariff | None, output_cap: int | None, caches_usd: float
) -> float | None:
    """What rows that used so much will cost when they are sent again; None where nothing tells it.

    They read caches as they did, at the price of making these anew (`caches_usd`), or none, whichever is cheaper.
    """
    lengths = _lengths(results, results.stat().st_mtime_ns)
    mean_usd, mean_cached = _mean_billed(results, results.stat().st_mtime_ns)
    if lengths is None or mean_usd is None:
        return None
    known = ~np.isnan(use.usd) & use.told
    before = np.where(known, use.usd, mean_usd)
    outputs, outputs_before = _outputs_again(use, lengths, output_cap), np.where(known, use.outputs, lengths.mean)
    more = float((outputs - outputs_before).sum())
    if more and (tariff is None or tariff.output_batch is None):
        return None
    usd = float(before.sum()) + (more * (tariff.output_batch or 0.0) / MILLION if tariff else 0.0)
    cached = float(np.where(known, use.cached, mean_cached).sum())
    if not cached or tariff is None or tariff.cached is None or tariff.input_batch is None:
        return usd
    return min(usd + caches_usd, usd + cached * (tariff.input_batch - tariff.cached) / MILLION)


@lru_cache(64)
def _lengths(results: Path, changed_at: int) -> OutputLengths | None:
    """`changed_at` tells one state of the file from another."""
    return lengths_of_results(results)


@lru_cache(64)
def _mean_billed(results: Path, changed_at: int) -> tuple[float | None, float]:
    """What a row that told its usage was billed in USD, and its tokens from a cache; None where none told a price."""
    with sql.cursor() as db:
        row = db.execute(
            f"""SELECT avg(cost_usd), avg(cached_tokens) FROM {sql.parquet(results)}
                WHERE cost_usd IS NOT NULL AND prompt_tokens > 0 AND NOT coalesce(shared, false)"""
        ).fetchone()
    usd, cached = row or (None, None)
    return usd, cached or 0.0


def _use(table: pa.Table) -> RowUse:
    def numbers(name: str, missing: float = 0.0) -> Any:
        if name not in table.column_names:
            return np.full(table.num_rows, missing)
        return pc.fill_null(pc.cast(table[name], pa.float64()), missing).to_numpy()

    shared = numbers("shared") if "shared" in table.column_names else np.zeros(table.num_rows)
    return RowUse(
        prompts=numbers("prompt_tokens"),
        cached=numbers("cached_tokens"),
        outputs=sum((numbers(name) for name in _OUTPUTS), np.zeros(table.num_rows)),
        usd=np.where(shared > 0, math.nan, numbers("cost_usd", math.nan)),
        cut=pc.is_in(table["outcome"].cast(pa.string()), pa.array([str(one) for one in CUT_OFF])).to_numpy(),
    )


def _outputs_again(use: RowUse, lengths: OutputLengths, output_cap: int | None) -> Any:
    """Output tokens of each row when it is sent again."""
    if output_cap is None:
        return np.where(use.told, use.outputs, lengths.mean)
    outputs = np.where(use.told, use.outputs, lengths.moments_at(output_cap)[0])
    longer = use.told & use.cut
    outputs[longer] = [_longer_than(lengths, tokens, output_cap) for tokens in outputs[longer]]
    return np.minimum(outputs, output_cap)


def _longer_than(lengths: OutputLengths, tokens: float, cap: int) -> float:
    """The mean of the answers that are longer than so many tokens, under a limit."""
    start = 1.0 - lengths.share_above(tokens)
    levels = start + (1.0 - start) * (np.arange(16) + 0.5) / 16
    return float(np.mean([min(cap, max(tokens, lengths.quantile(level))) for level in levels]))


def _assumption(lengths: OutputLengths, outputs: Any, told: int) -> OutputAssumption:
    expected = float(outputs.mean()) if len(outputs) else lengths.mean
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
