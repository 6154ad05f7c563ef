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
from functools import cached_property

import numpy as np

from batch.model import Tariff
from batch.prefixes.forest import Bools, Floats, Ints, PrefixForest, PrefixSurvey
from batch.prefixes.scan import TEMPERATURE_0, UNKNOWN_SIZE
from batch.pricing.sampling import Interval

MILLION = 1_000_000
_Z95, _MIN_DRAWS = 2.0, 8
_ESTIMATES_MAY_BE_OFF = 0.5


@dataclass(frozen=True)
class PlanOptions:
    """What a plan assumes besides prices.

    `hours` is how long every cache lives; `implicit_rate` the share of requests of a prefix that find it cached by
    the service; `counts` exact tokens by prefix id and by sample id; `dedupe` None sends equal requests once only
    where they set temperature 0 themselves. All tokens that were not counted are multiplied by
    `token_factor`.
    """

    hours: float = 4.0
    implicit_rate: float = 0.0
    dedupe: bool | None = False
    cache_fixed_usd: float = 0.0
    counts: Mapping[str, int] = field(default_factory=dict)
    token_factor: float = 1.0


@dataclass(frozen=True)
class TokenRates:
    """USD per token of each of several requests (or caches); NaN where the price is unknown."""

    standard: Floats
    batch: Floats
    cached: Floats
    cached_best: Floats
    storage: Floats

    @property
    def saving_per_token(self) -> Floats:
        """What a cached token saves; nothing where prices are unknown or caching does not pay."""
        count = len(self.batch)
        one = slice(1) if _is_constant(self.batch) and _is_constant(self.cached) else slice(None)
        return np.broadcast_to(np.nan_to_num(np.maximum(self.batch[one] - self.cached[one], 0.0)), count)


def token_rates(tokens: Floats, tariff: Tariff) -> TokenRates:
    """The prices of requests with prompts this long."""
    long = _is_long(tokens, tariff)
    long_tariff = tariff.long or tariff

    any_long = bool(long.any())

    def pick(base_price: float | None, long_price: float | None) -> Floats:
        if not any_long:  # one price for all, as an array that takes no room
            return np.broadcast_to(np.float64(_per_token(base_price)), len(long))
        return np.where(long, _per_token(long_price), _per_token(base_price))

    return TokenRates(
        standard=pick(tariff.input_standard, long_tariff.input_standard),
        batch=pick(tariff.input_batch, long_tariff.input_batch),
        cached=pick(tariff.cached, long_tariff.cached),
        cached_best=pick(_best_cached_price(tariff), _best_cached_price(long_tariff)),
        storage=pick(tariff.storage, tariff.storage if long_tariff.storage is None else long_tariff.storage),
    )


@dataclass(frozen=True)
class CostModel:
    """Tokens and money of rows and prefixes under one tariff and one set of options.

    Per prefix: `length` tokens, `requests` that begin with it, `weight` (USD that its requests save for each token a
    cache of theirs holds), `implicit_saving_tokens` (what implicit caching is expected to save a request whose deepest
    prefix it is), `size_uncertain` where part of the length is unknown. Per row: `sent`, `prompt_tokens` (those in a
    cache it names itself included), `own_cache_tokens` of that cache, `rate`s. `token_uncertainty` is half the 95 %
    interval of the tokens that were not counted, as a share of them.
    """

    survey: PrefixSurvey
    tariff: Tariff
    options: PlanOptions
    sent: Bools
    length: Floats
    size_uncertain: Bools
    prompt_tokens: Floats
    own_cache_tokens: Floats
    rate: TokenRates
    requests: Ints
    own_weight: Floats
    weight: Floats
    implicit_saving_tokens: Floats
    cache_rate: TokenRates
    tokens: Interval
    token_uncertainty: float

    @property
    def forest(self) -> PrefixForest:
        return self.survey.forest

    def fixed_usd(self, hours: float) -> Floats:
        """USD of making a cache of each prefix and keeping it so long; NaN if a price is unknown."""
        per_token = self.cache_rate.standard + self.cache_rate.storage * hours
        return per_token * self.length + self.options.cache_fixed_usd

    @property
    def cacheable(self) -> Bools:
        """Prefixes that the service would take as a cache and that serve two requests or more."""
        min_tokens = math.inf if self.tariff.explicit_minimum is None else self.tariff.explicit_minimum
        return self.forest.can_end & (self.length >= min_tokens) & (self.requests >= 2)

    @property
    def unknown_rows(self) -> Bools:
        """Rows with a part of unknown size, but for those whose part stands in a prefix that was counted."""
        counted = np.append(self.forest.unknown_size & ~self.size_uncertain, False)
        return np.asarray(((self.survey.flags & UNKNOWN_SIZE) > 0) & ~counted[self.forest.leaf])

    @cached_property
    def uncached_usd(self) -> float:
        """Everything sent without any cache of ours."""
        if not len(self.survey.own_cache_rows):
            return self.sum_of_sent(self.prompt_tokens * self.rate.batch)
        fresh = (self.prompt_tokens - self.own_cache_tokens) * self.rate.batch
        return self.sum_of_sent(
            fresh + np.where(self.own_cache_tokens > 0, self.own_cache_tokens * self.rate.cached, 0)
        )

    def sum_of_sent(self, values: Floats) -> float:
        """Sum over the rows that are sent."""
        return float((values if self.sent.all() else values[self.sent]).sum())


