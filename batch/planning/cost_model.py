"""What is at stake in every shared prefix, in tokens and USD: the cost model of the planner as arrays.

Input side only; output costs the same under every plan. A request without a cache costs its tokens at the batch
price less the expected implicit gain; with a cache it saves (batch price - cached price) for each cached token; a
cache costs one pass at the standard price, its storage, and a fixed sum. A request over the long-context threshold
is priced wholly at the long rates, cached tokens included; so is the making of a cache that long.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from batch.model import Tariff
from batch.prefixes.forest import Bools, Floats, Forest, Ints, Survey
from batch.prefixes.scan import COLD
from batch.pricing.sampling import UNCOUNTED_MARGIN, Interval

MILLION = 1_000_000
_Z, _FEW = 2.0, 8


@dataclass(frozen=True)
class Options:
    """What a plan assumes besides prices.

    `hours` is how long every cache lives; `implicit_rate` the share of requests of a prefix that find it cached by
    the service; `counts` exact tokens by prefix id and by sample id; `dedupe` None sends equal requests once only
    where they set temperature 0 themselves. All tokens that were not counted are taken `stretch` times.
    """

    hours: float = 4.0
    implicit_rate: float = 0.0
    dedupe: bool | None = False
    cache_fixed_usd: float = 0.0
    counts: Mapping[str, int] = field(default_factory=dict)
    stretch: float = 1.0


@dataclass(frozen=True)
class Rates:
    """USD per token of each of several requests (or caches); NaN where the price is unknown."""

    standard: Floats
    batch: Floats
    cached: Floats
    cached_best: Floats
    storage: Floats

    @property
    def gain(self) -> Floats:
        """What a cached token saves; nothing where prices are unknown or caching does not pay."""
        return np.nan_to_num(np.maximum(self.batch - self.cached, 0.0))


def rates(tokens: Floats, tariff: Tariff) -> Rates:
    """The prices of requests with prompts this long."""
    long = _is_long(tokens, tariff)
    other = tariff.long or tariff

    def pick(here: float | None, there: float | None) -> Floats:
        return np.where(long, _per_token(there), _per_token(here))

    return Rates(
        standard=pick(tariff.input_standard, other.input_standard),
        batch=pick(tariff.input_batch, other.input_batch),
        cached=pick(tariff.cached, other.cached),
        cached_best=pick(_best(tariff), _best(other)),
        storage=pick(tariff.storage, tariff.storage if other.storage is None else other.storage),
    )


@dataclass(frozen=True)
class Stakes:
    """Tokens and money of rows and prefixes under one tariff and one set of options.

    Per prefix: `length` tokens, `requests` that begin with it, `weight` (USD that its requests save for each token a
    cache of theirs holds), `floor` (tokens that implicit caching is expected to save a request whose deepest prefix
    it is), `fixed` USD of a cache, `unsure` where part of the length is unknown. Per row: `sent`, `prompt` tokens
    (those in a cache it names itself included), `pinned` tokens of that cache, `rate`s. `doubt` is half the 95 %
    interval of the tokens that were not counted, as a share of them.
    """

    survey: Survey
    tariff: Tariff
    options: Options
    sent: Bools
    length: Floats
    unsure: Bools
    prompt: Floats
    pinned: Floats
    rate: Rates
    requests: Ints
    own_weight: Floats
    weight: Floats
    floor: Floats
    cache_rate: Rates
    tokens: Interval
    doubt: float

    @property
    def forest(self) -> Forest:
        return self.survey.forest

    def fixed(self, hours: float) -> Floats:
        """USD of making a cache of each prefix and keeping it so long; NaN if a price is unknown."""
        per_token = self.cache_rate.standard + self.cache_rate.storage * hours
        return per_token * self.length + self.options.cache_fixed_usd

    @property
    def cacheable(self) -> Bools:
        """Prefixes that the service would take as a cache and that serve two requests or more."""
        least = math.inf if self.tariff.explicit_minimum is None else self.tariff.explicit_minimum
        return self.forest.next_user & (self.length >= least) & (self.requests >= 2)

    @property
    def plain_usd(self) -> float:
        """Everything sent without any cache of ours."""
        fresh = (self.prompt - self.pinned) * self.rate.batch
        return float((fresh + np.where(self.pinned > 0, self.pinned * self.rate.cached, 0.0))[self.sent].sum())


def weigh(survey: Survey, tariff: Tariff, options: Options) -> Stakes:
    """Work out what is at stake."""
    forest = survey.forest
    sent = _sent(survey, options.dedupe)
    base, ratio, rest = _counted(survey, options.counts, sent)
    ratio *= options.stretch
    exact = _exact(forest, options.counts)
    within = _within(forest, base, exact)
    within[np.isinf(within)] = ratio
    length = forest.highest(_lengths(forest.tokens, forest.tokens, base, exact, within))
    prompt = _lengths(survey.tokens, forest.tokens, _of_rows(base, forest.leaf), exact, ratio)
    pinned = np.zeros(len(survey))
    pinned[survey.pin_rows] = survey.pin_tokens
    prompt = prompt + pinned
    rate = rates(prompt, tariff)
    shared = sent & (forest.leaf >= 0)
    own_weight = np.zeros(len(forest))
    np.add.at(own_weight, forest.leaf[shared], rate.gain[shared])
    requests = forest.counts(shared)
    return Stakes(
        survey=survey,
        tariff=tariff,
        options=options,
        sent=sent,
        length=length,
        unsure=forest.blind & ~((base >= 0) & forest.blind[base]) if len(forest) else forest.blind,
        prompt=prompt,
        pinned=pinned,
        rate=rate,
        requests=requests,
        own_weight=own_weight,
        weight=forest.sums(own_weight),
        floor=_floor(forest, length, requests, tariff, options.implicit_rate),
        cache_rate=rates(length, tariff),
        tokens=Interval(float(prompt[sent].sum()), rest.half_width),
        doubt=rest.half_width / rest.total if rest.total > 0 else 0.0,
    )


def _sent(survey: Survey, dedupe: bool | None) -> Bools:
    """Rows that are sent: all, or the first of equal ones."""
    again = survey.twin != np.arange(len(survey))
    if dedupe is None:
        again &= (survey.flags & COLD) > 0
    return ~again if dedupe is not False else np.ones(len(survey), dtype=bool)


def _floor(forest: Forest, length: Floats, requests: Ints, tariff: Tariff, rate: float) -> Floats:
    """Expected implicit hits: of n requests the first finds nothing, of the others a share finds the prefix."""
    if tariff.implicit_minimum is None or rate <= 0.0:
        return np.zeros(len(forest))
    shared = (length >= tariff.implicit_minimum) & (requests >= 2)
    return forest.highest(np.where(shared, rate * (1.0 - 1.0 / np.maximum(requests, 1)) * length, 0.0))


def _exact(forest: Forest, counts: Mapping[str, int]) -> Floats:
    """Counted tokens of each prefix, NaN where none were counted."""
    exact = np.full(len(forest), np.nan)
    wanted = {int(key, 16): count for key, count in counts.items() if "@" not in key}
    if wanted:
        names = np.fromiter(wanted, dtype=np.uint64, count=len(wanted))
        order = np.argsort(forest.ids)
        place = np.minimum(np.searchsorted(forest.ids[order], names), len(forest) - 1)
        hit = forest.ids[order[place]] == names
        exact[order[place[hit]]] = np.fromiter(wanted.values(), dtype=np.float64)[hit]
    return exact


def _of_rows(values: Ints, leaf: Ints) -> Ints:
    return np.asarray(np.append(values, -1)[leaf])


def _within(forest: Forest, base: Ints, exact: Floats) -> Floats:
    """By how much estimates are off between two counted prefixes, for each that stands between; infinite elsewhere.

    Where several counted ones follow, the least, so that no prefix seems longer than one that continues it.
    """
    ratio = np.full(len(forest), np.inf)
    counted = np.flatnonzero(~np.isnan(exact))
    above = np.append(base, -1)[forest.parent[counted]]
    known, estimated = np.append(exact, 0.0)[above], np.append(forest.tokens, 0.0)[above]
    size = forest.tokens[counted] - estimated
    off = np.divide(exact[counted] - known, size, out=np.ones(len(size)), where=size > 0)
    place = forest.parent[counted]
    while len(open_ := np.flatnonzero((place >= 0) & (place != above))):
        place, above, off = place[open_], above[open_], np.maximum(off[open_], 0.0)
        np.minimum.at(ratio, place, off)
        place = forest.parent[place]
    return ratio


def _lengths(estimate: Floats, prefixes: Floats, base: Ints, exact: Floats, ratio: Floats | float) -> Floats:
    """Tokens up to an end: counted up to the base, corrected estimates beyond."""
    known = np.append(exact, 0.0)[base]
    return np.asarray(known + (estimate - np.append(prefixes, 0.0)[base]) * ratio)


def _counted(survey: Survey, counts: Mapping[str, int], sent: Bools) -> tuple[Ints, float, Interval]:
    """Each prefix's deepest counted one; by how much estimates are off; tokens not counted, with their interval.

    Samples are drawn with a chance proportional to their estimated size, so the mean of counted / estimated corrects
    the total, and its standard error is that of the total. Those larger than the step between two draws stand for
    as many draws as they would have met.
    """
    forest = survey.forest
    base = forest.deepest(~np.isnan(_exact(forest, counts)))
    behind = np.append(forest.tokens, 0.0)[_of_rows(base, forest.leaf)]
    rest = float((survey.tokens - behind)[sent].sum())
    draws = np.array([pair for pair in sampled(survey, counts) if pair[0] > 0]).reshape(-1, 2)
    if not len(draws) or rest <= 0.0:
        return base, 1.0, Interval(rest, rest * UNCOUNTED_MARGIN)
    size, quotient = draws[:, 0], draws[:, 1] / draws[:, 0]
    weight = size if len(draws) >= sent.sum() else np.maximum(1.0, size * len(draws) / rest)
    ratio = float(np.average(quotient, weights=weight))
    return base, ratio, Interval(rest * ratio, rest * _error(quotient, ratio, len(draws), int(sent.sum())))


def _error(quotient: Floats, ratio: float, draws: int, rows: int) -> float:
    """Half the 95 % interval of the mean quotient; none if every row was drawn, wide if only one was."""
    if draws >= rows:
        return 0.0
    if draws < _FEW:
        return UNCOUNTED_MARGIN
    return _Z * math.sqrt(float(((quotient - ratio) ** 2).sum()) / (draws - 1) / draws)


def sampled(survey: Survey, counts: Mapping[str, int]) -> list[tuple[float, int]]:
    """Estimated and counted tokens of the samples, whose ids read `ROW@PREFIX`: the row behind that prefix."""
    forest = survey.forest
    samples = [(key.partition("@"), count) for key, count in counts.items() if "@" in key]
    wanted = np.array([int(prefix or "0", 16) for (_, _, prefix), _ in samples], dtype=np.uint64)
    held = np.flatnonzero(np.isin(forest.ids, wanted))
    known = dict(zip(forest.ids[held].tolist(), forest.tokens[held].tolist(), strict=True))
    return [
        (float(survey.tokens[int(row)]) - known.get(name, 0.0), count)
        for ((row, _, _), count), name in zip(samples, wanted.tolist(), strict=True)
    ]


def _is_long(tokens: Floats, tariff: Tariff) -> Bools:
    if tariff.long is None or tariff.long_context_threshold is None:
        return np.zeros(len(tokens), dtype=bool)
    return np.asarray(tokens > tariff.long_context_threshold)


def _best(tariff: Tariff) -> float | None:
    return tariff.cached if tariff.cached_best is None else tariff.cached_best


def _per_token(usd_per_million: float | None) -> float:
    return math.nan if usd_per_million is None else usd_per_million / MILLION
