"""Explicit caches by hand: create or reuse, list, extend, shorten, delete, and clean up orphans.

All calls go through the one client. The service never echoes what a cache holds, so a hash of it is part of every
display name given here: the same contents under the same name are found again, over all pages, before anything is
created.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batch.errors import ApiError, InputError
from batch.kinds.file_parts import uploaded_part
from batch.model import model_id
from batch.responses import service_errors
from batch.responses.cached_contents import NAME_PREFIX, CacheMetadata, tagged_name
from gemini.wire import timestamp

if TYPE_CHECKING:
    from gemini.client import GeminiClient

Json = dict[str, Any]
Pause = Callable[[float], None]

DEFAULT_TTL_SECONDS = 1800.0
RETRY_DELAYS_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)  # an accepted cache is taken to be listed within a minute
FILE_POLL_DELAYS_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
DELETION_TTL_SECONDS = (
    60.0  # the life of a cache that is being deleted: long enough for whoever takes over from a dead process
)
MIN_REMAINING_SECONDS = 5.0  # a cache that ends sooner is not worth adopting: extending it might come too late


@dataclass(frozen=True)
class CacheFile:
    """A document for a cache: a file on disk and its type."""

    path: Path
    mime_type: str


@dataclass(frozen=True)
class CachedText:
    """What a cache is to hold: shared text and documents, and all that requests using it may not set themselves.

    `files` (uploaded to the Files API) and then `text` become one user turn before `contents`, which are turns as
    the API has them. `system_instruction` is a text or a Content.
    """

    model: str
    text: str = ""
    files: tuple[CacheFile, ...] = ()
    contents: tuple[Json, ...] = ()
    system_instruction: str | Json = ""
    tools: tuple[Json, ...] = ()
    tool_config: Json | None = None

    @property
    def header(self) -> Json:
        """The fields beside contents, as far as they are set."""
        system = self.system_instruction
        fields = {
            "systemInstruction": {"parts": [{"text": system}]} if isinstance(system, str) and system else system,
            "tools": list(self.tools),
            "toolConfig": self.tool_config,
        }
        return {name: value for name, value in fields.items() if value}

    def digest(self) -> str:
        """A hash over the model and all contents; a file counts by its bytes, wherever it is uploaded."""
        files = [[file.mime_type, _sha256(file.path)] for file in self.files]
        hashed = [model_id(self.model), self.text, files, self.contents, self.header]
        return hashlib.sha256(json.dumps(hashed, sort_keys=True).encode()).hexdigest()

    def body(self, display_name: str, ttl_seconds: float, uploaded: Iterable[Json] = ()) -> Json:
        """The JSON of a create call; `uploaded` are the files' resources in order."""
        parts: list[Json] = [uploaded_part(file) for file in uploaded]
        parts += [{"text": self.text}] if self.text else []
        turns = [{"role": "user", "parts": parts}] if parts else []
        return {
            "model": f"models/{model_id(self.model)}",
            "displayName": display_name,
            "ttl": f"{max(1, round(ttl_seconds))}s",
            **({"contents": [*turns, *self.contents]} if turns or self.contents else {}),
            **self.header,
        }


def create_explicit_cache(
    client: GeminiClient,
    cached_text: CachedText,
    *,
    display_name: str = "",
    ttl_seconds: float = DEFAULT_TTL_SECONDS,
    pause: Pause = time.sleep,
    retry_delays: Sequence[float] = RETRY_DELAYS_SECONDS,
    before_create: Callable[[], None] = lambda: None,
) -> CacheMetadata:
    """Make a cache, or find the one that already holds the same under the same name; it then lives at least this long.

    Never creates twice: it looks over all pages first, and after a reply that leaves open whether it took effect it
    only looks again, for a minute. If nothing shows up by then the ambiguous ApiError is raised; calling again is
    safe, since it looks first. A refusal is an ApiError in plain words with a remedy, the service's text in it.

    `looks` are the waits before each look after such a reply; who waits by other means gives none. `intend` is called
    when nothing was found, before the create is sent.
    """
    name = tagged_name(display_name, cached_text.digest())
    existing = find_cache(client, name, cached_text.model)
    if existing is not None:
        return _ensure_ttl(client, existing, ttl_seconds)
    uploaded = [_upload(client, file, f"{name} {n}", pause) for n, file in enumerate(cached_text.files)]
    before_create()
    try:
        return parse_cache(client.create_cache(cached_text.body(name, ttl_seconds, uploaded)))
    except ApiError as error:
        if not error.ambiguous:
            raise
        return _ensure_ttl(
            client, _poll_for_cache(client, name, cached_text.model, error, pause, retry_delays), ttl_seconds
        )


def find_cache(client: GeminiClient, display_name: str, model: str) -> CacheMetadata | None:
    """The cache with exactly this display name and model that is still alive: the oldest, so that all agree on one."""
    matches = [c for c in list_caches(client) if c.display_name == display_name and c.model == model_id(model)]
    now = client.server_now()
    alive = [c for c in matches if (remaining := c.seconds_left(now)) is None or remaining > MIN_REMAINING_SECONDS]
    oldest = min(alive, key=lambda c: (c.created_at is None, c.created_at, c.name), default=None)
    return None if oldest is None else replace(oldest, reused=True)


