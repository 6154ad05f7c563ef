"""What the files of requests weigh for the model that they are sent to, and exact counts that know them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec
import orjson

from batch.media.blob_uri import blob_sha256
from batch.media.scale import MediaScale, part_level
from batch.media.tokens import Resolution, Weighing, resolution_of, wire_resolution
from batch.pricing.catalog import CatalogModel
from lifecycle.core.models import RunSpec
from lifecycle.inputs.files.blobs import facts_lookup
from lifecycle.requests.request_file import open_requests

TokenCounter = Callable[[bytes], int]
"""Tokens of the JSON of a request's prefix or end, exactly."""


class _Config(msgspec.Struct, rename="camel"):
    media_resolution: str | int | None = None


class _Request(msgspec.Struct, rename="camel"):
    generation_config: _Config | None = None


class _Line(msgspec.Struct):
    request: _Request


_decode = msgspec.json.Decoder(_Line).decode


_FILE_FIELDS = {"inlineData", "fileData"}


class UnknownSize(Exception):
    """A text cannot be counted exactly: it refers to a file of which too little is known."""


def weighing_of(requests: Path, spec: RunSpec, model: CatalogModel | None) -> Weighing:
    """By what files are weighed: the settings' resolution, else that of the first request."""
    resolution = resolution_of(spec.generation.media_resolution) or _first_resolution(requests)
    return Weighing(model.family if model else "", resolution)


def media_scale(requests: Path, weighing: Weighing) -> MediaScale:
    """What the files of these requests weigh, those beside them included."""
    return MediaScale(weighing, facts_lookup(requests.parent))


def cached_contents(contents: Iterable[dict[str, Any]], weighing: Weighing) -> tuple[dict[str, Any], ...]:
    """Contents of a cache, whose files say themselves how closely they are looked at: a cache has no such setting.

    Models before Gemini 3 take it for whole requests only; there a cache's files have the tokens that they have anyway.
    """
    if not weighing.resolution or weighing.is_old:
        return tuple(contents)
    level = {"mediaResolution": {"level": wire_resolution(weighing.resolution)}}
    return tuple(
        {**content, "parts": [{**level, **part} if _FILE_FIELDS & part.keys() else part for part in content["parts"]]}
        for content in contents
    )


def count_with_files(count: TokenCounter, scale: MediaScale) -> TokenCounter:
    """Count texts exactly, and add the files beside them, which the service has not seen yet, by their weight.

    The counter raises UnknownSize where a file's weight is not known.
    """

    def count_all(prefix: bytes) -> int:
        if b'"blob:' not in prefix:
            return count(prefix)
        body = orjson.loads(prefix)
        files = 0
        for content in body.get("contents") or []:
            blobs = [part for part in content["parts"] if _blob_uri(part)]
            content["parts"] = [part for part in content["parts"] if not _blob_uri(part)]
            files += sum(_weigh(part, scale) for part in blobs)
        body["contents"] = [content for content in body.get("contents") or [] if content["parts"]]
        has_text = body["contents"] or body.get("systemInstruction") or body.get("tools")
        return files + (count(orjson.dumps(body)) if has_text else 0)

    return count_all


def _first_resolution(requests: Path) -> Resolution:
    with open_requests(requests) as lines:
        first = lines.readline()
    try:
        config = _decode(first).request.generation_config
    except msgspec.MsgspecError:
        return ""
    return resolution_of(config.media_resolution) if config else ""


def _blob_uri(part: dict[str, Any]) -> str:
    uri = str((part.get("fileData") or {}).get("fileUri", ""))
    return uri if blob_sha256(uri) else ""


def _weigh(part: dict[str, Any], scale: MediaScale) -> int:
    weight = scale.weigh_file(_blob_uri(part), part_level(part))
    if weight is None:
        raise UnknownSize
    return weight.tokens
