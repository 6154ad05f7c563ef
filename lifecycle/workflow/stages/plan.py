"""Stage `planned`: decide which shared text is cached, and cut the requests into shards, one batch job each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson

from batch.model import ContextMode, SendAs, Stage
from batch.planning import sharding
from batch.planning.file_delivery import FileDelivery
from batch.pricing import budget
from batch.pricing.workload import canary_rows
from batch.requests.cache_reference import use_cache
from gem_cache import CachingChoice, Plan
from lifecycle.core import transport
from lifecycle.core.run_files import REQUESTS, RESOLVED_REQUESTS
from lifecycle.core.run_progress import ImplicitAtStake
from lifecycle.core.run_records import ShardRecord
from lifecycle.core.transport import PayloadSize
from lifecycle.planning import plan_files
from lifecycle.planning.forecast import rebuild_plan
from lifecycle.requests.request_file import is_whole, line_reader, row_sizes
from lifecycle.requests.request_subset import keys_in_file
from lifecycle.sending.delivery import SentSizes, plan_delivery, row_limit, write_uploads
from lifecycle.workflow.shards import file_uploads
from lifecycle.workflow.shards.context import StageContext, StageResult, effective_tariff


class ShardDraft(NamedTuple):
    """One shard: what its file holds, its input tokens, and the groups whose caches it needs."""

    rows: int
    size_bytes: int
    tokens: int
    groups: list[str]


def run(ctx: StageContext) -> StageResult:
    """Write the shards' files and record them. The same requests and choices always give the same shards."""
    source = _resolve_cache_names(ctx)
    plan = rebuild_plan(
        source,
        ctx.spec,
        tariff=effective_tariff(ctx),
        model=ctx.options.model(ctx.model),
        hours=ctx.progress.assumed.hours,
        counts=ctx.progress.assumed.token_counts,
        implicit_rate=ctx.progress.assumed.implicit_rate,
    )
    ctx.progress.implicit_at_stake = _implicit_at_stake(plan)
    delivery = _delivery(ctx)
    if delivery is not None:
        write_uploads(delivery, ctx.folder)
    send_as = transport_for_run(ctx, delivery)
    shard_drafts = list(_write_shards(ctx, plan, source, send_as))
    plan_files.write_plan(plan, ctx.folder)
    plan_files.write_rows(plan, source, ctx.folder)
    ctx.store.add_shards(
        ctx.id,
        ctx.run.token,
        [_shard_record(ctx, n, shard_draft, send_as) for n, shard_draft in enumerate(shard_drafts)],
    )
    for shard in ctx.shards():
        file_uploads.register(ctx, shard)
    _log_plan(ctx, plan, shard_drafts, delivery)
    return StageResult(Stage.SUBMITTING)


def _delivery(ctx: StageContext) -> FileDelivery | None:
    """How the run's files travel, the same whenever it is asked; None where it has none."""
    return plan_delivery(ctx.folder / REQUESTS, ctx.spec.send_files, row_limit(ctx.spec.send_as, ctx.options.limits))


def transport_for_run(ctx: StageContext, delivery: FileDelivery | None) -> SendAs:
    """The transport in force: a file for kinds that know no other, else the user's, or by size on both sides."""
    if ctx.kind.file_only:
        return SendAs.FILE
    size = delivery.sent_bytes if delivery else int(row_sizes(ctx.folder / REQUESTS).sum())
    payload = PayloadSize(ctx.run.rows - ctx.progress.reused_rows, size, 0, _output_bytes(ctx))
    return transport.choose_transport(ctx.spec.send_as, payload, ctx.options.limits)


def _output_bytes(ctx: StageContext) -> float:
    """Expected of one result, as it was forecast."""
    assumed = ctx.progress.assumed.output_bytes
    return ctx.kind.result_bytes(None, ctx.spec.generation) if assumed is None else assumed


def _resolve_cache_names(ctx: StageContext) -> Path:
    """The requests with every `@use_cache` name replaced by the cache it means."""
    source, resolved_names = ctx.folder / REQUESTS, ctx.progress.resolved_cache_names
    if not resolved_names:
        return source
    resolved = ctx.folder / RESOLVED_REQUESTS
    reader = line_reader(source)
    with source.open("rb") as lines, resolved.open("wb") as out:
        for line in lines:
            apart = reader.apart(line)
            row = orjson.loads(line if apart is None else apart)
            row["request"] = use_cache(row["request"], resolved_names)
            named = orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
            out.write(reader.as_sent(named) if apart is None else reader.given(named))
    return resolved


