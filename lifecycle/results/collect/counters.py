"""Counting what passes by on the way to disk, into the account of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batch.formatting import plural
from batch.model import Outcome, Usage
from lifecycle.core.run_files import origin_of_answers
from lifecycle.results.store.columns import DEDUPLICATED, DUPLICATE, EXTRA_COLUMNS, KINDS, USAGE_COLUMNS
from lifecycle.results.store.reconciliation import AnswerColumn, Reconciliation


class Counters:
    """Lines as they are placed, rows as they are written."""

    def __init__(
        self,
        files: tuple[str, ...],
        *,
        search_priced: bool = True,
        kind: str = "text",
        vector_input_limit: int | None = None,
    ) -> None:
        self.files, self.search_priced, self.request_kind = files, search_priced, kind
        self.vector_input_limit = vector_input_limit
        self.kinds: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.usage = Usage()
        self.usd = 0.0
        self.unpriced = self.unpriced_searches = self.cache_lost = self.unchecked = self.at_limit = 0
        self.price_unknown = False
        self.extras: set[str] = set()
        self.reused = 0

    def add_lines(self, batch: pa.RecordBatch) -> None:
        """Count placed lines. Duplicates and copies were not bought."""
        kind = batch.column("kind").to_numpy()
        self.kinds.update({KINDS[number]: int(count) for number, count in enumerate(np.bincount(kind)) if count})
        billed = pa.array((kind != DUPLICATE) & (kind != DEDUPLICATED))
        used = {name: batch.column(name).filter(billed) for name in USAGE_COLUMNS}
        usage = Usage(*(pc.sum(column).as_py() or 0 for column in used.values()))
        self.usage += usage
        cost = batch.column("cost_usd").filter(billed)
        self.usd += pc.sum(cost).as_py() or 0.0
        self.unpriced += cost.null_count
        self.unpriced_searches += 0 if self.search_priced else usage.grounded_prompts
        self.price_unknown |= bool(pc.any(pc.and_(cost.is_null(), used["prompt_tokens"].is_valid())).as_py())

    def add_rows(self, table: pa.Table) -> None:
        """Count result rows by outcome."""
        self.counts.update(count_outcomes(table))
        self.cache_lost += pc.sum(table.column("cache_lost")).as_py() or 0
        self.reused += count_reused(table, self.files)
        if self.vector_input_limit is not None:
            self.at_limit += count_at_limit(table, self.vector_input_limit)
        self.extras.update(name for name in EXTRA_COLUMNS if table.column(name).null_count < table.num_rows)

    def reconciliation(self, fields: tuple[AnswerColumn, ...] = ()) -> Reconciliation:
        sent, missing = self.counts.total(), self.counts[Outcome.MISSING]
        return Reconciliation(
            sent=sent,
            returned=self.kinds.total() - self.kinds["shared"],
            matched=sent - missing,
            missing=missing,
            duplicate=self.kinds["duplicate"],
            unmatched=self.kinds["unmatched"],
            earlier=self.kinds["earlier"],
            shared=self.kinds["shared"],
            cache_lost=self.cache_lost,
            counts={outcome.value: self.counts[outcome] for outcome in Outcome if self.counts[outcome]},
            usage=self.usage,
            usd=None if self.price_unknown else self.usd,
            unpriced=self.unpriced + self.unpriced_searches,
            fields=fields,
            notes=tuple(self._notes()),
            files=self.files,
            kind=self.request_kind,
            extras=tuple(name for name in EXTRA_COLUMNS if name in self.extras),
            reused=self.reused,
        )

    def _notes(self) -> Iterator[str]:
        if self.at_limit:
            have = plural(self.at_limit, "text has", "texts have")
            yield (
                f"{have} as many tokens as the model reads ({self.vector_input_limit:,}): what was longer may have "
                "been left out of the vector. Divide long texts, and send the parts."
            )
        if self.unchecked:
            yield f"{self.unchecked:,} answers were not checked: too many different forms."
        if self.unpriced_searches:
            yield (
                f"Search fees are not included in the cost: {plural(self.unpriced_searches, 'answer')} came with web "
                "searches, and the price of those is not known. Give it in CATALOG_FILE."
            )


def count_outcomes(table: pa.Table) -> dict[str, int]:
    """Rows by outcome."""
    return {item["values"]: item["counts"] for item in pc.value_counts(table.column("outcome")).to_pylist()}


def count_at_limit(table: pa.Table, limit: int) -> int:
    """Rows of which the model read as much as it reads at most."""
    return int(pc.sum(pc.greater_equal(table.column("prompt_tokens"), limit)).as_py() or 0)


def count_reused(table: pa.Table, files: Sequence[str]) -> int:
    """Rows whose answer is from an earlier run."""
    reused = [number for number, name in enumerate(files) if origin_of_answers(name)]
    return int(pc.sum(pc.is_in(table.column("file"), value_set=pa.array(reused, pa.int32()))).as_py() or 0)
