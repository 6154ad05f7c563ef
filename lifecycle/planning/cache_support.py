"""Whether a model and a key take explicit caches, and from which size: learned from the service's own replies.

Nothing here is assumed from a table: a refusal counts for a day (billing may be enabled meanwhile) and only until a
cache is accepted; a minimum size that a refusal named counts until another one does.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from batch.model import Tariff
from batch.responses.error_rules import ErrorKind
from batch.responses.service_errors import NO_EXPLICIT_CACHES, ErrorExplanation
from lifecycle.storage.store import Store

EXPLICIT_SUPPORT, EXPLICIT_MINIMUM = "explicit_caching", "explicit_minimum"  # kinds of what is learned
REFUSAL_TTL_SECONDS = 86_400.0


def record_accepted(store: Store, owner_id: str, model: str) -> None:
    """A cache was made, so this model and key take them."""
    latest = store.latest_observation(owner_id, model, EXPLICIT_SUPPORT)
    if latest is None or not latest[0]:
        store.add_observation(owner_id, model, EXPLICIT_SUPPORT, 1.0)


def record_refused(store: Store, owner_id: str, model: str, service_error: ErrorExplanation | None) -> None:
    """Remember what a refusal says about all caches of this model and key; most say nothing about others."""
    if service_error is not None and service_error.kind in NO_EXPLICIT_CACHES:
        store.add_observation(owner_id, model, EXPLICIT_SUPPORT, 0.0)
    if (
        service_error is not None
        and service_error.kind is ErrorKind.CACHE_TOO_SMALL
        and "minimum" in service_error.numbers
    ):
        store.add_observation(owner_id, model, EXPLICIT_MINIMUM, float(service_error.numbers["minimum"]))


def record_unused(store: Store, owner_id: str, model: str) -> None:
    """Rows that named a cache were refused, or read nothing from it: as good as a refusal of the cache."""
    store.add_observation(owner_id, model, EXPLICIT_SUPPORT, 0.0)


def refused_at(store: Store, owner_id: str, model: str) -> datetime | None:
    """When explicit caches were refused, if that still counts."""
    latest = store.latest_observation(owner_id, model, EXPLICIT_SUPPORT)
    if latest is None or latest[0] or store.now() - latest[1] > REFUSAL_TTL_SECONDS:
        return None
    return datetime.fromtimestamp(latest[1], UTC)


def min_cache_tokens(store: Store, owner_id: str, model: str, listed: int | None) -> int | None:
    """The smallest explicit cache: as a refusal named it, else as listed."""
    latest = store.latest_observation(owner_id, model, EXPLICIT_MINIMUM)
    return listed if latest is None else int(latest[0])


def effective_tariff(store: Store, owner_id: str, model: str, tariff: Tariff | None, *, force: bool) -> Tariff | None:
    """The prices and sizes to plan with. Where caches were refused none is planned, unless the user insists on them."""
    if tariff is None:
        return None
    if not force and refused_at(store, owner_id, model):
        return replace(tariff, explicit_minimum=None)
    return replace(tariff, explicit_minimum=min_cache_tokens(store, owner_id, model, tariff.explicit_minimum))


def warning(store: Store, owner_id: str, model: str, *, force: bool) -> str:
    """What to say before a plan where explicit caches were refused; "" otherwise."""
    refused_time = refused_at(store, owner_id, model)
    if refused_time is None:
        return ""
    message = f"Google refused explicit caches for this model and key on {refused_time:%d %B at %H:%M} UTC"
    return f"{message}; they are tried again." if force else f"{message}, so none is planned."
