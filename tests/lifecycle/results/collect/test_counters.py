"""Lines and rows are counted as they pass, and only what was bought is billed."""

from __future__ import annotations

import pyarrow as pa
import pytest

from lifecycle.results.collect.counters import Counters, count_outcomes
from lifecycle.results.store.columns import (
    DEDUPLICATED,
    DUPLICATE,
    EXTRA_COLUMNS,
    SELECTED,
    UNMATCHED,
    USAGE_COLUMNS,
)


def lines(kinds: list[int], costs: list[float | None], prompt: list[int | None], grounded: int = 0) -> pa.RecordBatch:
    usage = {name: pa.array([None] * len(kinds), pa.int64()) for name in USAGE_COLUMNS}
    usage["prompt_tokens"] = pa.array(prompt, pa.int64())
    usage["grounded_prompts"] = pa.array([grounded] * len(kinds), pa.int64())
    return pa.RecordBatch.from_pydict(
        {"kind": pa.array(kinds, pa.int8()), "cost_usd": pa.array(costs, pa.float64()), **usage}
    )


def rows(*outcomes: str) -> pa.Table:
    extras = {name: pa.array([None] * len(outcomes), pa.string()) for name in EXTRA_COLUMNS}
    cache_lost = [True, *[False] * (len(outcomes) - 1)]
    files = pa.array([0] * len(outcomes), pa.int32())
    return pa.table({"outcome": list(outcomes), "cache_lost": cache_lost, "file": files, **extras})


def test_duplicates_and_copies_were_not_bought() -> None:
    counters = Counters(("f",))
    counters.add_lines(lines([SELECTED, DUPLICATE, DEDUPLICATED, UNMATCHED], [1.0, 10.0, 100.0, 1000.0], [1, 2, 3, 4]))
    counters.add_rows(rows("answered", "missing"))
    account = counters.reconciliation()
    assert account.usd == pytest.approx(1001.0)
    assert account.usage.prompt == 5
    assert (account.returned, account.duplicate, account.shared, account.unmatched) == (3, 1, 1, 1)
    assert (account.sent, account.matched, account.missing, account.cache_lost) == (2, 1, 1, 1)


def test_usage_without_a_price_makes_the_sum_unknown_and_a_line_without_usage_a_lower_bound() -> None:
    unknown, lower = Counters(()), Counters(())
    unknown.add_lines(lines([SELECTED], [None], [5]))
    lower.add_lines(lines([SELECTED, SELECTED], [1.0, None], [5, None]))
    assert unknown.reconciliation().usd is None
    assert (lower.reconciliation().usd, lower.reconciliation().unpriced) == (1.0, 1)


def test_search_fees_that_nobody_can_price_are_said() -> None:
    counters = Counters((), search_priced=False)
    counters.add_lines(lines([SELECTED], [1.0], [5], grounded=1))
    account = counters.reconciliation()
    assert account.unpriced == 1
    assert "Search fees are not included" in account.notes[0]


def test_outcomes_are_counted_by_name() -> None:
    assert count_outcomes(rows("answered", "empty", "answered")) == {"answered": 2, "empty": 1}