def list_caches(client: GeminiClient) -> list[CacheMetadata]:
    """Every cache under this key, whoever made it, over all pages."""
    return [parse_cache(body) for body in client.list_caches()]


def get_cache_metadata(client: GeminiClient, name: str) -> CacheMetadata:
    """One cache by `cachedContents/…`. Absent, expired and foreign ones are the same ApiError."""
    return parse_cache(client.get_cache(name))


def update_cache_ttl(client: GeminiClient, name: str, ttl_seconds: float) -> CacheMetadata:
    """Let a cache live this long from now: extends or shortens. An expired one cannot be revived (ApiError)."""
    return parse_cache(client.update_cache(name, ttl_seconds))


def delete_cache(client: GeminiClient, name: str) -> bool:
    """Delete a cache and the files that were uploaded for it; False if it was gone already.

    Its life is shortened first: by one reading of Google's rules, storage is billed for the life that was asked for,
    and only shortening it, not deleting, ends the charge. That this fails is no reason not to delete.
    """
    shortened = None
    try:
        shortened = parse_cache(client.update_cache(name, DELETION_TTL_SECONDS))
    except ApiError as error:
        if service_errors.is_gone(error):
            return False
    existed = _delete(client, name)
    if shortened is not None and shortened.has_digest_tag:
        _delete_files_of(client, shortened.display_name)
    return existed or shortened is not None


def delete_orphaned_caches(client: GeminiClient, prefix: str, is_needed: Callable[[CacheMetadata], bool]) -> list[str]:
    """Delete the caches whose display name has this prefix of ours and that nobody needs; returns their names.

    `is_needed` is called after the listing, so that a cache that was made meanwhile is never judged by old knowledge.
    A cache that cannot be deleted now is left for the next call.
    """
    if not prefix.startswith(NAME_PREFIX):
        raise ValueError(f"{prefix!r} does not begin with {NAME_PREFIX!r}: only our own caches may be deleted")
    ours = [cache for cache in list_caches(client) if cache.display_name.startswith(prefix)]
    return [cache.name for cache in ours if not is_needed(cache) and _try_delete(client, cache.name)]


def parse_cache(body: Json) -> CacheMetadata:
    """A cached content as create, get, list and update tell of it."""
    tokens = (body.get("usageMetadata") or {}).get("totalTokenCount")
    return CacheMetadata(
        name=str(body.get("name") or ""),
        display_name=str(body.get("displayName") or ""),
        model=model_id(str(body.get("model") or "")),
        tokens=None if tokens is None else int(tokens),
        created_at=timestamp(body.get("createTime")),
        expire_at=timestamp(body.get("expireTime")),
    )


def _ensure_ttl(client: GeminiClient, cache: CacheMetadata, ttl_seconds: float) -> CacheMetadata:
    """A cache that was found, given the life that was asked for if it has less; never shortened."""
    remaining = cache.seconds_left(client.server_now())
    if remaining is not None and remaining < ttl_seconds:
        cache = update_cache_ttl(client, cache.name, ttl_seconds)
    return replace(cache, reused=True)


def _poll_for_cache(
    client: GeminiClient, name: str, model: str, error: ApiError, pause: Pause, retry_delays: Sequence[float]
) -> CacheMetadata:
    """The cache that a lost reply may have left behind; raises the error if none shows up."""
    for seconds in retry_delays:
        pause(seconds)
        try:
            cache = find_cache(client, name, model)
        except ApiError:
            continue
        if cache is not None:
            return cache
    raise error


def _upload(client: GeminiClient, file: CacheFile, display_name: str, pause: Pause) -> Json:
    """The file's resource, usable: the one uploaded earlier under this name, or a new one."""
    same_name = (f for f in client.list_files() if f.get("displayName") == display_name)
    resource = next((f for f in same_name if f.get("state") == "ACTIVE"), None)
    if resource is None:
        resource = client.upload_file(file.path, display_name, file.mime_type)
    for seconds in FILE_POLL_DELAYS_SECONDS:
        if resource.get("state", "ACTIVE") != "PROCESSING":
            break
        pause(seconds)
        resource = client.get_file(str(resource["name"]))
    if resource.get("state", "ACTIVE") != "ACTIVE":
        raise InputError(f"Google could not read {file.path.name}.", "Try another format, for example PDF or text.")
    return resource


def _delete(client: GeminiClient, name: str) -> bool:
    try:
        client.delete_cache(name)
    except ApiError as error:
        if not service_errors.is_gone(error):
            raise
        return False
    return True


def _delete_files_of(client: GeminiClient, display_name: str) -> None:
    """Delete the files that were uploaded for a cache. Those that cannot be expire after two days in any case."""
    for file in list(client.list_files()):
        if str(file.get("displayName") or "").rpartition(" ")[0] == display_name:
            with suppress(ApiError):
                client.delete_file(str(file["name"]))


def _try_delete(client: GeminiClient, name: str) -> bool:
    try:
        return delete_cache(client, name)
    except ApiError:
        return False


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
