"""The bill of an ended run, from what came back and the caches it made. Bills outlive their runs: money stays spent."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from batch.model import RunState, Tariff
from batch.pricing import rates
from batch.pricing.costs import Bill, once
from lifecycle.core.foreign_jobs import LEFT
from lifecycle.core.models import Account
from lifecycle.results.read.table import ResultTable
from lifecycle.results.store.columns import RESULTS
from lifecycle.services.context import Office
from lifecycle.storage.store import Row
from lifecycle.workflow.shards.context import UNRETURNED

Prices = Callable[[str, date], Tariff | None]
UNREADABLE = (OSError, KeyError, pa.ArrowException, duckdb.Error)
SAME_PRICES = 1e-6  # by which share two sums of the same usage may differ


class Billing:
    """A bill is written when it is first asked for, or when its run is forgotten."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def bills(self, account: Account, run_id: str = "") -> list[Bill]:
        """What ended runs have cost, deleted ones included, oldest first: all of an account's, or a run's own and then
        its retries'. A bill is written when it is first asked for."""
        store = self._office.store
        if run_id:
            self._office.row(account, run_id)
        unread = [bill for row in store.unbilled(account.owner, run_id) if (bill := self._write(row))]
        bills = [*(Bill(**values) for values in store.bills(account.owner, run_id)), *unread]
        return sorted(bills, key=lambda bill: (bill.run != run_id, bill.ended_at))

    def close(self, row: Row) -> None:
        """Write an ended run's bill for good, as far as it is known."""
        if unread := self._write(row):
            self._office.store.add_bill(str(row["owner"]), asdict(unread))

    def _write(self, row: Row) -> Bill | None:
        """Write a run's bill, unless its results cannot be read now: then it is returned as far as it is known."""
        run_id, owner, store = str(row["id"]), str(row["owner"]), self._office.store
        told = row, store.shards(run_id), store.caches(run_id)
        try:
            bill = bill_of(*told, self._office.folder(run_id), self._office.prices.catalog.tariff)
        except UNREADABLE:
            return without_results(*told)
        store.add_bill(owner, asdict(once(bill, store.billed_jobs(owner, run_id))))
        return None


def bill_of(row: Row, shards: Sequence[Row], caches: Sequence[Row], folder: Path, prices: Prices) -> Bill:
    """Add up one ended run; what it would have cost otherwise is by the prices of the day on which it ended.

    Raises one of UNREADABLE if there are results that cannot be read.
    """
    bill = without_results(row, shards, caches)
    return _with_rows(bill, ResultTable(folder), prices(bill.model, bill.day)) if (folder / RESULTS).exists() else bill


def without_results(row: Row, shards: Sequence[Row], caches: Sequence[Row]) -> Bill:
    """The bill of a run of which no results can be read: nothing was bought unless there was a job."""
    kept = [cache["usd"] for cache in caches if cache["name"]]
    estimate = row["estimate"].get("usd") or {}
    usd = None if any(shard["job_name"] for shard in shards) else 0.0
    return Bill(
        run=str(row["id"]),
        parent=str(row["parent_id"]),
        model=str(row["model"]),
        rows=int(row["rows"]),
        ended_at=float(row["ended_at"]),
        finished=row["state"] == RunState.FINISHED,
        borrowed=bool(row["data"].get("borrowed")),
        unreturned=sum(row["data"].get(UNRETURNED, {}).values()),
        jobs=[shard["job_name"] for shard in shards if shard["job_name"] and shard["stage"] != LEFT],
        rows_usd=usd,
        caches_usd=None if None in kept else sum(kept),
        uncached_usd=usd,
        standard_usd=usd,
        first_usd=(row["estimate"].get("first_usd") or estimate).get("expected"),
        expected_usd=estimate.get("expected"),
        worst_usd=estimate.get("worst"),
    )


def _with_rows(bill: Bill, table: ResultTable, tariff: Tariff | None) -> Bill:
    """The bill with what came back: its price as it was told row by row, and what the same usage costs otherwise."""
    told = table.account.usd
    bill = replace(bill, rows_usd=told, unpriced=table.account.unpriced, uncached_usd=None, standard_usd=None)
    if tariff is None:
        return bill
    usage = table.bought(tariff.long_context_threshold)
    now = rates.run_usd(usage, tariff)
    if bill.unreturned or told is None or now is None or not math.isclose(told, now, rel_tol=SAME_PRICES, abs_tol=1e-9):
        return bill  # usage is not whole, or the prices were corrected meanwhile; two price lists make no saving
    other = rates.saving(usage, tariff)
    return replace(bill, uncached_usd=other.uncached, standard_usd=other.standard)
