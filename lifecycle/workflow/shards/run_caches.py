"""The explicit caches of a run: made just before the shard that needs them, leased while it runs, deleted after it.

A lease is short and renewed, so that storage is paid for the real duration and a crash leaves at most one lease.
Rows look their cache up when they execute; if it is gone they fail with code 7 at no cost (gemini_api, measured).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

import cache_utils
from batch.errors import ApiError
from batch.formatting import money
from batch.model import Stage
from batch.pricing import rates
from batch.responses import service_errors
from batch.responses.cached_contents import CacheMetadata
from cache_utils import CachedText
from lifecycle.core.run_files import REQUESTS
from lifecycle.core.run_records import CacheRecord, ShardRecord, ShardStage
from lifecycle.planning import cache_support
from lifecycle.workflow.shards.context import StageContext, StageFailed, StageResult

ATTENDED_LEASE_SECONDS = 1800.0
UNATTENDED_LEASE_SECONDS = 52 * 3600.0  # a job may take 48 hours, and nobody is there to renew
RENEW_BELOW = 2 / 3  # of the lease: renewed at a third
POLL_AGAIN_SECONDS = 2.0


class CacheRefused(Exception):
    """The service does not take a group's cache; `error` is its refusal in plain words."""

    def __init__(self, group: str, error: ApiError) -> None:
        super().__init__(str(error))
        self.group, self.error = group, error


class CachePending(Exception):
    """An earlier create may still show up in the list."""


def lease_seconds(ctx: StageContext) -> float:
    return UNATTENDED_LEASE_SECONDS if ctx.progress.unattended else ATTENDED_LEASE_SECONDS


def ensure_alive(ctx: StageContext, shard: ShardRecord, uris: Mapping[str, str]) -> dict[str, str]:
    """The name of each cache that a shard needs, alive for a whole lease; `uris` are those of its uploaded files.

    Raises CacheRefused, CachePending, ApiError.
    """
    known = {row.group_id: row for row in ctx.store.caches(ctx.id)}  # the last made of each group
    return {group: _ensure_alive(ctx, group, known.get(group), uris) for group in shard.groups}


def renew_leases(ctx: StageContext, shards: list[ShardRecord]) -> None:
    """Lengthen the leases that open jobs need, and end those that none needs any more."""
    needed = {group for shard in shards if shard.stage in ("intended", "submitted") for group in shard.groups}
    waiting = {group for shard in shards if shard.stage == ShardStage.WAITING for group in shard.groups}
    for row in _live_caches(ctx):
        if row.group_id in needed:
            _extend(ctx, row)
        elif row.group_id not in waiting:
            delete(ctx, row)


def renew_user_caches(ctx: StageContext) -> None:
    """Keep caches of the user's own, which requests of this run name, from expiring under it."""
    for name, expire_at in dict(ctx.progress.user_caches).items():
        if expire_at is None or expire_at - ctx.server_now().timestamp() >= lease_seconds(ctx) * RENEW_BELOW:
            continue
        try:
            cache = cache_utils.update_cache_ttl(ctx.client, name, lease_seconds(ctx))
        except ApiError as error:
            if not service_errors.is_gone(error):
                raise
            ctx.progress.user_caches[name] = None  # it is gone, and rows that still need it will say so
            ctx.log_event(f"Cache {name}, which requests name, is gone; rows that still need it will fail.", "warning")
        else:
            ctx.progress.user_caches[name] = _epoch(cache.expire_at)


def delete_user_caches(ctx: StageContext) -> None:
    """Delete the caches that requests of this run name, if the user wished it and no other run needs them."""
    if not ctx.spec.delete_user_caches:
        return
    others = [row for row in ctx.store.unfinished([ctx.run.owner_id]) if row.id != ctx.id]
    needed = {name for row in others for name in row.progress.user_caches}
    for name in ctx.progress.user_caches:
        if name in needed:
            ctx.log_event(f"Cache {name} is kept: another run needs it.")
        elif cache_utils.delete_cache(ctx.client, name):
            ctx.log_event(f"Cache {name} was deleted, as you chose.")


def delete(ctx: StageContext, row: CacheRecord) -> None:
    """Delete one cache and write down what its life has cost: one that had expired is billed until then only."""
    cache_utils.delete_cache(ctx.client, row.name)
    deleted_at = _died_at(ctx, row)
    _record(ctx, row, deleted_at=deleted_at, usd=_lifetime_usd(ctx, row, deleted_at))


