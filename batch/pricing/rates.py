"""What tokens cost: a request, a run, a cache over its life, and what caching and batching saved. Pure.

The money model, with its sources in the catalog: `prompt` includes `cached`; thoughts are output; a request whose
prompt is longer than the tariff's threshold is priced wholly at the long-context rates; cached tokens cost the
standard cached rate in a batch too (an invoice of September 2026 and Google's batch guide say so, the pricing page
prints half: that is the best case); making a cache costs one pass at the standard input price, keeping it its tokens
per hour. Sound is input at its own rate, pictures made are output at theirs, and web searches are a fee each.

A token price that is needed and unknown makes the sum None, never zero; a search fee that is unknown is left out, and
`excludes_search` says that the sum is a lower bound.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from batch.formatting import money
from batch.model import Tariff, Usage

Tier = Literal["batch", "standard"]
MILLION = 1_000_000
SEARCHES = 1_000  # that a search fee is told for


class BillLine(NamedTuple):
    """One line of a bill: so many tokens (or searches) at so many USD per `per`; `rate` None is an unknown price."""

    label: str
    tokens: int
    rate: float | None
    per: int = MILLION

    @property
    def usd(self) -> float | None:
        if self.tokens == 0:
            return 0.0
        return None if self.rate is None else self.tokens * self.rate / self.per


@dataclass(frozen=True)
class RunUsage:
    """Usage of many requests, kept apart by the tier that prices them. Sums are exact whatever the order."""

    rows: int = 0
    short: Usage = field(default_factory=Usage)
    long: Usage = field(default_factory=Usage)

    @property
    def total(self) -> Usage:
        return self.short + self.long

    def __add__(self, other: RunUsage) -> RunUsage:
        return RunUsage(self.rows + other.rows, self.short + other.short, self.long + other.long)


@dataclass(frozen=True)
class Saving:
    """What was paid beside what it would have cost otherwise, in USD; None where a price is unknown.

    `paid` has the caches in it; `uncached` is the same in a batch without caches, `standard` the same at standard
    price without caches.
    """

    paid: float | None
    uncached: float | None
    standard: float | None

    @property
    def saved_by_caching(self) -> float | None:
        """Negative when the caches cost more than they saved."""
        return _difference(self.uncached, self.paid)

    @property
    def saved_by_batching(self) -> float | None:
        return _difference(self.standard, self.uncached)


def is_long(prompt_tokens: int, tariff: Tariff) -> bool:
    """Whether a request with this prompt is priced at the long-context rates: more than the threshold, not at it."""
    return tariff.long_context_threshold is not None and prompt_tokens > tariff.long_context_threshold


def applicable_tariff(prompt_tokens: int, tariff: Tariff) -> Tariff:
    """The prices of a request with this prompt."""
    return tariff.long if tariff.long is not None and is_long(prompt_tokens, tariff) else tariff


def bill_lines(usage: Usage, tariff: Tariff, *, tier: Tier = "batch", best_case: bool = False) -> tuple[BillLine, ...]:
    """The bill of one request. More cached than prompt tokens are taken for a prompt that was all cached."""
    return _bill_lines_at(usage, applicable_tariff(usage.prompt, tariff), tier, best_case)


def usage_usd(usage: Usage, tariff: Tariff, *, tier: Tier = "batch", best_case: bool = False) -> float | None:
    """The price of one request; None if the price of a token it needs is unknown. See `excludes_search`.

    `best_case` takes the lower cached rate printed for some models. For sums over requests see `run_usd`: the
    long-context switch is each request's own.
    """
    return _sum(line.usd for line in bill_lines(usage, tariff, tier=tier, best_case=best_case))


def excludes_search(usage: Usage, tariff: Tariff) -> bool:
    """Whether the web was searched at a fee that is not known, so that the price holds the tokens alone."""
    return usage.search_queries > 0 and tariff.search_query is None and tariff.search_prompt is None


def explain_cost(usage: Usage, tariff: Tariff, *, tier: Tier = "batch") -> str:
    """One request's bill as a formula: "1,000 fresh × 0.375 + 50 output × 1.875 per million = $0.00047"."""
    lines = [line for line in bill_lines(usage, tariff, tier=tier) if line.tokens]
    tokens = " + ".join(_format_line(line) for line in lines if line.per == MILLION)
    parts = [f"{tokens or 'no tokens'} per million", *(_format_line(one) for one in lines if one.per != MILLION)]
    parts += ["search fees, not included"] if excludes_search(usage, tariff) else []
    usd = _sum(line.usd for line in lines)
    return f"{' + '.join(parts)} = {money(usd)}"


