"""Stage `collecting`: join what came back to what was sent, by key, and account for every row."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import duckdb
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from batch.model import Outcome, RunState, Stage
from batch.prefixes.rewrite import placeholder_group
from batch.pricing import costs
from batch.responses import service_errors
from lifecycle.core.observation_kinds import DURATION_HOURS, IMPLICIT_RATE
from lifecycle.core.run_files import ANSWERS, REQUESTS, RESULTS, REUSED
from lifecycle.core.run_progress import Collected, Ending
from lifecycle.core.run_records import UNSENT_STAGES, ShardRecord
from lifecycle.planning import cache_support
from lifecycle.planning.history import output_history
from lifecycle.planning.history.prompt_sketch import sample_requests
from lifecycle.requests.request_subset import copy_lines, key_of_line, keys_in_file
from lifecycle.results.collect.build import build_results
from lifecycle.results.store.reconciliation import Reconciliation
from lifecycle.sending.delivery import SentSizes
from lifecycle.storage.output_summaries import OutputSummaries
from lifecycle.storage.run_table import RunTable
from lifecycle.workflow.shards import file_uploads, run_caches, uncached_rows
from lifecycle.workflow.shards.context import StageContext, StageResult
from lifecycle.workflow.stages import import_job as import_job_stage
from lifecycle.workflow.stages import resend_files
from lifecycle.workflow.stages.merge_counts import merge_counts

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 3  # how often rows whose cache died are sent with one, all in all
_RECREATE_HINT = "Make one of the same name, and send them again."


def run(ctx: StageContext) -> StageResult:
    """Build the run's result table; send rows again whose cache died; decide how the run ended."""
    shards = ctx.shards()
    unsent = any(shard.stage in UNSENT_STAGES for shard in shards)
    if unsent and not ctx.cancelled:  # to be sent again; the process that recorded them died here
        return StageResult(Stage.SUBMITTING)
    reconciliation = _build_results(ctx, shards)
    errors = reconciliation.cache_lost or reconciliation.counts.get(Outcome.ERROR_PERMANENT, 0)
    may_send = not ctx.cancelled and ctx.progress.budget_stop is None
    if errors and may_send and (_resend_lost_rows(ctx, shards) or resend_files.resend(ctx, shards)):
        return StageResult(Stage.SUBMITTING)
    counts = {str(outcome): n for outcome, n in reconciliation.counts.items()}
    ctx.progress.collected = Collected(counts, reconciliation.usd, reconciliation.unpriced)
    _record_observations(ctx, shards, reconciliation)
    _record_lengths(ctx, shards)
    matched = reconciliation.matched - reconciliation.reused
    ctx.progress.ending = _ending(ctx, shards, matched)
    answered = matched - reconciliation.counts.get(Outcome.NO_RESPONSE, 0)
    ctx.log_event(f"{answered:,} of {reconciliation.sent - reconciliation.reused:,} requests have a response.")
    for note in reconciliation.notes:
        ctx.log_event(note, "warning")
    if unreturned := sum(ctx.progress.no_result_rows.values()):
        bound = _cost_bounds(ctx, reconciliation, unreturned)
        ctx.log_event(f"The cost is a lower bound{bound}: {costs.describe_unreturned(unreturned)}", "warning")
    if ctx.run.parent_id:
        _tell_parent(ctx, ctx.run.parent_id)
    if ctx.progress.user_caches and (warning := service_errors.warn_if_cache_text_resent(reconciliation.usage)):
        ctx.log_event(warning, "warning")
    return StageResult(Stage.RELEASING)


def _tell_parent(ctx: StageContext, parent_id: str) -> None:
    """Bring the parent's counts up to what this retry has mended; if that cannot be done now, when it is listed."""
    try:
        merge_counts(ctx.store, ctx.run.owner_id, parent_id, ctx.folder.with_name)
    except (OSError, KeyError, pa.ArrowException, duckdb.Error):
        log.warning("What retry %s has mended could not be counted.", ctx.id, exc_info=True)
        RunTable(ctx.store, ctx.run.owner_id).mark_merge_due(parent_id)


