"""The cost card: what a run will cost before it is paid for, with every assumption as a sentence. Pure.

Low and worst bound what was estimated (prompt tokens by their interval, output by its limits, caches by their
hours); expected is what to plan with. A figure whose price is unknown is None, and the card says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from batch.errors import OverBudget
from batch.formatting import money, plural
from batch.model import Tariff, Usage
from batch.pricing import rates
from batch.pricing.sampling import Interval
from batch.pricing.workload import Case, TierTotals, Workload


@dataclass(frozen=True)
class CostRange:
    """Three figures of one thing; None where it cannot be known."""

    low: float | None
    expected: float | None
    worst: float | None


@dataclass(frozen=True)
class CostEstimate:
    """The cost card. Money in USD; `usd` is the run as planned, its caches included.

    `likely_high_usd` is what it may well come to, far below the worst case; `caches_usd` is the caches' part.
    `uncached` is the same in a batch without explicit caches, `standard` the same at standard price without them.
    `worst_prompt_usd` is `usd.worst` less all output, and `output_token_usd` what one more output token in every answer
    costs. `open_fees`: rows may search the web, and searches cost more than these figures hold; `unknown_size` rows
    have files whose tokens are not in them, except at worst.
    """

    rows: int
    prompt: Interval
    cached: int
    output: CostRange
    usd: CostRange
    likely_high_usd: float | None
    caches_usd: CostRange
    uncached: CostRange
    standard: CostRange
    worst_prompt_usd: float | None
    output_token_usd: float | None
    assumptions: tuple[str, ...]
    open_fees: bool = False
    unknown_size: int = 0

    @property
    def at_least(self) -> bool:
        """Whether more may be billed than any figure but the worst says."""
        return self.open_fees or self.unknown_size > 0


def estimate_cost(workload: Workload, tariff: Tariff | None) -> CostEstimate:
    """Price a workload. Without a tariff every figure in USD is None."""
    uncached = workload.without_caches()
    prompt_only_usd = _requests_usd(workload, tariff, "worst", with_output=False)
    return CostEstimate(
        rows=workload.rows,
        prompt=workload.prompt,
        cached=workload.cached,
        output=_range(lambda case: _output_tokens(workload, case)),
        usd=_range(lambda case: _run_usd(workload, tariff, case)),
        likely_high_usd=_run_usd(workload, tariff, "high"),
        caches_usd=_range(lambda case: _caches_usd(workload, tariff, case)),
        uncached=_range(lambda case: _requests_usd(uncached, tariff, case)),
        standard=_range(lambda case: _requests_usd(uncached, tariff, case, "standard")),
        worst_prompt_usd=_add(prompt_only_usd, _caches_usd(workload, tariff, "worst")),
        output_token_usd=_output_token_usd(workload, tariff),
        assumptions=tuple(_assumptions(workload, tariff)),
        open_fees=tariff is not None and _has_open_fees(workload, tariff),
        unknown_size=workload.unknown_size,
    )


def over_budget(estimate: CostEstimate, max_usd: float) -> OverBudget | None:
    """Why a run must not start under this cap; None if even its worst case fits."""
    worst, expected = estimate.usd.worst, estimate.usd.expected
    if worst is None and estimate.open_fees:
        return OverBudget(
            "Requests may search the web as often as the model likes, and every search is a fee of its own: what this "
            "run could cost is not known, so a budget cannot be kept.",
            "Leave googleSearch out, or submit without a budget.",
        )
    if worst is None and estimate.unknown_size:
        return OverBudget(
            f"{plural(estimate.unknown_size, 'request holds', 'requests hold')} files whose tokens cannot be told: "
            "what this run could cost is not known, so a budget cannot be kept.",
            "Leave them out, or submit without a budget.",
        )
    if worst is None:
        return OverBudget(
            "What this run could cost is not known, so a budget cannot be kept.",
            "Set a limit of output tokens, give the model's price in CATALOG_FILE, or submit without a budget.",
        )
    if worst <= max_usd:
        return None
    likely = "" if expected is None else f" ({money(expected)} expected)"
    return OverBudget(
        f"The run could cost {money(worst)}{likely}; the budget is {money(max_usd)}.",
        _budget_remedy(estimate, max_usd),
    )


def _budget_remedy(estimate: CostEstimate, max_usd: float) -> str:
    """What would bring the worst case under the cap."""
    remedy = "Send fewer rows, choose a cheaper model, or raise the budget."
    if estimate.output_token_usd and estimate.worst_prompt_usd is not None:
        tokens = int((max_usd - estimate.worst_prompt_usd) / estimate.output_token_usd)
        if tokens > 0:
            return f"With at most {tokens:,} output tokens a row it would fit. Or: {remedy[0].lower()}{remedy[1:]}"
    return remedy


def _range(figure: Callable[[Case], float | None]) -> CostRange:
    return CostRange(figure("low"), figure("expected"), figure("worst"))


def _run_usd(workload: Workload, tariff: Tariff | None, case: Case) -> float | None:
    """All of it in one case: requests and caches."""
    return _add(_requests_usd(workload, tariff, case), _caches_usd(workload, tariff, case))


def _requests_usd(
    workload: Workload, tariff: Tariff | None, case: Case, tier: rates.Tier = "batch", *, with_output: bool = True
) -> float | None:
    """All requests in one case, without their caches."""
    if tariff is None:
        return None
    if case == "worst" and _has_open_fees(workload, tariff):
        return None
    usages = []
    for totals in workload.tiers:
        output = _tier_output_tokens(workload, totals, case) if with_output else 0
        if output is None:
            return None
        usages.append(_tier_usage(workload, totals, case, round(output)))
    if case == "worst" and workload.unknown_size:
        if workload.unknown_tokens is None:
            return None
        most = workload.unknown_size * workload.unknown_tokens
        usages[1] += Usage(most, audio=most)
    run = rates.RunUsage(workload.rows, usages[0] + _search_usage(workload, tariff, case), usages[1])
    return rates.run_usd(run, tariff, tier=tier, best_case=case == "low")


def _tier_usage(workload: Workload, totals: TierTotals, case: Case, output: int) -> Usage:
    """One side's tokens by what they are. Sound is fresh as far as it can be; in the worst case pictures are all."""
    scale = _prompt_scale(workload, case)
    prompt = max(totals.cached, round(totals.prompt * scale))
    audio = min(prompt, round(totals.audio * scale))
    share = workload.output.image_share
    return Usage(
        prompt,
        totals.cached,
        output,
        audio=audio,
        cached_audio=max(0, audio + totals.cached - prompt),
        image=output if share and case == "worst" else round(output * share),
    )


