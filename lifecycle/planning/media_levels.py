"""The files of a draft at each level of detail: their tokens, and what the whole run is expected to cost then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import compress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from batch.media.blob_uri import blob_uri, line_blobs
from batch.media.file_types import kind_of
from batch.media.scale import MediaScale
from batch.media.tokens import RESOLUTIONS, Resolution
from batch.planning.cost_model import CostModel
from batch.pricing.rates import MILLION
from gem_cache import Plan
from lifecycle.requests.request_file import open_requests

LEVELS: tuple[Resolution, ...] = ("", *RESOLUTIONS)


class MediaLevels(NamedTuple):
    """The files that a draft's requests refer to: how many there are by kind, and how often they are sent.

    `tokens` are those of all that is sent, by level of detail, without those of `unknown` files; `usd` is the expected
    cost of the whole run, None where it cannot be told. `level` is the one in force, "" that of the model.
    """

    level: Resolution
    kinds: Mapping[str, int]
    sent: int
    unknown: int
    tokens: Mapping[Resolution, int]
    usd: Mapping[Resolution, float | None]


def media_levels(requests: Path, plan: Plan, scale: MediaScale, expected_usd: float | None) -> MediaLevels | None:
    """Weigh the files of the requests at every level; None where there are none beside them.

    Only what files have changes with the level: rows that share theirs by a cache are priced as if it stayed.
    """
    fresh, cached = _uses(requests, plan.cost_model, plan.cache_of_row >= 0)
    uses = fresh + cached
    if not uses:
        return None
    weighed = {level: _weigh(uses, scale, level) for level in LEVELS}
    tokens = {level: sum(uses[blob] * n for blob, n in weights.items()) for level, weights in weighed.items()}
    now, tariff = scale.weighing.resolution, plan.tariff
    usd: dict[Resolution, float | None] = {}
    for level, weights in weighed.items():
        more = {blob: n - weighed[now][blob] for blob, n in weights.items() if blob in weighed[now]}
        rates = ((fresh, tariff.input_batch), (cached, tariff.cached))
        costs = [_cost(more, counts, rate) for counts, rate in rates if counts]
        known = expected_usd is not None and None not in costs and len(weights) == len(weighed[now])
        usd[level] = (expected_usd or 0.0) + sum(cost or 0.0 for cost in costs) if known else None
    kinds = Counter(kind_of(facts.mime_type) for blob in uses if (facts := scale.facts(blob_uri(blob))) is not None)
    return MediaLevels(now, dict(kinds), uses.total(), len(uses) - len(weighed[now]), tokens, usd)


def _uses(requests: Path, cost_model: CostModel, in_cache: np.ndarray) -> tuple[Counter[str], Counter[str]]:
    """How often each blob is sent in rows without a cache, and in rows that use one."""
    fresh, cached = Counter[str](), Counter[str]()
    for cached_row, line in compress(zip(in_cache.tolist(), _lines(requests), strict=True), cost_model.sent.tolist()):
        (cached if cached_row else fresh).update(line_blobs(line))
    return fresh, cached


def _lines(requests: Path) -> Iterator[bytes]:
    with open_requests(requests) as lines:
        yield from lines


def _weigh(blobs: Counter[str], scale: MediaScale, level: Resolution) -> dict[str, int]:
    """Tokens of each blob of which they are known at this level."""
    at_level = MediaScale(scale.weighing._replace(resolution=level), scale.facts)
    weights = ((blob, at_level.weigh_file(blob_uri(blob))) for blob in blobs)
    return {blob: weight.tokens for blob, weight in weights if weight is not None}


def _cost(more: Mapping[str, int], counts: Counter[str], rate: float | None) -> float | None:
    return None if rate is None else sum(counts[blob] * n for blob, n in more.items()) * rate / MILLION
