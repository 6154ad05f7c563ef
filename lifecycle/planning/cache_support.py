"""Whether a model and a key take explicit caches, and from which size: learned from the service's own replies.

Nothing here is assumed from a table: a refusal counts for a day (billing may be enabled meanwhile) and only until a
cache is accepted; a minimum size that a refusal named counts until another one does.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from batch.model import Tariff
from batch.responses.service_errors import NO_EXPLICIT_CACHES, Recognised, Refusal
from lifecycle.storage.store import Store

EXPLICIT, MINIMUM = "explicit_caching", "explicit_minimum"  # kinds of what is learned
REFUSAL_LASTS_SECONDS = 86_400.0


def accepted(store: Store, owner: str, model: str) -> None:
    """A cache was made, so this model and key take them."""
    known = store.latest(owner, model, EXPLICIT)
    if known is None or not known[0]:
        store.learn(owner, model, EXPLICIT, 1.0)


def refused(store: Store, owner: str, model: str, found: Recognised | None) -> None:
    """Remember what a refusal says about all caches of this model and key; most say nothing about others."""
    if found is not None and found.kind in NO_EXPLICIT_CACHES:
        store.learn(owner, model, EXPLICIT, 0.0)
    if found is not None and found.kind is Refusal.CACHE_TOO_SMALL and "minimum" in found.numbers:
        store.learn(owner, model, MINIMUM, float(found.numbers["minimum"]))


def ignored(store: Store, owner: str, model: str) -> None:
    """Rows that named a cache were refused, or read nothing from it: as good as a refusal of the cache."""
    store.learn(owner, model, EXPLICIT, 0.0)


def refused_at(store: Store, owner: str, model: str) -> datetime | None:
    """When explicit caches were refused, if that still counts."""
    known = store.latest(owner, model, EXPLICIT)
    if known is None or known[0] or store.now() - known[1] > REFUSAL_LASTS_SECONDS:
        return None
    return datetime.fromtimestamp(known[1], UTC)


def least_tokens(store: Store, owner: str, model: str, listed: int | None) -> int | None:
    """The smallest explicit cache: as a refusal named it, else as listed."""
    known = store.latest(owner, model, MINIMUM)
    return listed if known is None else int(known[0])


def terms(store: Store, owner: str, model: str, tariff: Tariff | None, *, insist: bool) -> Tariff | None:
    """The prices and sizes to plan with. Where caches were refused none is planned, unless the user insists on them."""
    if tariff is None:
        return None
    if not insist and refused_at(store, owner, model):
        return replace(tariff, explicit_minimum=None)
    return replace(tariff, explicit_minimum=least_tokens(store, owner, model, tariff.explicit_minimum))


def caution(store: Store, owner: str, model: str, *, insist: bool) -> str:
    """What to say before a plan where explicit caches were refused; "" otherwise."""
    moment = refused_at(store, owner, model)
    if moment is None:
        return ""
    refusal = f"Google refused explicit caches for this model and key on {moment:%d %B at %H:%M} UTC"
    return f"{refusal}; they are tried again." if insist else f"{refusal}, so none is planned."
