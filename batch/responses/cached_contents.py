"""Cached contents as the service tells of them: age, life, cost; and which one a prompt's `@use_cache` means. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from batch.errors import InputError
from batch.model import Tariff, model_id
from batch.pricing import rates

NAME_PREFIX = "gbr-"
_TAG = re.compile(r" #[0-9a-f]{16}$")


@dataclass(frozen=True)
class CacheMetadata:
    """One cached content. None where the service did not tell. `reused` says that it was not made just now."""

    name: str
    display_name: str
    model: str
    tokens: int | None
    created_at: datetime | None
    expire_at: datetime | None
    reused: bool = False

    @property
    def label(self) -> str:
        """The display name without our tag: what a person called it."""
        return _TAG.sub("", self.display_name)

    @property
    def has_digest_tag(self) -> bool:
        """Whether its display name says by a hash what it holds."""
        return self.display_name != self.label

    def age_hours(self, now: datetime) -> float | None:
        return None if self.created_at is None else max(0.0, (now - self.created_at) / timedelta(hours=1))

    def seconds_left(self, now: datetime) -> float | None:
        """Negative when it has expired."""
        return None if self.expire_at is None else (self.expire_at - now).total_seconds()

    def is_expired(self, now: datetime) -> bool:
        remaining = self.seconds_left(now)
        return remaining is not None and remaining <= 0

    def usd_per_hour(self, tariff: Tariff | None) -> float | None:
        """What keeping it costs an hour; None if that is not known."""
        if tariff is None or self.tokens is None:
            return None
        return rates.storage_usd(self.tokens, 1, tariff)

    def usd_so_far(self, tariff: Tariff | None, now: datetime) -> float | None:
        """What making it and keeping it until now (or until it expired) has cost; None if that is not known."""
        hours = self.age_hours(min(now, self.expire_at) if self.expire_at else now)
        if tariff is None or self.tokens is None or hours is None:
            return None
        return rates.cache_usd(self.tokens, hours, tariff)


def tagged_name(name: str, digest: str) -> str:
    """The display name of a cache with these contents: `NAME #0123456789abcdef`, 128 characters at most."""
    tag = f" #{digest[:16]}"
    return (name.strip() or f"{NAME_PREFIX}cache")[: 128 - len(tag)] + tag


def resolve_use_cache(
    names: Iterable[str], caches: Iterable[CacheMetadata], model: str, now: datetime, minimum: int | None = None
) -> dict[str, str]:
    """`cachedContents/…` for every name that prompts use: a display name, with or without our tag, or the name itself.

    `now` is the service's clock, `minimum` the fewest tokens that a cache on this model may have. Raises InputError
    for a name that is unknown, ambiguous, expired, of another model, or too small. Of caches with one tag, which hold
    the same, it is the one that lives longest.
    """
    known = list(caches)
    return {name: _resolve(name, known, model_id(model), now, minimum).name for name in names}


def _resolve(
    name: str, caches: Sequence[CacheMetadata], model: str, now: datetime, minimum: int | None
) -> CacheMetadata:
    named = [c for c in caches if name in (c.name, c.display_name, c.label)]
    alive = [c for c in named if not c.is_expired(now)]
    matching = [c for c in alive if c.model == model]
    if not named:
        raise InputError(
            f"There is no cache {name!r} under this key, or it has expired.", _suggest_names(name, caches, now)
        )
    if not alive:
        raise InputError(f"The cache {name!r} has expired.", "Create it again: an expired cache cannot be revived.")
    if not matching:
        other = " and ".join(sorted({c.model for c in alive}))
        raise InputError(
            f"The cache {name!r} was made for {other}; this run uses {model}.",
            f"A cache works only with its own model: choose {other}, or create the cache for {model}.",
        )
    if len({c.display_name if c.has_digest_tag else c.name for c in matching}) > 1:
        names = ", ".join(f"{c.name} ({c.display_name})" for c in matching)
        raise InputError(f"{len(matching)} caches are called {name!r}.", f"Say which one: {names}.")
    best = max(matching, key=lambda c: (c.expire_at is None, c.expire_at or now))
    if minimum is not None and best.tokens is not None and best.tokens < minimum:
        raise InputError(
            f"The cache {name!r} has {best.tokens:,} tokens; {model} needs at least {minimum:,}.",
            "Create one with more shared text, or send the text with every request.",
        )
    return best


def _suggest_names(name: str, caches: Iterable[CacheMetadata], now: datetime) -> str:
    """What to say to a name that is not known: the nearest one, or those that there are."""
    labels = sorted({c.label or c.name for c in caches if not c.is_expired(now)})
    suggestions = difflib.get_close_matches(name, labels, n=1)
    if suggestions:
        return f"Did you mean {suggestions[0]!r}?"
    if labels:
        return f"There are: {', '.join(labels[:10])}."
    return "There are none; caches expire, and another key's are not seen. Create it first."
