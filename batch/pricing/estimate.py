"""The cost card: what a run will cost before it is paid for, with every assumption as a sentence. Pure.

Low and worst bound what was estimated (prompt tokens by their interval, output by its limits, caches by their
hours); expected is what to plan with. A figure whose price is unknown is None, and the card says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from batch.errors import OverBudget
from batch.model import Tariff, Usage
from batch.pricing import rates
from batch.pricing.sampling import Interval
from batch.pricing.workload import Case, Side, Workload


@dataclass(frozen=True)
class Range:
    """Three figures of one thing; None where it cannot be known."""

    low: float | None
    expected: float | None
    worst: float | None


@dataclass(frozen=True)
class Card:
    """The cost card. Money in USD; `usd` is the run as planned, its caches included.

    `caches_usd` is the caches' part of it. `uncached` is the same in a batch without explicit caches, `standard`
    the same at standard price without them. `worst_prompt_usd` is `usd.worst` less all output, and
    `output_token_usd` what one more output token in every row costs.
    """

    rows: int
    prompt: Interval
    cached: int
    output: Range
    usd: Range
    caches_usd: Range
    uncached: Range
    standard: Range
    worst_prompt_usd: float | None
    output_token_usd: float | None
    assumptions: tuple[str, ...]


def card(workload: Workload, tariff: Tariff | None) -> Card:
    """Price a workload. Without a tariff every figure in USD is None."""
    plain = workload.uncached()
    silent = _requests_usd(workload, tariff, "worst", with_output=False)
    return Card(
        rows=workload.rows,
        prompt=workload.prompt,
        cached=workload.cached,
        output=_range(lambda case: _output(workload, case)),
        usd=_range(lambda case: _add(_requests_usd(workload, tariff, case), _caches_usd(workload, tariff, case))),
        caches_usd=_range(lambda case: _caches_usd(workload, tariff, case)),
        uncached=_range(lambda case: _requests_usd(plain, tariff, case)),
        standard=_range(lambda case: _requests_usd(plain, tariff, case, "standard")),
        worst_prompt_usd=_add(silent, _caches_usd(workload, tariff, "worst")),
        output_token_usd=_output_token_usd(workload, tariff),
        assumptions=tuple(_assumptions(workload, tariff)),
    )


def over_budget(priced: Card, max_usd: float) -> OverBudget | None:
    """Why a run must not start under this cap; None if even its worst case fits."""
    worst, expected = priced.usd.worst, priced.usd.expected
    if worst is None:
        return OverBudget(
            "What this run could cost is not known, so a budget cannot be kept.",
            "Set a limit of output tokens, give the model's price in CATALOG_FILE, or submit without a budget.",
        )
    if worst <= max_usd:
        return None
    likely = "" if expected is None else f" ({_money(expected)} expected)"
    return OverBudget(
        f"The run could cost {_money(worst)}{likely}; the budget is {_money(max_usd)}.", _cheaper(priced, max_usd)
    )


def _cheaper(priced: Card, max_usd: float) -> str:
    """What would bring the worst case under the cap."""
    remedy = "Send fewer rows, choose a cheaper model, or raise the budget."
    if priced.output_token_usd and priced.worst_prompt_usd is not None:
        tokens = int((max_usd - priced.worst_prompt_usd) / priced.output_token_usd)
        if tokens > 0:
            return f"With at most {tokens:,} output tokens a row it would fit. Or: {remedy[0].lower()}{remedy[1:]}"
    return remedy


def _range(figure: Callable[[Case], float | None]) -> Range:
    return Range(figure("low"), figure("expected"), figure("worst"))


def _requests_usd(
    workload: Workload, tariff: Tariff | None, case: Case, tier: rates.Tier = "batch", *, with_output: bool = True
) -> float | None:
    """All requests in one case, without their caches."""
    if tariff is None:
        return None
    usages = []
    for side in workload.sides:
        output = _side_output(workload, side, case) if with_output else 0
        if output is None:
            return None
        prompt = max(side.cached, round(side.prompt * _scale(workload, case)))
        usages.append(Usage(prompt, side.cached, round(output)))
    run = rates.RunUsage(workload.rows, *usages)
    return rates.run_usd(run, tariff, tier=tier, best_case=case == "low")


def _scale(workload: Workload, case: Case) -> float:
    """What the sides' estimated prompts are multiplied by."""
    prompt = workload.prompt
    total = {"low": prompt.low, "expected": prompt.total, "worst": prompt.high}[case]
    return total / workload.estimated if workload.estimated else 1.0


