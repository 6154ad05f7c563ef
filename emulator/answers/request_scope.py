"""What one request may refer to: the files and caches of its project, as they are at the moment it executes."""

import re
from dataclasses import dataclass
from typing import Any

import orjson

from emulator.core import media
from emulator.core.errors import ServiceError, denied, invalid
from emulator.core.models import Model
from emulator.core.request_tokens import Counts
from emulator.core.state import CACHE_NOT_FOUND_MESSAGE, Cache, State
from emulator.schema.media_checks import check_data, check_mime_type

CACHE_CONFLICT_MESSAGE = (  # recorded by several users of 3.5 Flash-Lite and 3.7 Flash in 2026
    "CachedContent can not be used with GenerateContent request setting system_instruction, tools or tool_config.\n\n"
    "Proposed fix: move those values to CachedContent from GenerateContent request."
)
_CACHE_NAME = re.compile(r"cachedContents/([\w-]+)$")
_FILE_URI = re.compile(r"(?:https?://[^/]+/v1(?:beta|alpha)?/)?files/([a-z0-9-]+)$")
_GCS_URI = re.compile(r"gs://|https?://storage\.(?:googleapis|cloud\.google)\.com/")
_file_tokens: dict[tuple[str, float, str, str], tuple[str, int]] = {}  # of stored files, read once a model
_cache_texts: dict[str, str] = {}  # of caches, the beginning


@dataclass(slots=True)
class RequestScope:
    """The view of one project at one moment."""

    state: State
    owner: str
    at: float
    allow_gcs: bool = False  # whether gs:// addresses are taken, as the embedding models do

    def count_file_tokens(self, uri: str, mime: str, model: Model, resolution: str) -> tuple[str, int]:
        """Modality and tokens of what a fileData part points to. Raises the service's refusal."""
        if _GCS_URI.match(uri) and not self.allow_gcs:
            raise invalid("Invalid or unsupported file uri: " + uri)
        match = _FILE_URI.match(uri)
        if match is None:
            return self._count_public_url(uri, mime, model, resolution)
        file = self.state.active_file(self.owner, match[1], self.at)
        cache_key = (file.id, file.created, model.id, resolution)
        if cache_key not in _file_tokens:
            check_mime_type(file.mime)
            data = self.state.store.body_path("file", file.id).read_bytes()
            check_data(file.mime, data)
            _file_tokens[cache_key] = media.media_tokens(file.mime, data, model, resolution)
        return _file_tokens[cache_key]

    def _count_public_url(self, uri: str, mime: str, model: Model, resolution: str) -> tuple[str, int]:
        """A public address (a video page, a picture): never fetched, counted as the smallest of its kind."""
        if not uri.startswith(("https://", "gs://")):
            raise invalid(f"Invalid or unsupported file uri: {uri}")
        mime = mime or ("video/mp4" if "youtu" in uri else "text/html")
        return media.media_tokens(mime, b"public", model, resolution)

    def find_cache(self, name: str, model: str) -> Cache:
        """The cache that a request names. Raises the service's refusals: form, life, model."""
        match = _CACHE_NAME.match(name)
        if match is None:
            raise invalid(f"Invalid CachedContent name: {name}. It must be of the form cachedContents/ID.")
        cache = self.state.caches.get(match[1])
        if cache is None or cache.owner != self.owner or not cache.created <= self.at < cache.ends:
            raise denied(CACHE_NOT_FOUND_MESSAGE)
        if cache.model != model:
            raise model_mismatch(model, cache.model)
        return cache

    def implicit_cache_tokens(self, request: dict[str, Any], model: Model, counts: Counts) -> Counts:
        """What an implicit cache would have held of this prompt: nothing, unless a setting says so."""
        rate = self.state.settings.implicit_hit_rate
        if not rate or sum(counts.values()) < model.min_implicit:
            return {}
        return self.state.implicit_cache.lookup(self.owner, model, request, rate)

    def cache_text(self, cache: Cache) -> str:
        """How the cached text begins, so that an answer can tell which task it is about."""
        if cache.id not in _cache_texts:
            sent = orjson.loads(self.state.store.body_path("cache", cache.id).read_bytes())
            system = sent.get("systemInstruction") or sent.get("system_instruction") or {}
            contents = sent.get("contents") or []
            parts = [p for c in (system, *contents) if isinstance(c, dict) for p in c.get("parts") or ()]
            texts = (p["text"][:600] for p in parts[:4] if isinstance(p, dict) and isinstance(p.get("text"), str))
            _cache_texts[cache.id] = "\n".join(texts)
        return _cache_texts[cache.id]


def model_mismatch(request: str, cached: str) -> ServiceError:
    return invalid(
        f"Model used by GenerateContent request (models/{request}) and CachedContent (models/{cached}) has to be the "
        "same."
    )