def _cost_bounds(ctx: StageContext, reconciliation: Reconciliation, unreturned: int) -> str:
    """Between what the rows that came back cost, and that with the worst case of those that did not, where known."""
    worst = (ctx.run.estimate.get("usd") or {}).get("worst")
    if worst is None or reconciliation.usd is None:
        return ""
    most = reconciliation.usd + worst * min(1.0, unreturned / max(1, reconciliation.sent - reconciliation.reused))
    return f", from {reconciliation.usd:,.4f} to {most:,.4f} USD for the rows"


def _record_observations(ctx: StageContext, shards: list[ShardRecord], reconciliation: Reconciliation) -> None:
    """Remember how long this model's jobs take, and how often it found a prefix by itself."""
    owner_id = ctx.run.owner_id
    cancelled = ctx.progress.cancel_requested_shards  # such a job ends as succeeded, too, and sooner
    for shard in shards:
        succeeded = shard.job_state == "JOB_STATE_SUCCEEDED" and shard.n not in cancelled
        if succeeded and shard.job_created_at and shard.job_ended_at:
            hours = (shard.job_ended_at - shard.job_created_at) / 3600
            ctx.add_observation(DURATION_HOURS, max(0.0, hours))
    if not reconciliation.usage.cached and _cached_rows_were_paid(ctx, shards):
        cache_support.record_unused(ctx.store, owner_id, ctx.model)
        ctx.log_event("Nothing was read from the caches: every row was paid in full.", "error")
    requests, tokens = ctx.progress.implicit_at_stake
    if tokens and not any(shard.groups for shard in shards):
        ctx.add_observation(IMPLICIT_RATE, min(1.0, reconciliation.usage.cached / tokens), requests)


def _record_lengths(ctx: StageContext, shards: list[ShardRecord]) -> None:
    """Remember how long the answers were; not of rows that are sent again, which are odd ones."""
    if ctx.run.parent_id or ctx.is_imported or ctx.kind.vectors:
        return
    own_files = sum(ctx.received_path(shard).exists() for shard in shards)
    lengths = output_history.lengths_of_run(ctx.folder, own_files)
    if lengths is not None:
        sketch = sample_requests(ctx.folder / REQUESTS).sketch
        summary = output_history.summary(ctx.id, ctx.run.owner_id, ctx.model, ctx.now(), sketch, lengths)
        OutputSummaries(ctx.store).put_of_run(ctx.run.token, summary)


def _cached_rows_were_paid(ctx: StageContext, shards: list[ShardRecord]) -> bool:
    """Whether rows that named a cache were answered at all: refused ones say nothing of the model and caches."""
    keys: set[str] = set()
    for shard in shards:
        if shard.groups:
            with ctx.shard_path(shard.n).open("rb") as lines:
                keys.update(key_of_line(line) for line in lines if placeholder_group(line))
        elif shard.attempt:  # sent again without
            keys.difference_update(keys_in_file(ctx.shard_path(shard.n)))
    if not keys:
        return False
    table = pq.read_table(ctx.folder / RESULTS, columns=["key", "prompt_tokens"])
    paid = table.filter(pc.greater(pc.fill_null(table["prompt_tokens"], 0), 0)).column("key")
    return not keys.isdisjoint(paid.to_pylist())


def _build_results(ctx: StageContext, shards: list[ShardRecord]) -> Reconciliation:
    schema = ctx.spec.generation.response_schema
    received = [path for shard in shards if (path := ctx.received_path(shard)).exists()]
    reused = sorted((ctx.folder / REUSED / ANSWERS).glob("*.jsonl"))
    cancelled = [ctx.received_path(shard) for shard in shards if shard.n in ctx.progress.cancel_requested_shards]
    tariff = ctx.options.tariff(ctx.model)
    return build_results(
        ctx.folder,
        received=import_job_stage.write_inputs(ctx, shards) if ctx.is_imported else [*received, *reused],
        price=ctx.options.price(ctx.model),
        cancelled=cancelled,
        reused=reused,
        schema=orjson.loads(schema) if schema else None,
        kind=ctx.kind,
        vector_facts={"model": ctx.model, "task": ctx.spec.generation.task_type},
        vector_input_limit=model.context_window if (model := ctx.options.model(ctx.model)) else None,
        search_priced=tariff is not None and (tariff.search_query is not None or tariff.search_prompt is not None),
    )