def _write_shards(ctx: StageContext, plan: Plan, source: Path, send_as: SendAs) -> Iterator[ShardDraft]:
    """Write one file a shard, each beside its place and renamed, so never half there."""
    ctx.shard_path(0).parent.mkdir(exist_ok=True)
    sent_sizes = SentSizes(ctx.folder)
    if sent_sizes.with_files:
        sizes = np.fromiter(sent_sizes.of_file(source), np.int64, len(plan.survey))
    else:
        sizes = row_sizes(source)
    tokens = plan.cost_model.prompt_tokens
    groups = [group.id for group in plan.groups]
    uploads = np.fromiter(sent_sizes.uploads_of_file(source), np.float64) if sent_sizes.with_files else None
    shards = _split_rows(ctx, plan, send_as, sizes, uploads)
    if (
        len(shards) == 1
        and not plan.caches
        and not plan.duplicates
        and is_whole(source)
        and ctx.spec.context is ContextMode.NONE
    ):
        ctx.shard_path(0).unlink(missing_ok=True)
        os.link(source, ctx.shard_path(0))
        yield ShardDraft(len(sizes), int(sizes.sum()), round(float(tokens.sum())), [])
        return
    for n, rows in enumerate(shards):
        part = ctx.shard_path(n).with_suffix(".part")
        with part.open("wb") as out:
            written = plan.write(out, rows)
        part.replace(ctx.shard_path(n))
        if n == 0 and ctx.progress.canary_pending:
            ctx.progress.canary_rows = dict(zip(keys_in_file(ctx.shard_path(0)), rows.tolist(), strict=True))
        used_groups = sorted({groups[position] for position in plan.cache_of_row[rows].tolist() if position >= 0})
        size = written.size_bytes
        if sent_sizes.with_files:  # what a cache holds of a row's files is not sent with it
            size = sum(sent_sizes.of_file(ctx.shard_path(n)))
        yield ShardDraft(written.rows, size, round(float(tokens[rows].sum())), used_groups)


def _split_rows(ctx: StageContext, plan: Plan, send_as: SendAs, sizes: Any, upload_bytes: Any) -> list[Any]:
    """Rows of each shard under the limits in force. A row that no shard can hold gets its own: Google decides."""
    limits = ctx.options.limits
    as_given = ctx.spec.context is ContextMode.NONE
    by_budget = budget.rows_per_job(ctx.spec.max_usd, ctx.run.estimate, int(plan.cost_model.sent.sum()))
    rows = min(limits.rows, ctx.spec.rows_per_job or limits.rows, by_budget or limits.rows)
    ordered = np.flatnonzero(plan.cost_model.sent) if as_given else plan.rows_in_order()
    first = ordered[canary_rows(len(ordered), ctx.spec.canary)] if ctx.progress.canary_pending else ordered[:0]
    divided = sharding.divide_rows(
        ordered[~np.isin(ordered, first)],
        sharding.ShardLimits(
            file_bytes=limits.max_bytes(send_as),
            rows=rows,
            output_bytes=limits.max_output_bytes(send_as),
            tokens=ctx.options.enqueued_tokens(ctx.model),
            upload_bytes=limits.upload_bytes,
        ),
        file_bytes=sizes.astype(np.float64),
        upload_bytes=upload_bytes,
        output_bytes=np.full(len(sizes), _output_bytes(ctx)),
        tokens=plan.cost_model.prompt_tokens,
        cache_of_row=plan.cache_of_row,
        parent_of_cache=_parents(plan),
    )
    return [*([first] if len(first) else []), *divided.shards, *(np.array([row]) for row in divided.oversize)]


def _implicit_at_stake(plan: Plan) -> ImplicitAtStake:
    rate = plan.options.implicit_rate
    if not rate:
        return ImplicitAtStake()
    leaf = plan.survey.forest.leaf[plan.cost_model.sent & (plan.decision.used < 0)]
    tokens = np.append(plan.cost_model.implicit_saving_tokens, 0.0)[leaf] / rate
    return ImplicitAtStake(int((tokens > 0).sum()), round(float(tokens.sum())))


def _parents(plan: Plan) -> list[int]:
    """Per group the place of the next shorter one that is cached; -1 for none."""
    position = {group.id: n for n, group in enumerate(plan.groups)}
    parents: list[int] = []
    for group in plan.groups:  # a parent stands before its children
        parent = position[group.parent] if group.parent else -1
        cached = parent < 0 or plan.groups[parent].choice is CachingChoice.EXPLICIT
        parents.append(parent if cached else parents[parent])
    return parents


def _shard_record(ctx: StageContext, n: int, shard_draft: ShardDraft, send_as: SendAs) -> ShardRecord:
    return ShardRecord(
        run_id=ctx.id,
        n=n,
        rows=shard_draft.rows,
        size_bytes=shard_draft.size_bytes,
        tokens=shard_draft.tokens,
        transport=send_as.value,
        groups=shard_draft.groups,
        display_name=ctx.shard_display_name(n),
    )


def _log_plan(ctx: StageContext, plan: Plan, shard_drafts: list[ShardDraft], delivery: FileDelivery | None) -> None:
    if delivery is not None:
        ctx.log_event(delivery.describe())
    if plan.duplicates:
        ctx.log_event(f"{plan.duplicates:,} requests equal another one; each is sent once and its answer shared.")
    if plan.caches:
        ctx.log_event(f"{len(plan.caches)} shared texts will be cached, each just before the job that needs it.")
    if len(shard_drafts) > 1:
        reason = "to stay within Gemini's limits"
        if budget.rows_per_job(ctx.spec.max_usd, ctx.run.estimate, ctx.run.rows):
            reason = "so that sending can stop at the budget"
        ctx.log_event(f"Split into {len(shard_drafts)} batch jobs, {reason}.")