def _format_line(line: BillLine) -> str:
    per_note = "" if line.per == MILLION else f" per {line.per:,}"
    return f"{line.tokens:,} {line.label} × {'?' if line.rate is None else f'{line.rate:g}'}{per_note}"


def run_usd(run: RunUsage, tariff: Tariff, *, tier: Tier = "batch", best_case: bool = False) -> float | None:
    """The price of a run's requests without its caches; equal to the sum over its requests."""
    parts = [_bill_lines_at(run.short, tariff, tier, best_case)]
    if run.long != Usage():
        parts.append(_bill_lines_at(run.long, tariff.long or tariff, tier, best_case))
    return _sum(line.usd for bill in parts for line in bill)


def cache_usd(tokens: int, hours: float, tariff: Tariff) -> float | None:
    """The price of an explicit cache over its life: a pass over its tokens at the standard input price, then storage.

    Whether Google bills the pass was not found; it is assumed.
    """
    creation = BillLine("to create the cache", tokens, applicable_tariff(tokens, tariff).input_standard)
    return _sum((creation.usd, storage_usd(tokens, hours, tariff)))


def storage_usd(tokens: int, hours: float, tariff: Tariff) -> float | None:
    """The price of keeping a cache for `hours` (one for its price per hour). A long tier without a storage price of its
    own keeps the base one."""
    if tokens == 0 or hours <= 0:
        return 0.0
    rate = applicable_tariff(tokens, tariff).storage
    rate = tariff.storage if rate is None else rate
    return None if rate is None else tokens * hours * rate / MILLION


def saving(run: RunUsage, tariff: Tariff, caches_usd: float | None = 0.0) -> Saving:
    """Compare what a run and its caches cost with the same without caches, in a batch and at standard price."""
    uncached = replace(
        run, short=replace(run.short, cached=0, cached_audio=0), long=replace(run.long, cached=0, cached_audio=0)
    )
    return Saving(
        paid=_sum((run_usd(run, tariff), caches_usd)),
        uncached=run_usd(uncached, tariff),
        standard=run_usd(uncached, tariff, tier="standard"),
    )


def _bill_lines_at(usage: Usage, tariff: Tariff, tier: Tier, best_case: bool) -> tuple[BillLine, ...]:
    """The bill at rates already chosen. Tokens of tool use come on top of the prompt and are fresh input.

    Kinds that have no price of their own are in the text's line, so that a bill of text has three lines.
    """
    batch = tier == "batch"
    cached = min(max(0, usage.cached), usage.prompt)
    audio_rate = tariff.audio_batch if batch else tariff.audio_standard
    image_rate = tariff.image_output_batch if batch else tariff.image_output_standard
    audio = 0 if audio_rate is None else usage.audio
    # Sound that is not fresh is cached, however the service told of it: the parts never exceed their sum.
    cached_audio = 0 if audio_rate is None else max(usage.cached_audio, audio + cached - usage.prompt)
    image = 0 if image_rate is None else usage.image
    cached_rate = tariff.cached_best if best_case and batch and tariff.cached_best is not None else tariff.cached
    fresh = usage.prompt - cached - (audio - cached_audio) + usage.tool_prompt
    lines = (
        BillLine("fresh", fresh, tariff.input_batch if batch else tariff.input_standard),
        BillLine("fresh of sound", audio - cached_audio, audio_rate),
        BillLine("cached", cached - cached_audio, cached_rate),
        BillLine("cached of sound", cached_audio, tariff.audio_cached),
        BillLine("output", usage.output - image, tariff.output_batch if batch else tariff.output_standard),
        BillLine("output of pictures", image, image_rate),
        *_search_lines(usage, tariff),
    )
    return tuple(line for line in lines if line.tokens or line.label in _ALWAYS)


_ALWAYS = ("fresh", "cached", "output")


def _search_lines(usage: Usage, tariff: Tariff) -> tuple[BillLine, ...]:
    """Fees for searching the web, by query or by request; none where the fee is not known."""
    if tariff.search_query is not None:
        return (BillLine("searches", usage.search_queries, tariff.search_query, SEARCHES),)
    if tariff.search_prompt is not None:
        return (BillLine("requests with searches", usage.grounded_prompts, tariff.search_prompt, SEARCHES),)
    return ()


def _sum(parts: Iterable[float | None]) -> float | None:
    """The sum, or None if any part is unknown."""
    amounts = list(parts)
    return None if any(part is None for part in amounts) else sum(part for part in amounts if part is not None)


def _difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other
