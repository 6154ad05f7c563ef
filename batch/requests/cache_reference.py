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
IN_THE_CACHE = {  # what only the cache may set, by both spellings that the API takes
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
    moved = [name for name in request if name in IN_THE_CACHE]
    rest = {name: value for name, value in request.items() if name not in IN_THE_CACHE and name not in _SPELLINGS}
    return {**rest, "cachedContent": cache_name}, moved


def placeholder(name: str) -> str:
    """How a request says that it wants the cache of this name: the value of `cachedContent`."""
    return PLACEHOLDER + name


def wanted_cache(request: Json) -> str | None:
    """The name of a request's `@use_cache`; None if it has none (a `cachedContents/…` of its own is none)."""
    named = next((request[spelling] for spelling in _SPELLINGS if spelling in request), None)
    return named.removeprefix(PLACEHOLDER) if isinstance(named, str) and named.startswith(PLACEHOLDER) else None


def use_cache(request: Json, resolved: Mapping[str, str]) -> Json:
    """The request with its placeholder replaced by a cache's own name; unchanged without a placeholder.

    The cache exists already and cannot be changed, so nothing is moved: a request that sets what only the cache may
    set is an InputError, because leaving it out would change what is asked.
    """
    name = wanted_cache(request)
    if name is None:
        return request
    wrapped, moved = wrap_request(request, resolved[name])
    if moved:
        fields = " and ".join(dict.fromkeys(IN_THE_CACHE[field] for field in moved))
        raise InputError(
            f"A request that uses the cache {name!r} also sets its own {fields}.",
            f"Take the {fields} out of the request (and out of the run's settings), or make a cache that has them.",
        )
    return wrapped