def _search_usage(workload: Workload, tariff: Tariff, case: Case) -> Usage:
    """Web searches: none at least, as many as expected, and at worst one grounded prompt a row."""
    if case == "low" or not workload.searching:
        return Usage()
    searches = round(workload.searches)
    grounded = workload.searching if case == "worst" else min(workload.searching, searches)
    return Usage(search_queries=searches, grounded_prompts=grounded)


def _has_open_fees(workload: Workload, tariff: Tariff) -> bool:
    """Whether searches may cost any amount: their price is unknown, or each is charged, however many there are."""
    return bool(workload.searching) and (tariff.search_prompt is None or tariff.search_query is not None)


def _prompt_scale(workload: Workload, case: Case) -> float:
    """What the sides' estimated prompts are multiplied by."""
    prompt = workload.prompt
    total = {"low": prompt.low, "expected": prompt.total}.get(case, prompt.high)
    return total / workload.estimated_prompt if workload.estimated_prompt else 1.0


def _output_tokens(workload: Workload, case: Case) -> float | None:
    return _add(*(_tier_output_tokens(workload, side, case) for side in workload.tiers))


def _tier_output_tokens(workload: Workload, totals: TierTotals, case: Case) -> float | None:
    """Output tokens of one side: never more than its limits, and all of them in the worst case."""
    if case == "worst" and workload.output.has_output:
        return totals.output_cap
    answers = totals.rows if workload.output.per_row else totals.answers
    output = workload.output
    assumed = answers * {"low": output.low, "high": output.high}.get(case, output.expected)
    return assumed if totals.output_cap is None else min(assumed, totals.output_cap)