def delete_all(ctx: StageContext) -> None:
    """Delete every cache of this run: those it knows, and those only their display name gives away."""
    for row in _live_caches(ctx):
        delete(ctx, row)
    if ctx.store.caches(ctx.id):
        for cache in cache_utils.list_caches(ctx.client):
            if cache.display_name.startswith(ctx.display_prefix):
                cache_utils.delete_cache(ctx.client, cache.name)


def price_undeleted(ctx: StageContext) -> None:
    """Price the caches that could not be deleted until they expire: the most that they will cost."""
    for row in _live_caches(ctx):
        usd = _lifetime_usd(ctx, row, row.expire_at) if row.expire_at is not None else None
        _record(ctx, row, usd=usd)
        if usd is not None:
            message = f"Its cost is counted until it expires, {money(usd)}: an upper bound, if it goes before."
            ctx.log_event(f"Cache {row.name} could not be deleted. {message}", "warning")


def caches_usd(ctx: StageContext) -> float | None:
    """USD for making and keeping the run's caches; None if any of it is unknown, 0 without caches."""
    costs = [row.usd for row in ctx.store.caches(ctx.id) if row.name]
    return None if None in costs else sum(cost for cost in costs if cost is not None)


def mark_lost(ctx: StageContext, group: str) -> None:
    """A group's cache died under its rows: what is known of it ends here, and the next need makes it anew."""
    for row in _live_caches(ctx):
        if row.group_id == group:
            died = _died_at(ctx, row)
            _record(ctx, row, deleted_at=died, usd=_lifetime_usd(ctx, row, died))


def on_cache_refused(ctx: StageContext, refusal: CacheRefused) -> StageResult | None:
    """What a refusal means: wait for room, go on without caches if the user allowed that price, or stop.

    What it says about all caches of this model and key is remembered for plans to come.
    """
    service_error = service_errors.classify_api_error(refusal.error)
    cache_support.record_refused(ctx.store, ctx.run.owner_id, ctx.model, service_error)
    unsupported = service_error is not None and service_error.kind in service_errors.NO_EXPLICIT_CACHES
    if _is_full(refusal.error) and not unsupported:
        ctx.log_event(f"Google has no room for a cache now. {refusal.error}", "warning")
        return StageResult(Stage.SUBMITTING, refusal.error.retry_after or 30.0, f"{refusal.error} Trying again.")
    if not ctx.spec.allow_uncached:
        raise StageFailed(f"{refusal.error.describe()} Nothing was sent without a cache.")
    check_uncached_budget(ctx, str(refusal.error))
    ctx.progress.without_caches = unsupported or ctx.progress.without_caches
    ctx.log_event(f"Google refused the cache: {refusal.error} The rows are sent without it, at full price.", "warning")
    return None


def check_uncached_budget(ctx: StageContext, reason: str) -> None:
    """Hold what is expected without caches against the budget. Raises Failed if it does not fit."""
    if budget_error := uncached_budget_error(ctx):
        raise StageFailed(f"{reason} {budget_error}")


def uncached_budget_error(ctx: StageContext) -> str:
    """Why the run must not go on without caches: more is expected then than the budget; "" if it may."""
    limit = ctx.spec.max_usd
    expected = (ctx.run.estimate.get("uncached_usd") or {}).get("expected")
    if limit is None or (expected is not None and expected <= limit):
        return ""
    price = "an unknown sum" if expected is None else f"about {money(expected)}"
    return f"Without a cache the run costs {price}; the budget is {money(limit)}."


def _ensure_alive(ctx: StageContext, group: str, row: CacheRecord | None, uris: Mapping[str, str]) -> str:
    if row is not None and row.is_alive:
        if _extend(ctx, row):
            return row.name
        mark_lost(ctx, group)
    attempt = 0 if row is None else row.attempt + bool(row.name)
    return _make(ctx, group, attempt, row if row is not None and not row.name else None, uris)


