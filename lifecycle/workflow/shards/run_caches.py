"""The explicit caches of a run: made just before the shard that needs them, leased while it runs, deleted after it.

A lease is short and renewed, so that storage is paid for the real duration and a crash leaves at most one lease.
Rows look their cache up when they execute; if it is gone they fail with code 7 at no cost (gemini_api, measured).
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

import cache_utils
from batch.errors import ApiError
from batch.model import Stage
from batch.pricing import rates
from batch.responses import service_errors
from batch.responses.cached_contents import CacheMetadata
from cache_utils import CachedText
from lifecycle.planning import cache_support
from lifecycle.planning.plan_files import read_body
from lifecycle.storage.store import Row
from lifecycle.workflow.shards.context import Failed, Step, Work

ATTENDED_SECONDS = 1800.0
UNATTENDED_SECONDS = 52 * 3600.0  # a job may take 48 hours, and nobody is there to renew
RENEW_BELOW = 2 / 3  # of the lease: renewed at a third
LOOK_AGAIN_SECONDS = 2.0


class Refused(Exception):
    """The service does not take a group's cache; `error` is its refusal in plain words."""

    def __init__(self, group: str, error: ApiError) -> None:
        super().__init__(str(error))
        self.group, self.error = group, error


class NotYet(Exception):
    """An earlier create may still show up in the list."""


def lease_seconds(work: Work) -> float:
    return UNATTENDED_SECONDS if work.data.get("unattended") else ATTENDED_SECONDS


def ensure(work: Work, shard: Row) -> dict[str, str]:
    """The name of each cache that a shard needs, alive for a whole lease. Raises Refused, NotYet, ApiError."""
    known = {row["group_id"]: row for row in work.store.caches(work.id)}  # the last made of each group
    return {group: _alive(work, group, known.get(group)) for group in shard["groups"]}


def renew(work: Work, shards: list[Row]) -> None:
    """Lengthen the leases that open jobs need, and end those that none needs any more."""
    needed = {group for shard in shards if shard["stage"] in ("intended", "submitted") for group in shard["groups"]}
    waiting = {group for shard in shards if shard["stage"] == "waiting" for group in shard["groups"]}
    for row in _held(work):
        if row["group_id"] in needed:
            _extend(work, row)
        elif row["group_id"] not in waiting:
            end(work, row)


def lend(work: Work) -> None:
    """Keep caches of the user's own, which requests of this run name, from expiring under it."""
    for name, expire_at in dict(work.data.get("borrowed", {})).items():
        if expire_at is None or float(expire_at) - work.server_now().timestamp() >= lease_seconds(work) * RENEW_BELOW:
            continue
        try:
            cache = cache_utils.update_cache_ttl(work.gateway, name, lease_seconds(work))
        except ApiError as error:
            if error.status not in (403, 404):
                raise
            work.data["borrowed"][name] = None  # it is gone, and rows that still need it will say so
            work.tell(f"Cache {name}, which requests name, is gone; rows that still need it will fail.", "warning")
        else:
            work.data["borrowed"][name] = _epoch(cache.expire_at)


def end_lent(work: Work) -> None:
    """Delete the caches that requests of this run name, if the user wished it and no other run needs them."""
    if not work.spec.end_cache:
        return
    others = [row for row in work.store.unfinished([str(work.row["owner"])]) if row["id"] != work.id]
    needed = {name for row in others for name in row["data"].get("borrowed", {})}
    for name in work.data.get("borrowed", {}):
        if name in needed:
            work.tell(f"Cache {name} is kept: another run needs it.")
        elif cache_utils.delete_cache(work.gateway, name):
            work.tell(f"Cache {name} was deleted, as you chose.")


def end(work: Work, row: Row) -> None:
    """Delete one cache and write down what its life has cost: one that had expired is billed until then only."""
    cache_utils.delete_cache(work.gateway, str(row["name"]))
    gone = _died(work, row)
    _record(work, row, deleted_at=gone, usd=_usd(work, row, gone))


def release(work: Work) -> None:
    """Delete every cache of this run: those it knows, and those only their display name gives away."""
    for row in _held(work):
        end(work, row)
    if work.store.caches(work.id):
        for cache in cache_utils.list_caches(work.gateway):
            if cache.display_name.startswith(work.display_prefix):
                cache_utils.delete_cache(work.gateway, cache.name)


def leave(work: Work) -> None:
    """Price the caches that could not be deleted until they expire: the most that they will cost."""
    for row in _held(work):
        usd = _usd(work, row, float(row["expire_at"])) if row["expire_at"] is not None else None
        _record(work, row, usd=usd)
        if usd is not None:
            words = f"Its cost is counted until it expires, {usd:,.4f} USD: an upper bound, if it goes before."
            work.tell(f"Cache {row['name']} could not be deleted. {words}", "warning")


def spent(work: Work) -> float | None:
    """USD for making and keeping the run's caches; None if any of it is unknown, 0 without caches."""
    costs = [row["usd"] for row in work.store.caches(work.id) if row["name"]]
    return None if any(cost is None for cost in costs) else sum(costs)


def lost(work: Work, group: str) -> None:
    """A group's cache died under its rows: what is known of it ends here, and the next need makes it anew."""
    for row in _held(work):
        if row["group_id"] == group:
            died = _died(work, row)
            _record(work, row, deleted_at=died, usd=_usd(work, row, died))


