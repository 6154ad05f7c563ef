"""What a person may spend in a month, where people log in and an administrator has set a limit for each."""

from __future__ import annotations

from datetime import datetime

from batch.errors import OverBudget
from batch.formatting import money
from batch.pricing.estimate import CostEstimate, over_budget
from lifecycle.core.run_records import RunRecord
from lifecycle.storage.store import OwnerSpending


def monthly_budget_error(
    spending: OwnerSpending, estimate: CostEstimate, monthly_usd: float, now: datetime
) -> OverBudget | None:
    """Why a run would take an owner over a month's limit; None if it does not. Months are those of UTC."""
    taken = taken_usd(spending, now)
    if (error := over_budget(estimate, max(0.0, monthly_usd - taken))) is None:
        return None
    if estimate.usd.expected is None or estimate.usd.worst is None:
        return error  # it is not known what the run could cost
    return OverBudget(
        f"This month you may spend {money(monthly_usd)}; {money(taken)} is spent or under way, and about "
        f"{money(estimate.usd.expected)} is expected for this run.",
        "Send fewer rows, wait for the next month, or ask who runs this server for more.",
    )


def taken_usd(spending: OwnerSpending, now: datetime) -> float:
    """What an owner's runs of this month have cost, deleted ones included, and what those under way are expected to."""
    since = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    costs = [cost for cost in spending.costs if cost.ended_at >= since.timestamp()]
    ended = [run for run in spending.ended if (run.ended_at or 0.0) >= since.timestamp()]
    told = [cost.usd if cost.usd is not None else cost.worst_usd for cost in costs]
    told += [run.actual_usd if run.actual_usd is not None else _estimated(run) for run in ended]
    told += [_estimated(run) for run in spending.under_way]
    return sum(usd for usd in told if usd is not None)


def _estimated(run: RunRecord) -> float | None:
    usd: float | None = (run.estimate.get("usd") or {}).get("expected")
    return usd