def build_cost_model(survey: PrefixSurvey, tariff: Tariff, options: PlanOptions) -> CostModel:
    """Work out what is at stake."""
    forest = survey.forest
    sent = _sent(survey, options.dedupe)
    base, ratio, uncounted = _calibrate(survey, options.counts, sent)
    ratio *= options.token_factor
    exact = _counted_tokens(forest, options.counts)
    ratio_between = _ratio_between_counts(forest, base, exact)
    ratio_between[np.isinf(ratio_between)] = ratio
    # Estimates corrected piece by piece could make a prefix seem longer than one that continues it:
    # hence the largest value of the way down to it.
    length = forest.highest(_lengths(forest.tokens, forest.tokens, base, exact, ratio_between))
    prompt = _lengths(survey.tokens, forest.tokens, _by_row(base, forest.leaf), exact, ratio)
    # A row that names a cache itself pays for what that cache holds too, which its line does not show.
    own_cache_tokens = np.broadcast_to(np.float64(0.0), len(survey))
    if len(survey.own_cache_rows):
        own_cache_tokens = np.zeros(len(survey))
        own_cache_tokens[survey.own_cache_rows] = survey.own_cache_tokens
        prompt = prompt + own_cache_tokens
    rate = token_rates(prompt, tariff)
    shared = sent & (forest.leaf >= 0)
    # add.at and not +=: many rows have the same leaf, and a fancy-indexed += would count each leaf once.
    own_weight = np.zeros(len(forest))
    np.add.at(own_weight, forest.leaf[shared], rate.saving_per_token[shared])
    requests = forest.counts(shared)
    return CostModel(
        survey=survey,
        tariff=tariff,
        options=options,
        sent=sent,
        length=length,
        size_uncertain=forest.unknown_size & ~((base >= 0) & forest.unknown_size[base])
        if len(forest)
        else forest.unknown_size,
        prompt_tokens=prompt,
        own_cache_tokens=own_cache_tokens,
        rate=rate,
        requests=requests,
        own_weight=own_weight,
        weight=forest.sums(own_weight),
        implicit_saving_tokens=_implicit_saving_tokens(forest, length, requests, tariff, options.implicit_rate),
        cache_rate=token_rates(length, tariff),
        tokens=Interval(float((prompt if sent.all() else prompt[sent]).sum()), uncounted.half_width),
        token_uncertainty=uncounted.half_width / uncounted.total if uncounted.total > 0 else 0.0,
    )


def may_be_cached(survey: PrefixSurvey, tariff: Tariff) -> bool:
    """Whether any row is long enough to hold what a cache takes, however it were arranged."""
    if tariff.explicit_minimum is None or not len(survey):
        return False
    is_open = bool(((survey.flags & UNKNOWN_SIZE) > 0).any())
    return is_open or float(survey.tokens.max()) * (1.0 + _ESTIMATES_MAY_BE_OFF) >= tariff.explicit_minimum


def _sent(survey: PrefixSurvey, dedupe: bool | None) -> Bools:
    """Rows that are sent: all, or the first of equal ones."""
    if dedupe is False:
        return np.ones(len(survey), dtype=bool)
    is_duplicate = survey.duplicate_of != np.arange(len(survey))
    if dedupe is None:
        is_duplicate &= (survey.flags & TEMPERATURE_0) > 0
    return np.asarray(~is_duplicate)


def _implicit_saving_tokens(
    forest: PrefixForest, length: Floats, requests: Ints, tariff: Tariff, rate: float
) -> Floats:
    """Expected implicit hits: of n requests the first finds nothing, of the others a share finds the prefix."""
    if tariff.implicit_minimum is None or rate <= 0.0:
        return np.zeros(len(forest))
    shared = (length >= tariff.implicit_minimum) & (requests >= 2)
    return forest.highest(np.where(shared, rate * (1.0 - 1.0 / np.maximum(requests, 1)) * length, 0.0))


def _counted_tokens(forest: PrefixForest, counts: Mapping[str, int]) -> Floats:
    """Counted tokens of each prefix, NaN where none were counted."""
    exact = np.full(len(forest), np.nan)
    counted = {int(key, 16): count for key, count in counts.items() if "@" not in key}
    if counted:
        names = np.fromiter(counted, dtype=np.uint64, count=len(counted))
        # One sort and a binary search a name: there may be a million prefixes and a hundred counts.
        order = np.argsort(forest.ids)
        position = np.minimum(np.searchsorted(forest.ids[order], names), len(forest) - 1)
        matches = forest.ids[order[position]] == names
        exact[order[position[matches]]] = np.fromiter(counted.values(), dtype=np.float64)[matches]
    return exact


def _by_row(values: Ints, leaf: Ints) -> Ints:
    return np.asarray(np.append(values, -1)[leaf])


