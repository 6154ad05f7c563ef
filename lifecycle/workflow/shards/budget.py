"""A budget while a run goes on: no job is sent that could make it cost more, and what is left is told and kept.

What has ended counts as it was billed; what is under way, and the next job, count as in a bad case: by the estimate,
and as soon as enough rows have come back by what those cost. All runs of a family (a run and its retries) share one
budget.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from batch.formatting import money, plural
from batch.model import Stage
from batch.pricing.budget import (
    MIN_MEASURED_ROWS,
    MIN_TOLD_ROWS,
    TOLERANCE,
    JobCost,
    Price,
    RunPrices,
    corrected,
    run_prices,
)
from lifecycle.core.models import BudgetPosition
from lifecycle.core.run_progress import BudgetStop
from lifecycle.core.run_records import UNSENT_STAGES, RunRecord, ShardRecord, ShardStage
from lifecycle.storage.store import Store
from lifecycle.workflow.shards.context import StageContext, StageResult

POLL_AGAIN_SECONDS = 10.0
NO_PRICE = Price(0.0, 0.0)


class Balance(NamedTuple):
    """USD of a run: what was billed of jobs that ended, and what those under way may come to in a bad case."""

    spent: float
    under_way: float

    @property
    def total(self) -> float:
        return self.spent + self.under_way


def wait_for_room(ctx: StageContext, shard: ShardRecord) -> StageResult | None:
    """Hold a shard back that could exceed the budget while jobs are under way; leave it out once none is.

    None where it may be sent, and where it has been left out.
    """
    limit, shards = ctx.spec.max_usd, ctx.shards()
    prices = _prices(ctx.run, shards)
    if limit is None or prices is None or ctx.cancelled:
        return None
    if ctx.progress.budget_stop is not None:
        leave_out(ctx, shard)
        return None
    ctx.progress.waits_for_budget = False
    _count_ended(ctx, shards, prices)
    own, others = _balance(ctx.run, shards, prices), family_spent(ctx.store, ctx.run)
    next_price = _price_of(ctx.run, shards, prices, shard)
    if own.total + others + next_price.worst <= limit + TOLERANCE:
        return None
    if any(other.stage == ShardStage.SUBMITTED or _may_have_job(other) for other in shards if other.n != shard.n):
        note = (
            f"{money(own.spent + others)} is spent and up to {money(own.under_way)} under way; the next job waits, "
            f"so as not to exceed {money(limit)}."
        )
        ctx.progress.waits_for_budget = True
        return StageResult(Stage.SUBMITTING, POLL_AGAIN_SECONDS, note)
    if not ctx.progress.job_costs and own.total + others + next_price.expected <= limit + TOLERANCE:
        return None  # the first job: a run that is expected to fit does not end before it began
    stop(ctx, shard)
    return None if ctx.progress.budget_stop is not None else StageResult(Stage.SUBMITTING)


def stop(ctx: StageContext, shard: ShardRecord | None = None) -> None:
    """Send nothing more, because of the budget, unless it has been raised meanwhile.

    The stop is written before the budget is read again, and who raises it reads the stop after writing: one of the two
    sees the other.
    """
    limit = ctx.spec.max_usd or 0.0
    ctx.progress.budget_stop = BudgetStop(limit)
    ctx.save()
    stored = ctx.store.run(ctx.id)
    if stored is not None and (stored.spec.max_usd is None or stored.spec.max_usd > limit):
        ctx.run.spec = stored.spec
        ctx.progress.budget_stop = None
        return
    for other in ctx.shards():
        if other.stage in UNSENT_STAGES and not _may_have_job(other):
            leave_out(ctx, shard if shard is not None and shard.n == other.n else other)
    ctx.log_event(f"Stopped at the budget of {money(limit)}: {describe_unsent(ctx.progress.budget_stop)}.", "warning")


def leave_out(ctx: StageContext, shard: ShardRecord) -> None:
    """Do not send a shard, since the budget is used up. Safe to repeat."""
    stopped = ctx.progress.budget_stop
    if stopped is None or shard.stage not in UNSENT_STAGES:
        return
    if shard.n not in stopped.shards:
        stopped.rows += shard.rows
        stopped.shards.append(shard.n)
        ctx.save()
    ctx.set_shard(shard, stage=ShardStage.UNSENT)


def describe_unsent(stopped: BudgetStop) -> str:
    return f"{plural(stopped.rows, 'row')} not sent"


def family_spent(store: Store, run: RunRecord) -> float:
    """What the other runs of a family were billed, or may be for what they have under way."""
    root_id = run.parent_id or run.id
    root = store.run(root_id) if run.parent_id else None
    others = [other for other in (root, *store.children(root_id)) if other is not None and other.id != run.id]
    return sum(committed(store, other) for other in others)


def committed(store: Store, run: RunRecord, *, with_retries: bool = False) -> float:
    """What a run was billed or may be. One that ended without its cost being known counts as in a bad case."""
    if with_retries:
        return committed(store, run) + family_spent(store, run)
    if run.stage == Stage.FINISHED and run.actual_usd is not None:
        return max(run.actual_usd, sum(cost.usd for cost in run.progress.job_costs.values()))
    shards = store.shards(run.id)
    prices = _prices(run, shards)
    return _balance(run, shards, prices).total if prices is not None else run.actual_usd or 0.0


def position(store: Store, run: RunRecord) -> BudgetPosition | None:
    """How a run stands to a budget that holds rows of it back; None where it holds none, or no price is known.

    Of one that has ended these are the rows that no other run has sent since.
    """
    stopped, has_ended = run.progress.budget_stop, run.stage == Stage.FINISHED
    if run.spec.max_usd is None or (has_ended and (stopped is None or stopped.rest_run)):
        return None
    shards = store.shards(run.id)
    prices = _prices(run, shards)
    if prices is None or not (has_ended or run.progress.waits_for_budget):
        return None
    held = [
        shard
        for shard in shards
        if (stopped is not None and shard.n in stopped.shards)
        or (not has_ended and shard.stage in UNSENT_STAGES and not _may_have_job(shard))
    ]
    held_rows = sum(shard.rows for shard in held)
    price = sum((_price_of(run, shards, prices, shard, MIN_TOLD_ROWS) for shard in held), NO_PRICE)
    rows = stopped.rows if has_ended and stopped is not None else held_rows
    price = price.times(rows / max(1, held_rows))
    if has_ended and any(shard.groups for shard in held) and not run.progress.without_caches:
        price += prices.caches  # they are made anew
    own = Balance(committed(store, run), 0.0) if has_ended else _balance(run, shards, prices)
    return BudgetPosition(
        run.id,
        run.spec.max_usd,
        own.spent + family_spent(store, run),
        own.under_way,
        rows,
        price.expected,
        price.worst,
        has_ended,
    )


def _prices(run: RunRecord, shards: Sequence[ShardRecord]) -> RunPrices | None:
    first = [shard for shard in shards if not shard.attempt and shard.stage != ShardStage.SPLIT]
    return run_prices(run.estimate, sum(shard.tokens for shard in first), sum(shard.rows for shard in first))


def _balance(run: RunRecord, shards: Sequence[ShardRecord], prices: RunPrices) -> Balance:
    costs, spent, under_way = run.progress.job_costs, 0.0, 0.0
    for shard in shards:
        price = _price_of(run, shards, prices, shard)
        if shard.stage == ShardStage.ENDED and shard.n in costs:
            spent += costs[shard.n].usd
        elif shard.stage in (ShardStage.SUBMITTED, ShardStage.ENDED) or _may_have_job(shard):
            under_way += price.worst
        under_way += shard.lost_creates * price.worst
    known_jobs = {shard.job_name for shard in shards}
    strays = sum(rows for job, rows in run.progress.no_result_rows.items() if job not in known_jobs)
    spent += strays * _per_row(prices, shards).worst
    if any(shard.groups for shard in shards) and not run.progress.without_caches:
        under_way += prices.caches.worst
    return Balance(spent, under_way)


def _may_have_job(shard: ShardRecord) -> bool:
    """Whether a create was sent whose reply is not known yet."""
    return shard.stage == ShardStage.INTENDED and shard.settle_at > 0


def _price_of(
    run: RunRecord,
    shards: Sequence[ShardRecord],
    prices: RunPrices,
    shard: ShardRecord,
    min_rows: int = MIN_MEASURED_ROWS,
) -> Price:
    """What a job costs, by the estimate or by those that have ended."""
    costs = run.progress.job_costs
    ended = [
        (costs[other.n], _estimated(run, prices, other), other.rows)
        for other in shards
        if other.n in costs and other.stage == ShardStage.ENDED
    ]
    return corrected(_estimated(run, prices, shard), shard.rows, ended, min_rows)


def _estimated(run: RunRecord, prices: RunPrices, shard: ShardRecord) -> Price:
    is_cached = bool(shard.groups) and not run.progress.without_caches
    return prices.of_job(shard.tokens, shard.rows, cached=is_cached or prices.caches == NO_PRICE)


def _per_row(prices: RunPrices, shards: Sequence[ShardRecord]) -> Price:
    rows, tokens = sum(shard.rows for shard in shards), sum(shard.tokens for shard in shards)
    return prices.of_job(tokens, rows, cached=False).times(1 / max(1, rows))


def _count_ended(ctx: StageContext, shards: Sequence[ShardRecord], prices: RunPrices) -> None:
    """Price what came back of jobs that have ended, each once."""
    costs = ctx.progress.job_costs
    for shard in shards:
        if shard.stage == ShardStage.ENDED and shard.n not in costs:
            costs[shard.n] = _cost_of(ctx, shard, _estimated(ctx.run, prices, shard))


def _cost_of(ctx: StageContext, shard: ShardRecord, foreseen: Price) -> JobCost:
    """What a job has cost: rows by their usage, errors nothing, and the others as is expected or feared of them."""
    price, path = ctx.options.price(ctx.model), ctx.received_path(shard)
    per_row = foreseen.times(1 / max(1, shard.rows))
    usd = rows_usd = squares = 0.0
    lines = rows = 0
    if path.exists():
        with path.open("rb") as received:
            for line in received:
                answer = ctx.kind.classify(line)
                lines += 1
                if answer.usage is None or not answer.usage.prompt:
                    usd += 0.0 if answer.error_code else per_row.expected
                    continue
                row_usd = price(answer.usage)
                row_usd = per_row.worst if row_usd is None else row_usd
                rows, usd, rows_usd, squares = rows + 1, usd + row_usd, rows_usd + row_usd, squares + row_usd**2
    if shard.job_name:
        usd += max(0, shard.rows - lines) * per_row.worst
    return JobCost(usd, rows, rows_usd, squares)
