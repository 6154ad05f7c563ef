"""The bill of an ended run, from what came back and the caches it made. Bills outlive their runs: money stays spent."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from batch.model import RunState, Tariff
from batch.pricing import rates
from batch.pricing.costs import RunCost, without_double_counting
from lifecycle.core.models import Account
from lifecycle.core.run_files import RESULTS
from lifecycle.core.run_records import CacheRecord, RunRecord, ShardRecord, ShardStage
from lifecycle.services.context import ServiceContext
from lifecycle.storage.availability import StoreUnavailable

if TYPE_CHECKING:
    from lifecycle.results.read.table import ResultTable

TariffLookup = Callable[[str, date], Tariff | None]
PRICE_TOLERANCE = 1e-6  # by which share two sums of the same usage may differ


class BillingService:
    """A bill is written when it is first asked for, or when its run is forgotten."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    def run_costs(self, account: Account, run_id: str = "") -> list[RunCost]:
        """What ended runs have cost, deleted ones included, oldest first: all of an account's, or a run's own and then
        its retries'. A bill is written when it is first asked for."""
        store = self._context.store
        if run_id:
            self._context.run_row(account, run_id)
        unrecorded = [
            cost for row in store.runs_without_cost(account.owner_id, run_id) if (cost := self._record_cost(row))
        ]
        costs = [*store.run_costs(account.owner_id, run_id), *unrecorded]
        return sorted(costs, key=lambda cost: (cost.run != run_id, cost.ended_at))

    def finalize(self, row: RunRecord) -> None:
        """Write an ended run's bill for good, as far as it is known."""
        if unrecorded := self._record_cost(row):
            self._context.store.add_run_cost(row.owner_id, unrecorded)

    def _record_cost(self, row: RunRecord) -> RunCost | None:
        """Write a run's bill, unless its results cannot be read now: then it is returned as far as it is known."""
        run_id, owner_id, store = row.id, row.owner_id, self._context.store
        records = row, store.shards(run_id), store.caches(run_id)
        try:
            cost = cost_of(*records, self._context.folder(run_id), self._context.price_list.catalog.tariff)
        except _read_errors():
            return cost_without_results(*records)
        cost = without_double_counting(cost, store.billed_jobs(owner_id, run_id))
        try:
            store.add_run_cost(owner_id, cost)
        except StoreUnavailable:  # reading must be possible where nothing can be written
            return cost
        return None


def cost_of(
    row: RunRecord, shards: Sequence[ShardRecord], caches: Sequence[CacheRecord], folder: Path, prices: TariffLookup
) -> RunCost:
    """Add up one ended run; what it would have cost otherwise is by the prices of the day on which it ended.

    Raises one of `_read_errors` if there are results that cannot be read.
    """
    from lifecycle.results.read.table import ResultTable

    cost = cost_without_results(row, shards, caches)
    return (
        _with_row_costs(cost, ResultTable(folder), prices(cost.model, cost.day))
        if (folder / RESULTS).exists()
        else cost
    )


def _read_errors() -> tuple[type[Exception], ...]:
    """What reading results may raise."""
    import duckdb
    import pyarrow as pa

    return OSError, KeyError, pa.ArrowException, duckdb.Error


def cost_without_results(row: RunRecord, shards: Sequence[ShardRecord], caches: Sequence[CacheRecord]) -> RunCost:
    """The bill of a run of which no results can be read: nothing was bought unless there was a job."""
    cache_costs = [cache.usd for cache in caches if cache.name]
    estimate = row.estimate.get("usd") or {}
    usd = None if any(shard.job_name for shard in shards) else 0.0
    return RunCost(
        run=row.id,
        parent=row.parent_id,
        model=row.model,
        rows=row.rows - row.progress.reused_rows,
        ended_at=row.ended_at or 0.0,
        finished=row.state == RunState.FINISHED and row.progress.budget_stop is None,
        borrowed=bool(row.progress.user_caches),
        unreturned=sum(row.progress.no_result_rows.values()),
        jobs=[shard.job_name for shard in shards if shard.job_name and shard.stage != ShardStage.DETACHED],
        rows_usd=usd,
        caches_usd=None if None in cache_costs else sum(usd for usd in cache_costs if usd is not None),
        uncached_usd=usd,
        standard_usd=usd,
        first_usd=(row.estimate.get("first_usd") or estimate).get("expected"),
        expected_usd=estimate.get("expected"),
        worst_usd=estimate.get("worst"),
    )


def _with_row_costs(cost: RunCost, table: ResultTable, tariff: Tariff | None) -> RunCost:
    """The bill with what came back: its price as it was told row by row, and what the same usage costs otherwise."""
    rows_usd = table.reconciliation.usd
    cost = replace(
        cost, rows_usd=rows_usd, unpriced=table.reconciliation.unpriced, uncached_usd=None, standard_usd=None
    )
    if tariff is None:
        return cost
    usage = table.billed_usage(tariff.long_context_threshold)
    usd_today = rates.run_usd(usage, tariff)
    if (
        cost.unreturned
        or rows_usd is None
        or usd_today is None
        or not math.isclose(rows_usd, usd_today, rel_tol=PRICE_TOLERANCE, abs_tol=1e-9)
    ):
        return cost  # usage is not whole, or the prices were corrected meanwhile; two price lists make no saving
    savings = rates.saving(usage, tariff)
    return replace(cost, uncached_usd=savings.uncached, standard_usd=savings.standard)