def _ratio_between_counts(forest: PrefixForest, base: Ints, exact: Floats) -> Floats:
    """By how much estimates are off between two counted prefixes, for each that stands between; infinite elsewhere.

    Where several counted ones follow, the least, so that no prefix seems longer than one that continues it.
    """
    ratio = np.full(len(forest), np.inf)
    counted = np.flatnonzero(~np.isnan(exact))
    above = np.append(base, -1)[forest.parent[counted]]
    counted_above, estimated = np.append(exact, 0.0)[above], np.append(forest.tokens, 0.0)[above]
    size = forest.tokens[counted] - estimated
    error_ratio = np.divide(exact[counted] - counted_above, size, out=np.ones(len(size)), where=size > 0)
    # All paths upward walk at once, a level a step, and leave when they have arrived.
    node = forest.parent[counted]
    while len(pending := np.flatnonzero((node >= 0) & (node != above))):
        node, above, error_ratio = node[pending], above[pending], np.maximum(error_ratio[pending], 0.0)
        np.minimum.at(ratio, node, error_ratio)
        node = forest.parent[node]
    return ratio


def _lengths(estimate: Floats, prefixes: Floats, base: Ints, exact: Floats, ratio: Floats | float) -> Floats:
    """Tokens up to an end: counted up to the base, corrected estimates beyond."""
    if not (base >= 0).any():
        return estimate * ratio
    counted = np.append(exact, 0.0)[base]
    return np.asarray(counted + (estimate - np.append(prefixes, 0.0)[base]) * ratio)


def _calibrate(survey: PrefixSurvey, counts: Mapping[str, int], sent: Bools) -> tuple[Ints, float, Interval]:
    """Each prefix's deepest counted one; by how much estimates are off; tokens not counted, with their interval.

    Samples are drawn with a chance proportional to their estimated size, so the mean of counted / estimated corrects
    the total, and its standard error is that of the total. Those larger than the step between two draws stand for
    as many draws as they would have met.
    """
    forest = survey.forest
    base = forest.deepest(~np.isnan(_counted_tokens(forest, counts)))
    uncounted_tokens = survey.tokens
    if (base >= 0).any():
        uncounted_tokens = uncounted_tokens - np.append(forest.tokens, 0.0)[_by_row(base, forest.leaf)]
    uncounted = float((uncounted_tokens if sent.all() else uncounted_tokens[sent]).sum())
    draws = np.array([pair for pair in sample_pairs(survey, counts) if pair[0] > 0]).reshape(-1, 2)
    if not len(draws) or uncounted <= 0.0:
        return base, 1.0, Interval(uncounted, uncounted * survey.margin)
    # A row drawn with a chance proportional to its size counts with its quotient alone, except those so large that they
    # were certain to be drawn: they stand for all the draws that fell on them.
    size, quotient = draws[:, 0], draws[:, 1] / draws[:, 0]
    weight = size if len(draws) >= sent.sum() else np.maximum(1.0, size * len(draws) / uncounted)
    ratio = float(np.average(quotient, weights=weight))
    return (
        base,
        ratio,
        Interval(uncounted * ratio, uncounted * _half_width_share(quotient, ratio, int(sent.sum()), survey.margin)),
    )


def _half_width_share(quotient: Floats, ratio: float, rows: int, margin: float) -> float:
    """Half the 95 % interval of the mean quotient; none if every row was drawn, `margin` if too few were."""
    draws = len(quotient)
    if draws >= rows:
        return 0.0
    if draws < _MIN_DRAWS:
        return margin
    return _Z95 * math.sqrt(float(((quotient - ratio) ** 2).sum()) / (draws - 1) / draws)


def sample_pairs(survey: PrefixSurvey, counts: Mapping[str, int]) -> list[tuple[float, int]]:
    """Estimated and counted tokens of the samples, whose ids read `ROW@PREFIX`: the row behind that prefix."""
    forest = survey.forest
    samples = [(key.partition("@"), count) for key, count in counts.items() if "@" in key]
    prefix_ids = np.array([int(prefix or "0", 16) for (_, _, prefix), _ in samples], dtype=np.uint64)
    positions = np.flatnonzero(np.isin(forest.ids, prefix_ids))
    prefix_tokens = dict(zip(forest.ids[positions].tolist(), forest.tokens[positions].tolist(), strict=True))
    return [
        (float(survey.tokens[int(row)]) - prefix_tokens.get(name, 0.0), count)
        for ((row, _, _), count), name in zip(samples, prefix_ids.tolist(), strict=True)
    ]


def _is_long(tokens: Floats, tariff: Tariff) -> Bools:
    if tariff.long is None or tariff.long_context_threshold is None:
        return np.zeros(len(tokens), dtype=bool)
    return np.asarray(tokens > tariff.long_context_threshold)


def _best_cached_price(tariff: Tariff) -> float | None:
    return tariff.cached if tariff.cached_best is None else tariff.cached_best


def _is_constant(values: Floats) -> bool:
    """Whether an array is one value for all."""
    return values.strides == (0,)


def _per_token(usd_per_million: float | None) -> float:
    return math.nan if usd_per_million is None else usd_per_million / MILLION
