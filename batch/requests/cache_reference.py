"""Requests that use an explicit cache: what may stand in them, and what has to be in the cache instead. Pure.

`cachedContent` stands beside `contents`, never inside `generationConfig`; a request that names a cache must not set a
system instruction, tools or a tool config of its own, not even the same ones (the service answers 400 for each row).
A prompt's `@use_cache NAME` travels as the placeholder `"cachedContent": "@use_cache:NAME"` until names are resolved.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batch.errors import InputError

Json = dict[str, Any]

PLACEHOLDER = "@use_cache:"
CACHE_ONLY_FIELDS = {  # what only the cache may set, by both spellings that the API takes
    "systemInstruction": "system instruction",
    "system_instruction": "system instruction",
    "tools": "tools",
    "toolConfig": "tool config",
    "tool_config": "tool config",
}
_SPELLINGS = ("cachedContent", "cached_content")


def wrap_request(request: Json, cache_name: str) -> tuple[Json, list[str]]:
    """The request as it uses a cache, and the fields that were taken out because they must be in the cache.

    The given request is not changed. Whoever drops the fields makes sure that the cache has them.
    """
    removed_fields = [name for name in request if name in CACHE_ONLY_FIELDS]
    kept_fields = {
        name: value for name, value in request.items() if name not in CACHE_ONLY_FIELDS and name not in _SPELLINGS
    }
    return {**kept_fields, "cachedContent": cache_name}, removed_fields


def placeholder_for(name: str) -> str:
    """How a request says that it wants the cache of this name: the value of `cachedContent`."""
    return PLACEHOLDER + name


def requested_cache_name(request: Json) -> str | None:
    """The name of a request's `@use_cache`; None if it has none (a `cachedContents/…` of its own is none)."""
    cached_content = next((request[spelling] for spelling in _SPELLINGS if spelling in request), None)
    return (
        cached_content.removeprefix(PLACEHOLDER)
        if isinstance(cached_content, str) and cached_content.startswith(PLACEHOLDER)
        else None
    )


def use_cache(request: Json, cache_names: Mapping[str, str]) -> Json:
    """The request with its placeholder replaced by a cache's own name; unchanged without a placeholder.

    The cache exists already and cannot be changed, so nothing is moved: a request that sets what only the cache may
    set is an InputError, because leaving it out would change what is asked.
    """
    name = requested_cache_name(request)
    if name is None:
        return request
    wrapped, removed_fields = wrap_request(request, cache_names[name])
    if removed_fields:
        fields = " and ".join(dict.fromkeys(CACHE_ONLY_FIELDS[field] for field in removed_fields))
        raise InputError(
            f"A request that uses the cache {name!r} also sets its own {fields}.",
            f"Take the {fields} out of the request (and out of the run's settings), or make a cache that has them.",
        )
    return wrapped
