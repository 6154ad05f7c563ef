"""Two runs of the same keys, side by side: what changed, what became better formed, what became cheaper."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lifecycle.core.run_files import INPUTS
from lifecycle.results.collect.match_rows import PASS_ROWS
from lifecycle.results.read.table import Filter, ResultTable
from lifecycle.results.store import sql
from lifecycle.results.store.columns import RANK_SQL

if TYPE_CHECKING:
    import pandas as pd

# What can be said of a key in both runs, as a condition on its rows a (of the first run) and b (of the second).
_FORMED = "CASE {0}.parsed WHEN 'strict' THEN 2 WHEN 'lenient' THEN 1 ELSE 0 END"
_BEFORE, _AFTER = _FORMED.format("a"), _FORMED.format("b")
KINDS = {
    "same": "a.text = b.text AND a.outcome = b.outcome",
    "changed": "a.text <> b.text OR a.outcome <> b.outcome",
    "better": "a.worth < b.worth",
    "worse": "a.worth > b.worth",
    "better_formed": f"{_BEFORE} < {_AFTER} AND a.parsed <> ''",
    "worse_formed": f"{_BEFORE} > {_AFTER} AND b.parsed <> ''",
    "cheaper": "a.cost_usd > b.cost_usd",
    "dearer": "a.cost_usd < b.cost_usd",
    "asked_otherwise": "a.asked <> b.asked",
}
_SIDE = ("outcome", "text", "error_message", "parsed", "prompt_tokens", "output_tokens", "thoughts_tokens", "cost_usd")


@dataclass(frozen=True)
class Comparison:
    """Keys that both runs have, and what is said of each. Holds ten bytes a key; the texts stay on disk."""

    before: ResultTable
    after: ResultTable

    @property
    def counts(self) -> dict[str, int]:
        """How many keys are in both, in only one, and of each of KINDS."""
        n, flags, _ = self._matches
        kinds = {kind: int(np.count_nonzero(flags & (1 << bit))) for bit, kind in enumerate(KINDS)}
        alone = {
            "only_one": self.before.reconciliation.sent - len(n),
            "only_two": self.after.reconciliation.sent - len(n),
        }
        return {"both": len(n), **alone, **kinds}

    @property
    def usd(self) -> tuple[float | None, float | None]:
        """What the answers shown for keys in both cost, in each run; None if that is not known of all."""
        return self._matches[2]

    def page(
        self, kind: str = "changed", *, offset: int = 0, limit: int = 100, clip: int | None = None
    ) -> tuple[pd.DataFrame, int]:
        """(rows of a kind in the first run's order, how many there are). What a run tells ends in `_one` or `_two`."""
        n, flags, _ = self._matches
        chosen = n[(flags & (1 << list(KINDS).index(kind))) > 0]
        rows = self.before.rows(chosen[offset : offset + limit].tolist(), clip)
        others, _ = self.after.page(Filter(keys=tuple(rows["key"])), limit=max(1, len(rows)), clip=clip)
        paired = rows[["key", "prompt", *_SIDE]].merge(others[["key", *_SIDE]], on="key", suffixes=("_one", "_two"))
        return paired, len(chosen)

    @cached_property
    def _matches(
        self,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint16], tuple[float | None, float | None]]:
        """(n in the first run, ascending; bits of KINDS; costs of both)."""
        flags = " | ".join(f"((({test}) IS TRUE)::USMALLINT << {bit})" for bit, test in enumerate(KINDS.values()))
        passes = max(self.before.reconciliation.sent, self.after.reconciliation.sent) // PASS_ROWS + 1
        parts, sums = [], []
        for number in range(passes):
            with sql.cursor() as db:
                db.execute(f"CREATE TEMP TABLE a AS {_slice(self.before, passes, number)}")
                db.execute(f"CREATE TEMP TABLE b AS {_slice(self.after, passes, number)}")
                parts.append(
                    db.execute(f"SELECT a.n, ({flags})::USMALLINT AS f FROM a JOIN b USING (key)").fetchnumpy()
                )
                sums += db.execute(
                    """SELECT sum(a.cost_usd), sum(b.cost_usd), count(*) FILTER (a.cost_usd IS NULL),
                        count(*) FILTER (b.cost_usd IS NULL) FROM a JOIN b USING (key)"""
                ).fetchall()
        n, flag_bits = (np.concatenate([part[name] for part in parts]) for name in ("n", "f"))
        order = np.argsort(n)
        return n[order], flag_bits[order], (_total(sums, 0), _total(sums, 1))


def _slice(table: ResultTable, passes: int, number: int) -> str:
    """Narrow columns of the keys of one pass; texts as their hashes."""
    key_slice = f"WHERE hash(key) % {passes} = {number}"
    return f"""SELECT n, key, hash(text) AS text, outcome, parsed, cost_usd, {RANK_SQL} AS worth, asked
        FROM (FROM {sql.parquet(table.results)} {key_slice})
        JOIN (SELECT n, hash(prompt) AS asked FROM {sql.parquet(table.folder / INPUTS)} {key_slice}) USING (n)"""


def _total(sums: list[tuple[Any, ...]], side: int) -> float | None:
    return None if any(row[side + 2] for row in sums) else sum(row[side] or 0.0 for row in sums)


def shared_keys(before: Path, after: Path) -> int:
    """How many keys two runs' folders have in common."""
    with sql.cursor() as db:
        row = db.execute(
            f"""SELECT count(*) FROM (SELECT key FROM {sql.parquet(before / INPUTS)})
                SEMI JOIN (SELECT key FROM {sql.parquet(after / INPUTS)}) USING (key)"""
        ).fetchone()
    return int(row[0]) if row else 0


def compare(before: ResultTable, after: ResultTable) -> Comparison:
    """Compare two runs by key, the second against the first."""
    return Comparison(before, after)
