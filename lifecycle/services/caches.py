"""The caches under a key, the forgotten ones included: what each holds and costs, and what needs it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import cache_utils
from batch.errors import ApiError, InputError
from batch.model import model_id
from batch.responses import service_errors
from batch.responses.cached_contents import CacheMetadata
from cache_utils import CachedText
from lifecycle.core.models import Account
from lifecycle.planning import cache_support
from lifecycle.services.context import ServiceContext


@dataclass(frozen=True)
class CacheInfo:
    """One cached content as a user should see it. USD are None where the model's price or the size is unknown.

    `age_hours` and `seconds_left` (negative when expired) are by Google's clock. `runs` are the runs under way that
    need it; `ours` says whether a run of this installation made it.
    """

    name: str
    label: str
    model: str
    tokens: int | None
    created_at: datetime | None
    expire_at: datetime | None
    age_hours: float | None
    seconds_left: float | None
    expired: bool
    usd_per_hour: float | None
    usd_so_far: float | None
    ours: bool
    runs: tuple[str, ...]


class CacheService:
    """Lists, makes, extends and deletes them; one that a run under way needs stays."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    def list_all(self, account: Account) -> list[CacheInfo]:
        """Every cached content under this key, the forgotten ones included, dearest first."""
        client, needing_runs = self._context.client(account), self._needing_runs(account)
        now = client.server_now()
        infos = [self._info(cache, now, needing_runs) for cache in cache_utils.list_caches(client)]
        return sorted(infos, key=lambda cache: -(cache.usd_per_hour or 0.0))

    def create(self, account: Account, content: CachedText, name: str, ttl_seconds: float) -> CacheInfo:
        """Make a cache, or find the one that already holds the same under this name."""
        client, store, model = self._context.client(account), self._context.store, model_id(content.model)
        try:
            created = cache_utils.create_explicit_cache(client, content, display_name=name, ttl_seconds=ttl_seconds)
        except ApiError as error:
            cache_support.record_refused(store, account.owner_id, model, service_errors.classify_api_error(error))
            raise
        cache_support.record_accepted(store, account.owner_id, model)
        return next(cache for cache in self.list_all(account) if cache.name == created.name)

    def extend(self, account: Account, name: str, ttl_seconds: float) -> None:
        """Let a cache live so long from now; longer or shorter than it would."""
        cache_utils.update_cache_ttl(self._context.client(account), name, ttl_seconds)

    def delete(self, account: Account, name: str) -> None:
        """Delete a cache. Raises InputError while a run under way needs it: its rows would fail."""
        blocking_runs = [run for run, caches in self._needing_runs(account) if name in caches]
        if blocking_runs:
            raise InputError(
                f"Run {blocking_runs[0]} still needs this cache.", "Wait until it ends, or cancel it first."
            )
        cache_utils.delete_cache(self._context.client(account), name)

    def _needing_runs(self, account: Account) -> list[tuple[str, set[str]]]:
        """Runs under way, each with the names of the caches that it made or borrowed."""
        store = self._context.store
        return [
            (row.id, {*row.progress.user_caches, *(c.name for c in store.caches(row.id))})
            for row in store.unfinished([account.owner_id])
        ]

    def _info(
        self, cache: CacheMetadata, now: datetime, needing_runs: Sequence[tuple[str, Collection[str]]]
    ) -> CacheInfo:
        tariff = self._context.price_list.catalog.tariff(cache.model, now.date())
        return CacheInfo(
            name=cache.name,
            label=cache.label or cache.name,
            model=cache.model,
            tokens=cache.tokens,
            created_at=cache.created_at,
            expire_at=cache.expire_at,
            age_hours=cache.age_hours(now),
            seconds_left=cache.seconds_left(now),
            expired=cache.is_expired(now),
            usd_per_hour=cache.usd_per_hour(tariff),
            usd_so_far=cache.usd_so_far(tariff, now),
            ours=cache.display_name.startswith(self._context.prefix),
            runs=tuple(run for run, caches in needing_runs if cache.name in caches),
        )
