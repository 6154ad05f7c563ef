"""One explicit cache for all requests of a draft: what making it would cost, and how the requests come to use it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import msgspec
from msgspec import Raw

from batch.errors import InputError
from batch.formatting import plural
from batch.media.facts import MediaFacts
from batch.media.headers import image_size, pdf_pages
from batch.media.scale import MediaScale
from batch.media.tokens import Weighing, media_tokens
from batch.model import Tariff
from batch.prefixes.locate import HEADER_FIELDS
from batch.pricing import rates
from batch.requests.cache_reference import placeholder_for
from batch.requests.canonicalize import encode, read_object
from batch.tokens import text_tokens
from cache_utils import CachedText, CacheFile
from lifecycle.core.run_files import DRAFT, REQUESTS
from lifecycle.inputs.drafts import Draft
from lifecycle.requests.request_file import line_reader
from lifecycle.requests.shared_file import read_shared

HEADER_BYTES = 1 << 19  # a picture's size stands in it


@dataclass(frozen=True)
class CacheEstimate:
    """What a cache would cost before it is made. Tokens are estimated, `size_unknown` when a document's is not known.

    USD are None where a price is unknown. `break_even_requests` is the number of requests from which it costs less than
    to send the same with every one of them, if it lives `hours`; None if it never does, or if that cannot be known.
    """

    tokens: int
    size_unknown: bool
    minimum: int | None
    hours: float
    usd_to_make: float | None
    usd_per_hour: float | None
    break_even_requests: int | None

    @property
    def too_small(self) -> bool:
        return self.minimum is not None and not self.size_unknown and self.tokens < self.minimum


def estimate_cache(content: CachedText, hours: float, tariff: Tariff | None, family: str = "") -> CacheEstimate:
    """Estimate a cache that lives `hours`, for a model of that family. Nothing is asked of anybody."""
    weighing = Weighing(family)
    text = text_tokens.estimate_request(
        {"contents": [{"parts": [{"text": content.text}]}, *content.contents], **content.header},
        scale=MediaScale(weighing),
    )
    sizes = [_file_tokens(file, weighing) for file in content.files]
    total_tokens = text.total + sum(size or 0 for size in sizes)
    return CacheEstimate(
        tokens=total_tokens,
        size_unknown=None in sizes or text.unknown > 0,
        minimum=tariff.explicit_minimum if tariff else None,
        hours=hours,
        usd_to_make=rates.cache_usd(total_tokens, 0, tariff) if tariff else None,
        usd_per_hour=rates.storage_usd(total_tokens, 1, tariff) if tariff else None,
        break_even_requests=_break_even_requests(total_tokens, hours, tariff) if tariff else None,
    )


def apply_cache_to_all(draft: Draft, cache: str) -> Draft:
    """Let every request of a draft use one cache; those that name one themselves keep theirs.

    `cache` is a display name or `cachedContents/…`, looked up when the draft is submitted. Raises InputError, and
    changes nothing, if a request sets what only a cache may set.
    """
    source = draft.folder / REQUESTS
    part = source.with_suffix(".part")
    clashes = size = 0
    reader, shared = line_reader(source), read_shared(draft.folder)
    has_system = shared is not None and shared.fields.system is not None
    with source.open("rb") as lines, part.open("wb") as out:
        for line in lines:
            apart = None if has_system else reader.apart(line)
            rewritten = _with_cache(reader.whole(line) if apart is None else apart, cache)
            if rewritten is None:
                clashes += 1
                continue
            written = reader.as_sent(rewritten) if apart is None else reader.given(rewritten)
            out.write(written)
            size += len(reader.whole(written))
    if clashes:
        part.unlink()
        raise InputError(
            f"{plural(clashes, 'request sets its', 'requests set their')} own system instruction or tools; Gemini "
            "refuses that together with a cache.",
            "Take them out of the requests, or let the run make its own caches.",
        )
    part.replace(source)
    note = "Every request uses the chosen cache."
    updated_draft = replace(
        draft,
        size_bytes=size,
        largest_bytes=0,
        alike=False,
        uses_caches=(cache, *draft.uses_caches),
        notes=(*draft.notes, note),
    )
    (draft.folder / DRAFT).write_bytes(msgspec.json.encode(updated_draft, enc_hook=str))
    return updated_draft


def _with_cache(line: bytes, cache: str) -> bytes | None:
    """A line whose request names the cache; None if the request cannot use one."""
    members = read_object(line)
    request = read_object(members["request"])
    if "cachedContent" in request:
        return line
    if any(field in request for field in HEADER_FIELDS):
        return None
    name = cache if cache.startswith("cachedContents/") else placeholder_for(cache)
    members["request"] = Raw(encode({**request, "cachedContent": name}))
    return encode(members) + b"\n"


def _file_tokens(file: CacheFile, weighing: Weighing) -> int | None:
    """Tokens of a picture or PDF by Google's documented rules; None if they cannot be told."""
    width = height = pages = None
    with file.path.open("rb") as stream:
        if file.mime_type.startswith("image/"):
            width, height = image_size(stream.read(HEADER_BYTES)) or (None, None)
        elif file.mime_type == "application/pdf":
            pages = pdf_pages(stream.read())
    weight = media_tokens(MediaFacts(file.mime_type, width=width, height=height, pages=pages), weighing)
    return None if weight is None else weight.tokens


def _break_even_requests(tokens: int, hours: float, tariff: Tariff) -> int | None:
    """The break-even in requests: making and keeping the cache against the saving of each that reads it."""
    cost, tier_rates = rates.cache_usd(tokens, hours, tariff), rates.applicable_tariff(tokens, tariff)
    if (
        cost is None
        or tier_rates.input_batch is None
        or tier_rates.cached is None
        or tier_rates.input_batch <= tier_rates.cached
        or not tokens
    ):
        return None
    saving = tokens * (tier_rates.input_batch - tier_rates.cached) / rates.MILLION
    return math.floor(cost / saving) + 1
