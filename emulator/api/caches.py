"""Cached contents: create, get, list, extend, delete; refusals in the service's own words, as users recorded them."""

from typing import Any

import orjson
from starlette.responses import Response

from emulator.answers.request_scope import RequestScope
from emulator.call.api_call import ApiCall
from emulator.core import model_list
from emulator.core.clock import HOUR, MAX_TIMESTAMP, parse_duration
from emulator.core.errors import exhausted, invalid
from emulator.core.models import Model
from emulator.core.request_tokens import request_tokens
from emulator.core.state import Cache, State, new_id, sort_key
from emulator.schema import request_fields
from emulator.schema.checks import check_contents, check_exchange, input_too_long


def cache_resource(state: State, cache: Cache) -> dict[str, Any]:
    """A CachedContent of the wire: metadata only, never what is in it."""
    timestamp = state.clock.format_timestamp
    document: dict[str, Any] = {"name": cache.name, "model": f"models/{cache.model}"}
    document |= {"createTime": timestamp(cache.created, 6), "updateTime": timestamp(cache.updated, 6)}
    document |= {"expireTime": timestamp(cache.expires), "displayName": cache.display_name or ""}
    return {**document, "usageMetadata": {"totalTokenCount": cache.total}}


async def create(call: ApiCall) -> Response:
    """Make a cache. A refusal costs nothing; the size in it and in the answer is exact."""
    state, body = call.state, await call.json()
    fields = request_fields.read_body("CachedContent", body)
    if not fields.get("model"):
        raise invalid("* CreateCachedContentRequest.model: model is not specified\n")
    model = model_list.find_model(fields["model"], "createCachedContent", call.version)
    if not state.settings.explicit_caching:
        raise model_list.model_not_found(model.id, "createCachedContent", call.version)
    now = state.clock.now()
    check_contents(fields, "CreateCachedContentRequest", required="systemInstruction" not in fields)
    check_exchange(fields, model, "CreateCachedContentRequest")
    tokens = request_tokens(fields, model, RequestScope(state, call.owner, now).count_file_tokens)
    _check_size(call, model, sum(tokens.values()))
    cache = Cache(new_id(40), call.owner, model.id, tokens, now, now, now + HOUR, fields.get("displayName"))
    cache.expires = _expiry(state, fields, now) or cache.expires
    state.store.body_path("cache", cache.id).write_bytes(orjson.dumps(body))
    state.caches[cache.id] = cache
    state.save(cache)
    return await call.reply(cache_resource(state, cache))


def _check_size(call: ApiCall, model: Model, total: int) -> None:
    if call.state.settings.free_tier or call.owner.startswith("f"):
        raise exhausted(
            "TotalCachedContentStorageTokensPerModelFreeTier limit exceeded for cached content: "
            f"limit=0, requested={total}"
        )
    if total < model.min_explicit:
        raise invalid(
            f"Cached content is too small. total_token_count={total}, min_total_token_count={model.min_explicit}"
        )
    if total > model.input_limit:
        raise input_too_long(model.input_limit)


def _expiry(state: State, fields: dict[str, Any], now: float) -> float | None:
    """When a cache shall expire by `ttl` or `expireTime`, if either is given. No life is too short or too long."""
    if "ttl" in fields and "expireTime" in fields:
        raise invalid("Invalid value at 'cached_content' (oneof), oneof field 'expiration' is already set.")
    try:
        if "ttl" in fields:
            expires_at: float | None = now + parse_duration(fields["ttl"])
        else:
            expires_at = state.clock.parse_timestamp(fields["expireTime"]) if "expireTime" in fields else None
    except ValueError as error:
        raise invalid(f"Invalid value at 'cached_content.expiration', {error}") from None
    if expires_at is not None and expires_at <= now:
        raise invalid("expire_time must be in the future.")
    if expires_at is not None and expires_at + abs(state.clock.skew) > MAX_TIMESTAMP:
        raise invalid("Invalid value at 'cached_content.expiration', a timestamp ends with the year 9999")
    return expires_at


def _find_cache(call: ApiCall) -> Cache:
    return call.state.cache(call.owner, call.params["id"], call.state.clock.now())


async def get(call: ApiCall) -> Response:
    return await call.reply(cache_resource(call.state, _find_cache(call)))


async def list_(call: ApiCall) -> Response:
    caches = call.state.list_visible(call.state.caches.values(), call.owner)
    return await call.reply(
        call.page(caches, sort_key, lambda cache: cache_resource(call.state, cache), "cachedContents")
    )


async def patch(call: ApiCall) -> Response:
    """Move the expiry; nothing else of a cache can change, and an expired one is gone."""
    cache = _find_cache(call)
    body = await call.json()
    if isinstance(body, dict) and "name" in body:  # the path has set it (recorded as a "oneof" refusal, not its words)
        raise invalid(
            "Invalid value at 'cached_content' (oneof), oneof field '_name' is already set. Cannot set 'name'"
        )
    fields = request_fields.read_body("CachedContentExpiry", body)
    if not fields.keys() & {"ttl", "expireTime"}:
        raise invalid("* UpdateCachedContentRequest.cached_content: only expiration can be updated\n")
    now = call.state.clock.now()
    cache.expires = _expiry(call.state, fields, now) or cache.expires
    cache.updated = now
    call.state.save(cache)
    return await call.reply(cache_resource(call.state, cache))


async def delete(call: ApiCall) -> Response:
    cache = _find_cache(call)
    cache.deleted = call.state.clock.now()
    call.state.save(cache)
    return await call.reply({})