def _output(workload: Workload, case: Case) -> float | None:
    return _add(*(_side_output(workload, side, case) for side in workload.sides))


def _side_output(workload: Workload, side: Side, case: Case) -> float | None:
    """Output tokens of one side: never more than its limits, and all of them in the worst case."""
    if case == "worst" and workload.output.any:
        return side.cap
    wanted = side.rows * (workload.output.low if case == "low" else workload.output.expected)
    return wanted if side.cap is None else min(wanted, side.cap)


def _caches_usd(workload: Workload, tariff: Tariff | None, case: Case) -> float | None:
    if tariff is None:
        return None
    return _add(*(rates.cache_usd(cache.tokens, cache.life(case), tariff) for cache in workload.caches))


def _output_token_usd(workload: Workload, tariff: Tariff | None) -> float | None:
    """What one more output token in every row costs."""
    if tariff is None:
        return None
    sides = ((workload.short, tariff), (workload.long, tariff.long or tariff))
    lines = (rates.Line("output", side.rows, at.output_batch) for side, at in sides)
    return _add(*(line.usd for line in lines))


def _assumptions(workload: Workload, tariff: Tariff | None) -> Iterator[str]:
    yield from _price_words(tariff)
    yield workload.counted
    yield workload.output.words
    if workload.cap is None and workload.output.any:
        yield "Worst: not known, because the model's limit of output tokens is not known and no limit was set."
    elif workload.output.any:
        yield f"Worst: {workload.rows:,} rows write to their limit, {workload.cap:,} tokens with thoughts."
    if workload.caches:
        yield _cache_words(workload)
    yield "No implicit cache hits are counted on; those that happen make it cheaper."
    if workload.media:
        yield f"{workload.media:,} requests hold media, sized by Google's documented rules; models differ."
    if workload.unknown:
        yield f"{workload.unknown:,} requests hold parts of unknown size (files by address, video); they are left out."


def _price_words(tariff: Tariff | None) -> Iterator[str]:
    if tariff is None:
        yield "The price of this model is unknown."
        return
    named = (("in", tariff.input_batch), ("out", tariff.output_batch), ("cached", tariff.cached))
    prices = ", ".join(f"{name} {'unknown' if price is None else f'{price:g}'}" for name, price in named)
    yield f"Prices per million tokens in a batch, in USD: {prices}."
    if tariff.cached_best is not None and tariff.cached_best != tariff.cached:
        yield f"Low: cached tokens at {tariff.cached_best:g}, the rate that Google prints but was not seen invoiced."


def _cache_words(workload: Workload) -> str:
    tokens = sum(cache.tokens for cache in workload.caches)
    hours = max(cache.hours for cache in workload.caches)
    worst = max(cache.worst_hours for cache in workload.caches)
    return (
        f"Explicit caches: {len(workload.caches):,} with {tokens:,} tokens, held for {hours:g} hours ({worst:g} at "
        "worst); making one costs a pass at the standard input price."
    )


def _money(usd: float) -> str:
    return f"{usd:,.2f} USD" if usd >= 0.01 else f"{usd:.6f} USD"


def _add(*parts: float | None) -> float | None:
    """The sum; None if any part is unknown."""
    return None if None in parts else sum(part for part in parts if part is not None)
