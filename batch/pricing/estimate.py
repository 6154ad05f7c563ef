"""The cost card: what a run will cost before it is paid for, with every assumption as a sentence. Pure.

Expected is what to plan with; low and worst are what it may come to if nothing is odd (prompt tokens by their
interval, output as measured or assumed, caches by their hours). What it comes to if every answer runs to its limit is
told apart: `unbounded_usd`. A figure whose price is unknown is None, and the card says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from batch.errors import OverBudget
from batch.formatting import money, plural
from batch.model import Tariff, Usage
from batch.pricing import rates
from batch.pricing.sampling import Interval
from batch.pricing.workload import GUESS_FACTOR, Case, OutputAssumption, TierTotals, Workload


@dataclass(frozen=True)
class CostRange:
    """Three figures of one thing; None where it cannot be known."""

    low: float | None
    expected: float | None
    worst: float | None


@dataclass(frozen=True)
class CostEstimate:
    """The cost card. Money in USD; `usd` is the run as planned, its caches included.

    `likely_high_usd` is what it may well come to, `usd.worst` a bad case to be believed, and `unbounded_usd` what it
    costs if every answer runs to its limit and caches live for as long as a job may take. `prompt_usd` and `caches_usd`
    are the parts of `usd` for reading, and for making and keeping explicit caches; the rest is output and searches.
    `uncached` is the same in a batch without explicit caches, `standard` the same at standard price without them.
    `answers` says how long they are taken to be, `caps` by how many rows have which limit of output tokens.
    `open_fees`: rows may search the web, and searches cost more than these figures hold; `unknown_size` rows
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
    prompt_usd: CostRange
    unbounded_usd: float | None
    answers: OutputAssumption
    assumptions: tuple[str, ...]
    caps: tuple[tuple[int | None, int], ...] = ()
    open_fees: bool = False
    unknown_size: int = 0

    @property
    def at_least(self) -> bool:
        """Whether more may be billed than any figure but the worst says."""
        return self.open_fees or self.unknown_size > 0


def estimate_cost(workload: Workload, tariff: Tariff | None) -> CostEstimate:
    """Price a workload. Without a tariff every figure in USD is None."""
    uncached = workload.without_caches()
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
        prompt_usd=_range(lambda case: _requests_usd(workload, tariff, case, with_output=False)),
        unbounded_usd=_run_usd(workload, tariff, "unbounded"),
        answers=workload.output,
        caps=workload.caps,
        assumptions=tuple(_assumptions(workload, tariff)),
        open_fees=tariff is not None and _has_open_fees(workload, tariff),
        unknown_size=workload.unknown_size,
    )


def over_budget(estimate: CostEstimate, max_usd: float, spent: float = 0.0) -> OverBudget | None:
    """Why a run must not start under this budget: it is expected to cost more, or nobody can tell what it costs.

    `spent` of the budget is used already. What it costs beyond what is expected is held while it runs: see
    `lifecycle/workflow/shards/budget.py`.
    """
    worst, expected = estimate.usd.worst, estimate.usd.expected
    if worst is None and estimate.open_fees:
        return OverBudget(
            "Requests may search the web, and what a search costs is not known: a budget cannot be kept.",
            "Leave googleSearch out, or submit without a budget.",
        )
    if worst is None and estimate.unknown_size:
        return OverBudget(
            f"{plural(estimate.unknown_size, 'request holds', 'requests hold')} files whose tokens cannot be told: "
            "what this run could cost is not known, so a budget cannot be kept.",
            "Leave them out, or submit without a budget.",
        )
    if worst is None or expected is None:
        return OverBudget(
            "What this run could cost is not known, so a budget cannot be kept.",
            "Give the model's price in CATALOG_FILE, or submit without a budget.",
        )
    if expected + spent <= max_usd:
        return None
    used = f", {money(spent)} of which is spent" if spent else ""
    return OverBudget(
        f"About {money(expected)} is expected; the budget is {money(max_usd)}{used}.",
        "Send fewer rows, choose a cheaper model, or raise the budget.",
    )


def budget_warning(estimate: CostEstimate, max_usd: float | None) -> str:
    """What to know before a run starts that may come to more than its budget; "" if it will not."""
    worst = estimate.usd.worst
    if max_usd is None or worst is None or worst <= max_usd:
        return ""
    return f"It may come to {money(worst)}. Sending stops at {money(max_usd)}, and the rest can be sent later."


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
    if _is_open(workload, tariff, case):
        return None
    usages = []
    for totals in workload.tiers:
        output = _tier_output_tokens(workload, totals, case) if with_output else 0
        if output is None:
            return None
        usages.append(_tier_usage(workload, totals, case, round(output)))
    if case in ("worst", "unbounded") and workload.unknown_size:
        if workload.unknown_tokens is None:
            return None
        most = workload.unknown_size * workload.unknown_tokens
        usages[1] += Usage(most, audio=most)
    run = rates.RunUsage(workload.rows, usages[0] + _search_usage(workload, tariff, case), usages[1])
    return rates.run_usd(run, tariff, tier=tier, best_case=case == "low")


def _tier_usage(workload: Workload, totals: TierTotals, case: Case, output: int) -> Usage:
    """One side's tokens by what they are. Sound is fresh as far as it can be; how many pictures come is known, but
    without bounds all output is pictures."""
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
        image=output if share and case == "unbounded" else _picture_tokens(workload, totals, output),
    )


def _picture_tokens(workload: Workload, totals: TierTotals, output: int) -> int:
    """Tokens of one side's pictures: as many as are expected, whatever text comes with them."""
    answers = totals.rows if workload.output.per_row else totals.answers
    return min(output, round(workload.output.image_share * workload.output.expected * answers))


def _search_usage(workload: Workload, tariff: Tariff, case: Case) -> Usage:
    """Web searches: none at least, as many as expected, some times as many at worst, and one grounded prompt a row."""
    if case == "low" or not workload.searching:
        return Usage()
    is_bad = case in ("worst", "unbounded")
    searches = round(workload.searches * (GUESS_FACTOR if is_bad else 1.0))
    grounded = workload.searching if is_bad else min(workload.searching, searches)
    return Usage(search_queries=searches, grounded_prompts=grounded)


def _is_open(workload: Workload, tariff: Tariff, case: Case) -> bool:
    """Whether searches leave a case without a bound: each may cost any sum, or there may be any number of them."""
    if not workload.searching or case not in ("worst", "unbounded"):
        return False
    if tariff.search_prompt is None and tariff.search_query is None:
        return True
    return case == "unbounded" and tariff.search_query is not None


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
    """Output tokens of one side: never more than its limits, and all of them without bounds."""
    if case == "unbounded" and workload.output.has_output:
        return totals.output_cap
    answers = totals.rows if workload.output.per_row else totals.answers
    output = workload.output
    each = {"low": output.low, "high": output.high, "worst": output.worst}.get(case, output.expected)
    assumed = answers * each
    return assumed if totals.output_cap is None else min(assumed, totals.output_cap)


def _caches_usd(workload: Workload, tariff: Tariff | None, case: Case) -> float | None:
    if tariff is None:
        return None
    return _add(*(rates.cache_usd(cache.tokens, cache.hours_for(case), tariff) for cache in workload.caches))


def _assumptions(workload: Workload, tariff: Tariff | None) -> Iterator[str]:
    yield from _describe_prices(tariff)
    yield workload.counting_note
    yield workload.output.description
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
