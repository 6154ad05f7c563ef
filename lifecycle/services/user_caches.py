"""The caches that a draft's requests name by `@use_cache`: which they are, how large, and until when they live."""

from __future__ import annotations

from typing import NamedTuple

import cache_utils
from batch.model import model_id
from batch.requests.cache_reference import placeholder_for
from batch.responses.cached_contents import CacheMetadata, resolve_use_cache
from lifecycle.core.models import Account, RunSpec
from lifecycle.inputs.drafts import Draft
from lifecycle.services.context import ServiceContext


class UserCacheFacts(NamedTuple):
    """The cache behind each name in `@use_cache`; and of each cache, when it expires and how many tokens it holds."""

    resolved_names: dict[str, str]
    expire_at: dict[str, float | None]
    tokens: dict[str, int]


def cache_facts(context: ServiceContext, account: Account, draft: Draft, spec: RunSpec) -> UserCacheFacts:
    """What the run remembers of them. Raises InputError for one that it cannot use."""
    resolved, caches = _resolve_names(context, account, draft, spec)
    expire: dict[str, float | None] = {c.name: c.expire_at.timestamp() for c in caches if c.expire_at}
    return UserCacheFacts(resolved, expire, _tokens_by_name(caches))


def cache_token_counts(context: ServiceContext, account: Account, draft: Draft, spec: RunSpec) -> dict[str, int]:
    """Their tokens, where known, by what stands in the requests. Raises InputError for one that it cannot use."""
    resolved, caches = _resolve_names(context, account, draft, spec)
    tokens = _tokens_by_name(caches)
    return {spelled: tokens[n] for word, n in resolved.items() if n in tokens for spelled in (n, placeholder_for(word))}


def _tokens_by_name(caches: list[CacheMetadata]) -> dict[str, int]:
    return {cache.name: cache.tokens for cache in caches if cache.tokens is not None}


def _resolve_names(
    context: ServiceContext, account: Account, draft: Draft, spec: RunSpec
) -> tuple[dict[str, str], list[CacheMetadata]]:
    """What a draft's names of caches mean, and these caches. Raises InputError."""
    if not draft.uses_caches:
        return {}, []
    client = context.client(account)
    caches = cache_utils.list_caches(client)
    tariff = context.effective_tariff(account, model_id(spec.model), force=True)
    minimum = tariff.explicit_minimum if tariff else None
    resolved = resolve_use_cache(draft.uses_caches, caches, spec.model, client.server_now(), minimum)
    return resolved, [c for c in caches if c.name in resolved.values()]
