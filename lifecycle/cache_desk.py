"""The caches under a key, the forgotten ones included: what each holds and costs, and what needs it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import cache_utils
from batch.cached_contents import CacheMetadata
from batch.catalog import Catalog
from batch.errors import InputError

if TYPE_CHECKING:
    from gemini.client import Gateway


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


def describe(
    gateway: Gateway, catalog: Catalog, prefix: str, needed_by: Sequence[tuple[str, Collection[str]]]
) -> list[CacheInfo]:
    """Every cache under the key, dearest first. `needed_by` are runs under way with the names of their caches."""
    now = gateway.server_now()
    found = [_info(cache, catalog, prefix, now, needed_by) for cache in cache_utils.list_caches(gateway)]
    return sorted(found, key=lambda cache: -(cache.usd_per_hour or 0.0))


def delete(gateway: Gateway, name: str, needed_by: Sequence[tuple[str, Collection[str]]]) -> None:
    """Delete a cache, unless a run under way needs it: its rows would fail."""
    users = [run for run, caches in needed_by if name in caches]
    if users:
        raise InputError(f"Run {users[0]} still needs this cache.", "Wait until it ends, or cancel it first.")
    cache_utils.delete_cache(gateway, name)


def _info(
    cache: CacheMetadata,
    catalog: Catalog,
    prefix: str,
    now: datetime,
    needed_by: Sequence[tuple[str, Collection[str]]],
) -> CacheInfo:
    tariff = catalog.tariff(cache.model, now.date())
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
        ours=cache.display_name.startswith(prefix),
        runs=tuple(run for run, caches in needed_by if cache.name in caches),
    )