def _resend_lost_rows(ctx: StageContext, shards: list[ShardRecord]) -> bool:
    """Make shards of the rows that could not read their cache, each from the shard it was in; False if that is over.

    With a cache made anew, a few times; then, or where the service takes none in batches, without, if the user
    allowed that price.
    """
    keys, refused = _rows_without_cache(ctx)
    attempt = max(shard.attempt for shard in shards) + 1
    candidates = [shard for shard in shards if shard.groups and shard.attempt == attempt - 1]
    if not keys or not candidates:
        if keys and ctx.progress.user_caches:
            ctx.log_event(
                f"{len(keys):,} rows found the cache that they name gone, at no cost. {_RECREATE_HINT}", "error"
            )
        return False
    uncached = refused or attempt >= MAX_ATTEMPTS
    if uncached and (not ctx.spec.allow_uncached or run_caches.uncached_budget_error(ctx)):
        reason = run_caches.uncached_budget_error(ctx) or "They are not sent without a cache."
        ctx.log_event(f"{len(keys):,} rows could not read their cache, and are left as errors. {reason}", "error")
        return False
    new_shards = list(_resend_shards(ctx, candidates, keys, len(shards), attempt, uncached=uncached))
    for shard in new_shards:
        file_uploads.register(ctx, shard)
    ctx.store.add_shards(ctx.id, ctx.run.token, new_shards)
    if new_shards:
        cache_text = "without one, at full price" if uncached else "with a new one"
        ctx.log_event(
            f"{len(keys):,} rows could not read their cache, at no cost; they are sent again {cache_text}.", "warning"
        )
    return bool(new_shards)


def _resend_shards(
    ctx: StageContext, candidates: list[ShardRecord], keys: set[str], first: int, attempt: int, *, uncached: bool
) -> Iterator[ShardRecord]:
    """Write and describe the new shards, numbered from `first`; `uncached` ones have the rows as the user gave them."""
    for shard in candidates:
        shard_keys = keys.intersection(keys_in_file(ctx.shard_path(shard.n)))
        if shard_keys:
            source = uncached_rows.original_requests(ctx) if uncached else ctx.shard_path(shard.n)
            rows, _ = copy_lines(source, shard_keys, ctx.shard_path(first))
            size = sum(SentSizes(ctx.folder).of_file(ctx.shard_path(first)))
            yield _resent_shard(ctx, shard, [] if uncached else shard.groups, first, attempt, rows, size)
            first += 1
            for group in shard.groups:
                run_caches.mark_lost(ctx, group)


def _resent_shard(
    ctx: StageContext, origin: ShardRecord, groups: list[str], n: int, attempt: int, rows: int, size: int
) -> ShardRecord:
    return ShardRecord(
        run_id=ctx.id,
        n=n,
        attempt=attempt,
        rows=rows,
        size_bytes=size,
        tokens=origin.tokens * rows // max(1, origin.rows),
        transport=origin.transport,
        groups=groups,
        display_name=ctx.shard_display_name(n),
    )


def _rows_without_cache(ctx: StageContext) -> tuple[set[str], bool]:
    """The rows whose cache was gone, or is not taken in batches at all; and whether it is the latter."""
    table = pq.read_table(ctx.folder / RESULTS, columns=["key", "cache_lost", "error_message"])
    texts = [text for text in pc.unique(table["error_message"]).to_pylist() if text and _takes_no_caches(text)]
    refused = pc.is_in(table["error_message"], value_set=pa.array(texts, pa.string()))
    lost = pc.or_(pc.fill_null(table["cache_lost"], False), refused)
    if texts:
        cache_support.record_unused(ctx.store, ctx.run.owner_id, ctx.model)
    return set(table.filter(lost).column("key").to_pylist()), bool(texts)


def _takes_no_caches(text: str) -> bool:
    service_error = service_errors.classify_error(text)
    return service_error is not None and service_error.kind in service_errors.NO_EXPLICIT_CACHES


def _ending(ctx: StageContext, shards: list[ShardRecord], matched: int) -> Ending:
    """What to call the run: cancelled if asked to, failed if no row came back because jobs failed, else finished."""
    if ctx.progress.ending is not None:
        return ctx.progress.ending
    ok_states = ("", "JOB_STATE_SUCCEEDED")
    errors = [str(s.error or s.job_state) for s in shards if s.error or s.job_state not in ok_states]
    if ctx.cancelled:
        return Ending(RunState.CANCELLED)
    if not matched and errors:
        return Ending(RunState.FAILED, errors[0])
    return Ending(RunState.FINISHED)
