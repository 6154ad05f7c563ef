"""What it would take to send rows of a result again, by what they and rows like them used: cheap enough to ask always.

A forecast of the same rows plans their caches as well, for which it reads the requests; this reads columns of numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from batch.model import Tariff
from lifecycle.planning.history.measured_rows import again_usd, used_where
from lifecycle.results.read.table import Filter, ResultTable

ROOM = 2  # times the output that was not enough


@dataclass(frozen=True)
class AgainQuote:
    """So many rows, and what they would probably cost in USD; None where none told its cost.

    `output_cap`: the limit, in tokens, under which rows that were cut off get room for twice as much; None where none
    was. `old_cap` is where they were cut off.
    """

    rows: int
    usd: float | None
    old_cap: int | None = None
    output_cap: int | None = None


def quote(
    table: ResultTable,
    where: Filter,
    tariff: Tariff | None = None,
    *,
    most_output: int | None = None,
    caches_usd: float = 0.0,
) -> AgainQuote:
    """Price rows of a result. `most_output` is the most output tokens that the model takes, None if unknown;
    `caches_usd` is what the caches of the run cost, which may have to be made anew.
    """
    condition, values = table.condition(where)
    return _quote(
        table.results, table.results.stat().st_mtime_ns, condition, tuple(values), tariff, most_output, caches_usd
    )


@lru_cache(256)
def _quote(
    path: Path,
    changed_at: int,
    condition: str,
    values: tuple[object, ...],
    tariff: Tariff | None,
    most_output: int | None,
    caches_usd: float,
) -> AgainQuote:
    """`changed_at` tells one state of the file from another."""
    use = used_where(path, condition, values)
    if not len(use.prompts):
        return AgainQuote(0, None)
    used = int(np.max(use.outputs, where=use.cut, initial=0))
    cap = _next_cap(used, most_output) if used else None
    return AgainQuote(len(use.prompts), again_usd(use, path, tariff, cap, caches_usd), used if cap else None, cap)


def _next_cap(used: int, most_output: int | None) -> int | None:
    """The next round number that is ROOM times as much, at most what the model takes; None if that is no more."""
    cap = 64
    while cap < ROOM * used:
        cap *= 2
    cap = min(cap, most_output or cap)
    return cap if cap > used else None