def refused(work: Work, refusal: Refused) -> Step | None:
    """What a refusal means: wait for room, go on without caches if the user allowed that price, or stop.

    What it says about all caches of this model and key is remembered for plans to come.
    """
    found = service_errors.of(refusal.error)
    cache_support.refused(work.store, str(work.row["owner"]), work.model, found)
    none_at_all = found is not None and found.kind in service_errors.NO_EXPLICIT_CACHES
    if refusal.error.status == 429 and not none_at_all:
        work.tell(f"Google has no room for a cache now. {refusal.error}", "warning")
        return Step(Stage.SUBMITTING, refusal.error.retry_after or 30.0, f"{refusal.error} Trying again.")
    if not work.spec.allow_plain:
        raise Failed(f"{refusal.error} {refusal.error.remedy} Nothing was sent without a cache.".strip())
    hold_plain(work, str(refusal.error))
    work.data["without_caches"] = none_at_all or bool(work.data.get("without_caches"))
    work.tell(f"Google refused the cache: {refusal.error} The rows are sent without it, at full price.", "warning")
    return None


def hold_plain(work: Work, why: str) -> None:
    """Hold the price without caches against the budget, at its worst. Raises Failed if it does not fit."""
    if dear := too_dear(work):
        raise Failed(f"{why} {dear}")


def too_dear(work: Work) -> str:
    """Why the run must not go on without caches: its worst case would exceed the budget; "" if it may."""
    limit = work.spec.max_usd
    worst = (dict(work.row["estimate"]).get("uncached_usd") or {}).get("worst")
    if limit is None or (worst is not None and worst <= limit):
        return ""
    price = "an unknown sum" if worst is None else f"{worst:,.4f} USD"
    return f"Without a cache the run could cost {price}; the budget is {limit:,.4f} USD."


def _alive(work: Work, group: str, row: Row | None) -> str:
    if row is not None and row["name"] and row["deleted_at"] is None:
        if _extend(work, row):
            return str(row["name"])
        lost(work, group)
    made = 0 if row is None else int(row["made"]) + bool(row["name"])
    return _make(work, group, made, row if row is not None and not row["name"] else None)


def _make(work: Work, group: str, made: int, earlier: Row | None) -> str:
    """Create a cache, or adopt what an earlier try of ours left. Raises NotYet after a create without a reply."""
    name, token = f"{work.display_prefix}c{group}-{made}", str(work.row["token"])
    timeout, settle = work.options.create_timeout, work.options.settle
    record = partial(work.store.put_cache, work.id, token, group, made)
    sent = False

    def intend() -> None:
        nonlocal sent
        if earlier is not None and earlier["settle_at"] > work.clock():
            raise NotYet
        work.hold(timeout + min(10.0, timeout))
        record(display_name=name, settle_at=work.clock() + timeout + settle)
        sent = True

    try:
        cache = cache_utils.create_explicit_cache(
            work.gateway,
            _contents(work, group),
            display_name=name,
            ttl_seconds=lease_seconds(work),
            looks=(),
            intend=intend,
        )
    except ApiError as error:
        if sent:
            record(settle_at=work.clock() + settle if error.ambiguous else 0.0)
        if sent and error.ambiguous:
            work.tell(f"{error} Looking whether Google has the cache before it is made again.", "warning")
            raise NotYet from None
        if error.ambiguous or not (error.permanent or error.status == 429):
            raise
        raise Refused(group, error) from None
    record(display_name=name, settle_at=0.0, **_known(cache))
    cache_support.accepted(work.store, str(work.row["owner"]), work.model)
    work.tell(f"Cache {cache.name} holds {cache.tokens or 0:,} shared tokens.")
    return cache.name


def _contents(work: Work, group: str) -> CachedText:
    """What a group's cache holds, from the plan."""
    body: Any = read_body(work.folder, group)
    return CachedText(
        model=work.model,
        contents=tuple(body.get("contents") or ()),
        system_instruction=body.get("systemInstruction") or "",
        tools=tuple(body.get("tools") or ()),
        tool_config=body.get("toolConfig"),
    )


def _extend(work: Work, row: Row) -> bool:
    """Renew a lease that has run a third; False if the cache is gone."""
    left = float(row["expire_at"] or 0) - work.server_now().timestamp()
    if left > lease_seconds(work) * RENEW_BELOW:
        return True
    try:
        cache = cache_utils.update_cache_ttl(work.gateway, str(row["name"]), lease_seconds(work))
    except ApiError as error:
        if error.status not in (403, 404):
            raise
        work.tell(f"Cache {row['name']} is gone; rows that still need it are sent again with a new one.", "warning")
        return False
    _record(work, row, **_known(cache))
    return True


def _held(work: Work) -> list[Row]:
    return [row for row in work.store.caches(work.id) if row["name"] and row["deleted_at"] is None]


def _record(work: Work, row: Row, **values: Any) -> None:
    work.store.put_cache(work.id, str(work.row["token"]), str(row["group_id"]), int(row["made"]), **values)
    row.update(values)


def _known(cache: CacheMetadata) -> dict[str, Any]:
    return {
        "name": cache.name,
        "tokens": cache.tokens,
        "created_at": _epoch(cache.created_at),
        "expire_at": _epoch(cache.expire_at),
    }


def _died(work: Work, row: Row) -> float:
    """When a cache ceased to be: now, or when it had expired before."""
    now = work.server_now().timestamp()
    return now if row["expire_at"] is None else min(float(row["expire_at"]), now)


def _epoch(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _usd(work: Work, row: Row, until: float) -> float | None:
    tariff = work.options.tariff(work.model)
    if tariff is None or row["tokens"] is None or row["created_at"] is None:
        return None
    return rates.cache_usd(int(row["tokens"]), max(0.0, until - float(row["created_at"])) / 3600, tariff)