def _caches_usd(workload: Workload, tariff: Tariff | None, case: Case) -> float | None:
    if tariff is None:
        return None
    return _add(*(rates.cache_usd(cache.tokens, cache.hours_for(case), tariff) for cache in workload.caches))


def _output_token_usd(workload: Workload, tariff: Tariff | None) -> float | None:
    """What one more output token in every answer costs."""
    if tariff is None:
        return None
    tiers = ((workload.short, tariff), (workload.long, tariff.long or tariff))
    images = workload.output.image_share > 0
    bills = (
        rates.run_usd(rates.RunUsage(short=Usage(candidates=side.answers, image=side.answers if images else 0)), at)
        for side, at in tiers
    )
    return _add(*bills)


def _assumptions(workload: Workload, tariff: Tariff | None) -> Iterator[str]:
    yield from _describe_prices(tariff)
    yield workload.counting_note
    yield workload.output.description
    if workload.output_cap is None and workload.output.has_output:
        yield "Worst: not known, because the model's limit of output tokens is not known and no limit was set."
    elif workload.output.has_output:
        answers = sum(side.extra_answers for side in workload.tiers)
        answers_note = f" in {workload.rows + answers:,} answers" if answers else ""
        yield (
            f"Worst: {workload.rows:,} rows write to their limit{answers_note}, {workload.output_cap:,} tokens with "
            "thoughts."
        )
    if workload.caches:
        yield _describe_caches(workload)
    yield "No implicit cache hits are counted on; those that happen make it cheaper."
    if workload.media:
        yield f"{workload.media:,} requests hold media, sized by Google's documented rules; models differ."
    if workload.searching:
        yield _describe_searches(workload, tariff)
    if workload.unknown_size:
        most = f"at worst as {workload.unknown_tokens:,} tokens each" if workload.unknown_tokens else "at worst unknown"
        yield (
            f"{plural(workload.unknown_size, 'request holds', 'requests hold')} files whose tokens cannot be told "
            f"(sound or film without its length, files by address): counted as nothing, {most}."
        )


def _describe_prices(tariff: Tariff | None) -> Iterator[str]:
    if tariff is None:
        yield "The price of this model is unknown."
        return
    always = (("in", tariff.input_batch), ("out", tariff.output_batch), ("cached", tariff.cached))
    sometimes = (("sound in", tariff.audio_batch), ("pictures out", tariff.image_output_batch))
    labelled = (*always, *(one for one in sometimes if one[1] is not None))
    prices = ", ".join(f"{name} {'unknown' if price is None else f'{price:g}'}" for name, price in labelled)
    yield f"Prices per million tokens in a batch, in USD: {prices}."
    if tariff.cached_best is not None and tariff.cached_best != tariff.cached:
        yield f"Low: cached tokens at {tariff.cached_best:g}, the rate that Google prints but was not seen invoiced."


def _describe_searches(workload: Workload, tariff: Tariff | None) -> str:
    """What is known of the fees for searching the web. Google's free share is the account's, and not deducted."""
    rows = f"{workload.searching:,} requests may search the web"
    if tariff is None or (tariff.search_query is None and tariff.search_prompt is None):
        return f"{rows}; search fees are not included, because their price is not known."
    if tariff.search_query is not None:
        return (
            f"{rows}, at {tariff.search_query:g} USD per 1,000 searches: {workload.searches:,.0f} are expected, and "
            "how many the model will make is not known. What Google gives free is not deducted."
        )
    return f"{rows}, at {tariff.search_prompt:g} USD per 1,000 requests. What Google gives free is not deducted."


def _describe_caches(workload: Workload) -> str:
    tokens = sum(cache.tokens for cache in workload.caches)
    hours = max(cache.hours for cache in workload.caches)
    worst = max(cache.worst_hours for cache in workload.caches)
    return (
        f"Explicit caches: {len(workload.caches):,} with {tokens:,} tokens, held for {hours:g} hours ({worst:g} at "
        "worst); making one costs a pass at the standard input price."
    )


def _add(*parts: float | None) -> float | None:
    """The sum; None if any part is unknown."""
    return None if None in parts else sum(part for part in parts if part is not None)
