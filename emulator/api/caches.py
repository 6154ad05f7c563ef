"""Cached contents: create, get, list, extend, delete; refusals in the service's own words, as users recorded them."""

from typing import Any

import orjson
from starlette.responses import Response

from emulator.answers.request_scope import World
from emulator.call.api_call import Call
from emulator.core import models
from emulator.core.clock import HOUR, LAST, duration
from emulator.core.errors import exhausted, invalid
from emulator.core.models import Model
from emulator.core.request_tokens import request_tokens
from emulator.core.state import Cache, State, new_id, order
from emulator.schema import request_fields
from emulator.schema.checks import check_contents, too_long


def shown(state: State, cache: Cache) -> dict[str, Any]:
    """A CachedContent of the wire: metadata only, never what is in it."""
    stamp = state.clock.shown
    document: dict[str, Any] = {"name": cache.name, "model": f"models/{cache.model}"}
    document |= {"createTime": stamp(cache.created), "updateTime": stamp(cache.updated)}
    document |= {"expireTime": stamp(cache.expires), "displayName": cache.display_name or ""}
    return {**document, "usageMetadata": {"totalTokenCount": cache.total}}


async def create(call: Call) -> Response:
    """Make a cache. A refusal costs nothing; the size in it and in the answer is exact."""
    state, sent = call.state, await call.json()
    wanted = request_fields.read_body("CachedContent", sent)
    if not wanted.get("model"):
        raise invalid("* CreateCachedContentRequest.model: model is not specified\n")
    model = models.find(wanted["model"], "createCachedContent", call.version)
    if not state.settings.explicit_caching:
        raise models.unsupported(model.id, "createCachedContent", call.version)
    now = state.clock.now()
    check_contents(wanted, "CreateCachedContentRequest", required="systemInstruction" not in wanted)
    tokens = request_tokens(wanted, World(state, call.owner, now).weigh)
    _check_size(call, model, sum(tokens.values()))
    cache = Cache(new_id(40), call.owner, model.id, tokens, now, now, now + HOUR, wanted.get("displayName"))
    cache.expires = _expiry(state, wanted, now) or cache.expires
    state.store.body("cache", cache.id).write_bytes(orjson.dumps(sent))
    state.caches[cache.id] = cache
    state.save(cache)
    return await call.reply(shown(state, cache))


def _check_size(call: Call, model: Model, total: int) -> None:
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
        raise too_long(model.input_limit)


def _expiry(state: State, wanted: dict[str, Any], now: float) -> float | None:
    """When a cache shall expire by `ttl` or `expireTime`, if either is given. No life is too short or too long."""
    if "ttl" in wanted and "expireTime" in wanted:
        raise invalid("Invalid value at 'cached_content' (oneof), oneof field 'expiration' is already set.")
    try:
        if "ttl" in wanted:
            moment: float | None = now + duration(wanted["ttl"])
        else:
            moment = state.clock.read(wanted["expireTime"]) if "expireTime" in wanted else None
    except ValueError as wrong:
        raise invalid(f"Invalid value at 'cached_content.expiration', {wrong}") from None
    if moment is not None and moment <= now:
        raise invalid("expire_time must be in the future.")
    if moment is not None and moment + abs(state.clock.skew) > LAST:
        raise invalid("Invalid value at 'cached_content.expiration', a timestamp ends with the year 9999")
    return moment


def _find(call: Call) -> Cache:
    return call.state.cache(call.owner, call.params["id"], call.state.clock.now())


async def get(call: Call) -> Response:
    return await call.reply(shown(call.state, _find(call)))


async def list_(call: Call) -> Response:
    caches = call.state.listed(call.state.caches.values(), call.owner)
    return await call.reply(call.page(caches, order, lambda cache: shown(call.state, cache), "cachedContents"))


async def patch(call: Call) -> Response:
    """Move the expiry; nothing else of a cache can change, and an expired one is gone."""
    cache = _find(call)
    sent = await call.json()
    if isinstance(sent, dict) and "name" in sent:  # the path has set it (recorded as a "oneof" refusal, not its words)
        raise invalid(
            "Invalid value at 'cached_content' (oneof), oneof field '_name' is already set. Cannot set 'name'"
        )
    wanted = request_fields.read_body("CachedContentExpiry", sent)
    if not wanted.keys() & {"ttl", "expireTime"}:
        raise invalid("* UpdateCachedContentRequest.cached_content: only expiration can be updated\n")
    now = call.state.clock.now()
    cache.expires = _expiry(call.state, wanted, now) or cache.expires
    cache.updated = now
    call.state.save(cache)
    return await call.reply(shown(call.state, cache))


async def delete(call: Call) -> Response:
    cache = _find(call)
    cache.deleted = call.state.clock.now()
    call.state.save(cache)
    return await call.reply({})
