"""The caches under a key, the forgotten ones included: what each holds and costs, and what needs it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import cache_utils
from batch.errors import ApiError, InputError
from batch.responses import service_errors
from batch.responses.cached_contents import CacheMetadata
from cache_utils import CachedText
from lifecycle.core.models import Account
from lifecycle.core.price_list import bare
from lifecycle.planning import cache_support
from lifecycle.services.context import Office


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


class CacheDesk:
    """Lists, makes, extends and deletes them; one that a run under way needs stays."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def caches(self, account: Account) -> list[CacheInfo]:
        """Every cached content under this key, the forgotten ones included, dearest first."""
        gateway, needed_by = self._office.gateway(account), self._needed_by(account)
        now = gateway.server_now()
        found = [self._info(cache, now, needed_by) for cache in cache_utils.list_caches(gateway)]
        return sorted(found, key=lambda cache: -(cache.usd_per_hour or 0.0))

    def create_cache(self, account: Account, wanted: CachedText, name: str, ttl_seconds: float) -> CacheInfo:
        """Make a cache, or find the one that already holds the same under this name."""
        gateway, store, model = self._office.gateway(account), self._office.store, bare(wanted.model)
        try:
            made = cache_utils.create_explicit_cache(gateway, wanted, display_name=name, ttl_seconds=ttl_seconds)
        except ApiError as error:
            cache_support.refused(store, account.owner, model, service_errors.of(error))
            raise
        cache_support.accepted(store, account.owner, model)
        return next(cache for cache in self.caches(account) if cache.name == made.name)

    def extend_cache(self, account: Account, name: str, ttl_seconds: float) -> None:
        """Let a cache live so long from now; longer or shorter than it would."""
        cache_utils.update_cache_ttl(self._office.gateway(account), name, ttl_seconds)

    def delete_cache(self, account: Account, name: str) -> None:
        """Delete a cache. Raises InputError while a run under way needs it: its rows would fail."""
        users = [run for run, caches in self._needed_by(account) if name in caches]
        if users:
            raise InputError(f"Run {users[0]} still needs this cache.", "Wait until it ends, or cancel it first.")
        cache_utils.delete_cache(self._office.gateway(account), name)

    def _needed_by(self, account: Account) -> list[tuple[str, set[str]]]:
        """Runs under way, each with the names of the caches that it made or borrowed."""
        store = self._office.store
        return [
            (str(row["id"]), {*row["data"].get("borrowed", {}), *(c["name"] for c in store.caches(row["id"]))})
            for row in store.unfinished([account.owner])
        ]

    def _info(self, cache: CacheMetadata, now: datetime, needed_by: Sequence[tuple[str, Collection[str]]]) -> CacheInfo:
        tariff = self._office.prices.catalog.tariff(cache.model, now.date())
        return CacheInfo(
            name=cache.name,
            label=cache.label or cache.name,
            model=cache.model,
            tokens=cache.tokens,
            created_at=cache.created_at,
            expire_at=cache.expire_at,
            age_hours=cache.age_hours(now),
            seconds_left=cache.seconds_left(now),
            expired=cache.expired(now),
            usd_per_hour=cache.usd_per_hour(tariff),
            usd_so_far=cache.usd_so_far(tariff, now),
            ours=cache.display_name.startswith(self._office.prefix),
            runs=tuple(run for run, caches in needed_by if cache.name in caches),
        )
