"""A canary: a few rows go first, and what they really use corrects the estimate before the rest is sent."""

from __future__ import annotations

from collections.abc import Sequence

from batch.formatting import money
from batch.model import Stage, Usage
from batch.pricing.estimate import over_budget
from batch.responses.parsed_row import ParsedRow as Answer
from lifecycle.core.run_records import UNSENT_STAGES, ShardRecord, ShardStage
from lifecycle.planning import cache_support
from lifecycle.planning.forecast import ExpectedHours, Forecast, forecast
from lifecycle.planning.plan_json import estimate_document
from lifecycle.workflow.shards import budget, run_caches, split_shard, uncached_rows
from lifecycle.workflow.shards.context import StageContext, StageFailed, StageResult, effective_tariff


def hold_rest(ctx: StageContext, shards: list[ShardRecord]) -> StageResult | None:
    """Hold the rest back until the canary, the first shard or its parts, has ended; None when nothing is to be held.

    Where more is expected now than the budget allows, the rest is not sent. Raises Failed when no row of it was
    answered, and when its rows paid in full for what a cache holds although the user does not allow that price.
    """
    canary_shards = [shard for shard in shards if shard.n in _canary_numbers(ctx) and shard.stage != ShardStage.SPLIT]
    if not ctx.progress.canary_pending or ctx.cancelled or any(s.stage in UNSENT_STAGES for s in canary_shards):
        return None
    rows = sum(shard.rows for shard in canary_shards)
    if any(shard.stage != ShardStage.ENDED for shard in canary_shards):
        return StageResult(Stage.SUBMITTING, 1.0, f"{rows:,} rows were sent first; the rest waits for them.")
    answers = [answer for shard in canary_shards for answer in _answers(ctx, shard)]
    usage_by_key = {a.key: a.usage for a in answers if a.key is not None and a.usage is not None and a.usage.prompt}
    ctx.progress.canary_pending = False
    if usage_by_key:
        _check_cache_reads(ctx, canary_shards, list(usage_by_key.values()))
        _reprice(ctx, usage_by_key)
    elif not any(answer.cache_lost for answer in answers):  # those are sent again with a new cache
        reason = next((answer.error_message for answer in answers if answer.error_message), canary_shards[0].error)
        raise StageFailed(f"None of the first {rows:,} rows was answered, so the rest was not sent. {reason}")
    return None


def is_held(ctx: StageContext, shard: ShardRecord) -> bool:
    """Whether a shard must not be sent yet."""
    return ctx.progress.canary_pending and shard.n not in _canary_numbers(ctx)


def _canary_numbers(ctx: StageContext) -> list[int]:
    """The shards that have the canary's rows: the first, and what it was divided into."""
    return split_shard.part_numbers(ctx, 0)


def _answers(ctx: StageContext, shard: ShardRecord) -> list[Answer]:
    received = ctx.received_path(shard)
    if not received.exists():
        return []
    with received.open("rb") as lines:
        return [ctx.kind.classify(line) for line in lines]


def _check_cache_reads(ctx: StageContext, canary_shards: Sequence[ShardRecord], usages: Sequence[Usage]) -> None:
    """If rows that named a cache paid in full, make no more of them."""
    if not any(shard.groups for shard in canary_shards) or any(usage.cached for usage in usages):
        return
    message = f"The first {len(usages):,} rows named a cache, and Google read nothing from it."
    cache_support.record_unused(ctx.store, ctx.run.owner_id, ctx.model)
    if not ctx.spec.allow_uncached:
        raise StageFailed(f"{message} The rest was not sent at full price.")
    run_caches.check_uncached_budget(ctx, message)
    ctx.progress.without_caches = True
    ctx.log_event(f"{message} The rest is sent without, at full price.", "warning")


def _reprice(ctx: StageContext, usage_by_key: dict[str, Usage]) -> None:
    """Price the whole run anew from what the canary used, and hold it against the budget."""
    original, rows = _forecast(ctx), ctx.progress.canary_rows
    predicted = [round(float(original.plan.cost_model.prompt_tokens[rows[key]])) for key in usage_by_key if key in rows]
    corrected = _forecast(ctx, original, list(usage_by_key.values()), predicted)
    previous_estimate = ctx.run.estimate
    first_usd = previous_estimate.get("first_usd") or previous_estimate.get("usd")
    ctx.update_run(estimate={**estimate_document(corrected), "first_usd": first_usd})
    expected = corrected.estimate.usd.expected
    cost_text = "not known" if expected is None else f"{money(expected)} expected"
    ctx.log_event(
        f"The first {len(usage_by_key):,} rows have answered. Corrected estimate for the whole run: {cost_text}."
    )
    budget_error = over_budget(corrected.estimate, ctx.spec.max_usd) if ctx.spec.max_usd is not None else None
    if budget_error and expected is None:
        raise StageFailed(f"{budget_error} Only the first rows were sent. {budget_error.remedy}")
    if budget_error:
        ctx.log_event(f"{budget_error} Only the first rows were sent.", "warning")
        budget.stop(ctx)


def _forecast(
    ctx: StageContext, previous: Forecast | None = None, observed: Sequence[Usage] = (), predicted: Sequence[int] = ()
) -> Forecast:
    """The forecast that the run was submitted by, made again from its own facts."""
    assumed = ctx.progress.assumed
    return forecast(
        uncached_rows.original_requests(ctx),
        ctx.spec,
        tariff=effective_tariff(ctx),
        model=ctx.options.model(ctx.model),
        hours=ExpectedHours(assumed.hours, 48.0, 0),
        known_caches=ctx.progress.user_cache_tokens,
        counts=assumed.token_counts,
        implicit_rate=assumed.implicit_rate,
        observed=observed,
        predicted=predicted,
        previous=previous,
    )
