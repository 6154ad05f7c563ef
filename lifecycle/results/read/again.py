"""What it would take to send rows of a result again, by what rows of the same result took: cheap enough to ask always.

A forecast reads the requests themselves; this reads two columns of numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from batch.responses.outcome_groups import CUT_OFF
from lifecycle.results.read.table import Filter, ResultTable
from lifecycle.results.store import sql

CUT_OFF_LIST = ", ".join(f"'{outcome}'" for outcome in CUT_OFF)
ROOM = 2  # times the output that was not enough


@dataclass(frozen=True)
class AgainQuote:
    """So many rows, and what they would cost in USD by what such rows cost here; None where none told its cost.

    `output_cap`: the limit, in tokens, under which rows that were cut off get room for twice as much; None where none
    was. `old_cap` is where they were cut off.
    """

    rows: int
    usd: float | None
    old_cap: int | None = None
    output_cap: int | None = None


def quote(table: ResultTable, where: Filter, most_output: int | None = None) -> AgainQuote:
    """Price rows of a result. `most_output` is the most output tokens that the model takes, None if unknown."""
    condition, values = table.condition(where)
    return _quote(table.results, table.results.stat().st_mtime_ns, condition, tuple(values), most_output)


@lru_cache(256)
def _quote(
    path: Path, changed_at: int, condition: str, values: tuple[object, ...], most_output: int | None
) -> AgainQuote:
    """`changed_at` tells one state of the file from another."""
    with sql.cursor() as db:
        row = db.execute(
            f"""SELECT count(*) FILTER (WHERE chosen), count(*) FILTER (WHERE chosen AND cut),
                avg(cost_usd) FILTER (WHERE outcome = 'answered' AND cost_usd > 0),
                avg(cost_usd) FILTER (WHERE chosen AND cut),
                max(output_tokens + coalesce(thoughts_tokens, 0)) FILTER (WHERE chosen AND cut)
                FROM (SELECT outcome, cost_usd, output_tokens, thoughts_tokens, outcome IN ({CUT_OFF_LIST}) AS cut,
                    {condition} AS chosen FROM {sql.parquet(path)})""",
            list(values),
        ).fetchone()
    rows, cut, answered_usd, cut_usd, used = row or (0, 0, None, None, None)
    cap = _next_cap(int(used), most_output) if cut and used else None
    return AgainQuote(rows, _usd(rows, cut, answered_usd, cut_usd), int(used) if cap else None, cap)


def _usd(rows: int, cut: int, answered_usd: float | None, cut_usd: float | None) -> float | None:
    """Rows that were cut off are counted with twice what they cost, the most that they can come to with that room."""
    others = rows - cut
    if (others and answered_usd is None) or (cut and cut_usd is None):
        return None
    return others * (answered_usd or 0.0) + cut * ROOM * (cut_usd or 0.0)


def _next_cap(used: int, most_output: int | None) -> int | None:
    """The next round number that is ROOM times as much, at most what the model takes; None if that is no more."""
    cap = 64
    while cap < ROOM * used:
        cap *= 2
    cap = min(cap, most_output or cap)
    return cap if cap > used else None
