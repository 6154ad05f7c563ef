"""One explicit cache for all requests of a draft: what making it would cost, and how the requests come to use it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import msgspec
from msgspec import Raw

from batch.errors import InputError
from batch.formatting import count
from batch.model import Tariff
from batch.prefixes.locate import ROOT_FIELDS
from batch.pricing import rates
from batch.requests.cache_reference import placeholder
from batch.requests.canonicalize import encode, read_object
from batch.tokens import media_tokens, text_tokens
from cache_utils import CachedText, CacheFile
from lifecycle.inputs.draft_files import REQUESTS
from lifecycle.inputs.drafts import DRAFT, Draft

HEADER_BYTES = 1 << 19  # a picture's size stands in it


@dataclass(frozen=True)
class CacheOffer:
    """What a cache would cost before it is made. Tokens are estimated, `unknown` when a document's size is not known.

    USD are None where a price is unknown. `pays_from` is the number of requests from which it costs less than to send
    the same with every one of them, if it lives `hours`; None if it never does, or if that cannot be known.
    """

    tokens: int
    unknown: bool
    minimum: int | None
    hours: float
    usd_to_make: float | None
    usd_per_hour: float | None
    pays_from: int | None

    @property
    def too_small(self) -> bool:
        return self.minimum is not None and not self.unknown and self.tokens < self.minimum


def offer(wanted: CachedText, hours: float, tariff: Tariff | None) -> CacheOffer:
    """Estimate a cache that lives `hours`. Nothing is asked of anybody."""
    text = text_tokens.estimate_request(
        {"contents": [{"parts": [{"text": wanted.text}]}, *wanted.contents], **wanted.root}
    )
    sizes = [_file_tokens(file) for file in wanted.files]
    whole = text.total + sum(size or 0 for size in sizes)
    return CacheOffer(
        tokens=whole,
        unknown=None in sizes or text.unknown > 0,
        minimum=tariff.explicit_minimum if tariff else None,
        hours=hours,
        usd_to_make=rates.cache_usd(whole, 0, tariff) if tariff else None,
        usd_per_hour=rates.storage_usd(whole, 1, tariff) if tariff else None,
        pays_from=_pays_from(whole, hours, tariff) if tariff else None,
    )


def use_for_all(draft: Draft, cache: str) -> Draft:
    """Let every request of a draft use one cache; those that name one themselves keep theirs.

    `cache` is a display name or `cachedContents/…`, looked up when the draft is submitted. Raises InputError, and
    changes nothing, if a request sets what only a cache may set.
    """
    source = draft.folder / REQUESTS
    part = source.with_suffix(".part")
    clashes = size = 0
    with source.open("rb") as lines, part.open("wb") as out:
        for line in lines:
            used = _using(line, cache)
            clashes += used is None
            size += out.write(used or line)
    if clashes:
        part.unlink()
        raise InputError(
            f"{count(clashes, 'request sets its', 'requests set their')} own system instruction or tools; Gemini "
            "refuses that together with a cache.",
            "Take them out of the requests, or let the run make its own caches.",
        )
    part.replace(source)
    noted = "Every request uses the chosen cache."
    done = replace(draft, size_bytes=size, uses_caches=(cache, *draft.uses_caches), notes=(*draft.notes, noted))
    (draft.folder / DRAFT).write_bytes(msgspec.json.encode(done, enc_hook=str))
    return done


def _using(line: bytes, cache: str) -> bytes | None:
    """A line whose request names the cache; None if the request cannot use one."""
    members = read_object(line)
    request = read_object(members["request"])
    if "cachedContent" in request:
        return line
    if any(field in request for field in ROOT_FIELDS):
        return None
    name = cache if cache.startswith("cachedContents/") else placeholder(cache)
    members["request"] = Raw(encode({**request, "cachedContent": name}))
    return encode(members) + b"\n"


def _file_tokens(file: CacheFile) -> int | None:
    """Tokens of a picture or PDF by Google's documented rules; None if they cannot be told."""
    with file.path.open("rb") as stream:
        if file.mime_type.startswith("image/"):
            size = media_tokens.picture_size(stream.read(HEADER_BYTES))
            return media_tokens.picture_tokens(*size) if size else None
        pages = media_tokens.pdf_pages(stream.read()) if file.mime_type == "application/pdf" else None
    return pages * media_tokens.PAGE_TOKENS if pages else None


def _pays_from(size: int, hours: float, tariff: Tariff) -> int | None:
    """The break-even in requests: making and keeping the cache against the saving of each that reads it."""
    cost, at = rates.cache_usd(size, hours, tariff), rates.rates(size, tariff)
    if cost is None or at.input_batch is None or at.cached is None or at.input_batch <= at.cached or not size:
        return None
    saving = size * (at.input_batch - at.cached) / rates.MILLION
    return math.floor(cost / saving) + 1