def _make(ctx: StageContext, group: str, attempt: int, unconfirmed: CacheRecord | None, uris: Mapping[str, str]) -> str:
    """Create a cache, or adopt what an earlier try of ours left. Raises NotYet after a create without a reply."""
    name, token = f"{ctx.display_prefix}c{group}-{attempt}", ctx.run.token
    timeout, settle = ctx.options.create_timeout_seconds, ctx.options.settle_seconds
    record = partial(ctx.store.put_cache, ctx.id, token, group, attempt)
    sent = False

    def before_create() -> None:
        nonlocal sent
        if unconfirmed is not None and unconfirmed.settle_at > ctx.google_time():
            raise CachePending
        ctx.extend_lease(timeout + min(10.0, timeout))
        record(display_name=name, settle_at=ctx.google_time() + timeout + settle)
        sent = True

    try:
        cache = cache_utils.create_explicit_cache(
            ctx.client,
            _contents(ctx, group, uris),
            display_name=name,
            ttl_seconds=lease_seconds(ctx),
            retry_delays=(),
            before_create=before_create,
        )
    except ApiError as error:
        if sent:
            record(settle_at=ctx.google_time() + settle if error.ambiguous else 0.0)
        if sent and error.ambiguous:
            ctx.log_event(f"{error} Looking whether Google has the cache before it is made again.", "warning")
            raise CachePending from None
        if error.ambiguous or not (service_errors.is_permanent(error) or _is_full(error)):
            raise
        raise CacheRefused(group, error) from None
    record(display_name=name, settle_at=0.0, **_cache_values(cache))
    cache_support.record_accepted(ctx.store, ctx.run.owner_id, ctx.model)
    ctx.log_event(f"Cache {cache.name} holds {cache.tokens or 0:,} shared tokens.")
    return cache.name


def _is_full(error: ApiError) -> bool:
    """Whether a limit is full, as far as can be told; an account that cannot pay is another matter."""
    return error.status == 429 and not service_errors.must_pause(error)


def _contents(ctx: StageContext, group: str, uris: Mapping[str, str]) -> CachedText:
    """What a group's cache holds, from the plan."""
    import orjson

    from lifecycle.planning.media_scale import cached_contents, weighing_of
    from lifecycle.planning.plan_files import read_body  # brings Arrow, which who only lists runs does without
    from lifecycle.sending.outgoing import with_files

    body: Any = orjson.loads(with_files(orjson.dumps(read_body(ctx.folder, group)), ctx.folder, uris))
    weighing = weighing_of(ctx.folder / REQUESTS, ctx.spec, ctx.options.model(ctx.model))
    return CachedText(
        model=ctx.model,
        contents=cached_contents(body.get("contents") or (), weighing),
        system_instruction=body.get("systemInstruction") or "",
        tools=tuple(body.get("tools") or ()),
        tool_config=body.get("toolConfig"),
    )


def _extend(ctx: StageContext, row: CacheRecord) -> bool:
    """Renew a lease that has run a third; False if the cache is gone."""
    seconds_left = float(row.expire_at or 0) - ctx.server_now().timestamp()
    if seconds_left > lease_seconds(ctx) * RENEW_BELOW:
        return True
    try:
        cache = cache_utils.update_cache_ttl(ctx.client, row.name, lease_seconds(ctx))
    except ApiError as error:
        if not service_errors.is_gone(error):
            raise
        ctx.log_event(f"Cache {row.name} is gone; rows that still need it are sent again with a new one.", "warning")
        return False
    _record(ctx, row, **_cache_values(cache))
    return True


def _live_caches(ctx: StageContext) -> list[CacheRecord]:
    return [row for row in ctx.store.caches(ctx.id) if row.is_alive]


def _record(ctx: StageContext, row: CacheRecord, **values: Any) -> None:
    ctx.store.put_cache(ctx.id, ctx.run.token, row.group_id, row.attempt, **values)
    for name, value in values.items():
        setattr(row, name, value)


def _cache_values(cache: CacheMetadata) -> dict[str, Any]:
    return {
        "name": cache.name,
        "tokens": cache.tokens,
        "created_at": _epoch(cache.created_at),
        "expire_at": _epoch(cache.expire_at),
    }


def _died_at(ctx: StageContext, row: CacheRecord) -> float:
    """When a cache ceased to be: now, or when it had expired before."""
    now = ctx.server_now().timestamp()
    return now if row.expire_at is None else min(row.expire_at, now)


def _epoch(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _lifetime_usd(ctx: StageContext, row: CacheRecord, until: float) -> float | None:
    tariff = ctx.options.tariff(ctx.model)
    if tariff is None or row.tokens is None or row.created_at is None:
        return None
    return rates.cache_usd(row.tokens, max(0.0, until - row.created_at) / 3600, tariff)
