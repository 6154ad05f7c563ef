"""The caches that a draft's requests name by `@use_cache`: which they are, how large, and until when they live."""

from __future__ import annotations

from typing import Any

import cache_utils
from batch.requests.cache_reference import placeholder
from batch.responses.cached_contents import CacheMetadata, resolve_use_cache
from lifecycle.core.models import Account, RunSpec
from lifecycle.core.price_list import bare
from lifecycle.inputs.drafts import Draft
from lifecycle.services.context import Office


def facts(office: Office, account: Account, draft: Draft, spec: RunSpec) -> dict[str, Any]:
    """What the run remembers of them; nothing if it names none. Raises InputError for one that it cannot use."""
    named, known = _resolved(office, account, draft, spec)
    expire = {c.name: c.expire_at.timestamp() for c in known if c.expire_at}
    return {"named_for_use": named, "borrowed": expire, "cache_sizes": _tokens(known)} if named else {}


def sizes(office: Office, account: Account, draft: Draft, spec: RunSpec) -> dict[str, int]:
    """Their tokens, where known, by what stands in the requests. Raises InputError for one that it cannot use."""
    named, known = _resolved(office, account, draft, spec)
    tokens = _tokens(known)
    return {spelled: tokens[n] for word, n in named.items() if n in tokens for spelled in (n, placeholder(word))}


def _tokens(caches: list[CacheMetadata]) -> dict[str, int]:
    return {cache.name: cache.tokens for cache in caches if cache.tokens is not None}


def _resolved(
    office: Office, account: Account, draft: Draft, spec: RunSpec
) -> tuple[dict[str, str], list[CacheMetadata]]:
    """What a draft's names of caches mean, and these caches. Raises InputError."""
    if not draft.uses_caches:
        return {}, []
    gateway = office.gateway(account)
    known = cache_utils.list_caches(gateway)
    terms = office.terms(account, bare(spec.model), insist=True)
    minimum = terms.explicit_minimum if terms else None
    named = resolve_use_cache(draft.uses_caches, known, spec.model, gateway.server_now(), minimum)
    return named, [c for c in known if c.name in named.values()]
