"""What tokens cost: a request, a run, a cache over its life, and what caching and batching saved. Pure.

The money model, with its sources in the catalog: `prompt` includes `cached`; thoughts are output; a request whose
prompt is longer than the tariff's threshold is priced wholly at the long-context rates; cached tokens cost the
standard cached rate in a batch too (an invoice of September 2026 and Google's batch guide say so, the pricing page
prints half: that is the best case); making a cache costs one pass at the standard input price, keeping it its tokens
per hour. A price that is needed and unknown makes the sum None, never zero.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from batch.model import Tariff, Usage

Tier = Literal["batch", "standard"]
MILLION = 1_000_000


class BillLine(NamedTuple):
    """One line of a bill: so many tokens at so many USD per million; `rate` None is an unknown price."""

    label: str
    tokens: int
    rate: float | None

    @property
    def usd(self) -> float | None:
        if self.tokens == 0:
            return 0.0
        return None if self.rate is None else self.tokens * self.rate / MILLION


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
    """The price of one request; None if a price it needs is unknown.

    `best_case` takes the lower cached rate printed for some models. For sums over requests see `run_usd`: the
    long-context switch is each request's own.
    """
    return _sum(line.usd for line in bill_lines(usage, tariff, tier=tier, best_case=best_case))


def explain_cost(usage: Usage, tariff: Tariff, *, tier: Tier = "batch") -> str:
    """One request's bill as a formula: "1,000 fresh × 0.375 + 50 output × 1.875 = 0.000469 USD"."""
    parts = [line for line in bill_lines(usage, tariff, tier=tier) if line.tokens]
    formula = " + ".join(f"{p.tokens:,} {p.label} × {'?' if p.rate is None else f'{p.rate:g}'}" for p in parts)
    usd = _sum(line.usd for line in parts)
    return f"{formula or 'no tokens'} per million = {'not known' if usd is None else f'{usd:.6f} USD'}"


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
    uncached = replace(run, short=replace(run.short, cached=0), long=replace(run.long, cached=0))
    return Saving(
        paid=_sum((run_usd(run, tariff), caches_usd)),
        uncached=run_usd(uncached, tariff),
        standard=run_usd(uncached, tariff, tier="standard"),
    )


def _bill_lines_at(usage: Usage, tariff: Tariff, tier: Tier, best_case: bool) -> tuple[BillLine, ...]:
    """The bill at rates already chosen. Tokens of tool use come on top of the prompt and are fresh input."""
    cached = min(max(0, usage.cached), usage.prompt)
    batch = tier == "batch"
    cached_rate = tariff.cached_best if best_case and batch and tariff.cached_best is not None else tariff.cached
    return (
        BillLine(
            "fresh", usage.prompt - cached + usage.tool_prompt, tariff.input_batch if batch else tariff.input_standard
        ),
        BillLine("cached", cached, cached_rate),
        BillLine("output", usage.output, tariff.output_batch if batch else tariff.output_standard),
    )


def _sum(parts: Iterable[float | None]) -> float | None:
    """The sum, or None if any part is unknown."""
    amounts = list(parts)
    return None if any(part is None for part in amounts) else sum(part for part in amounts if part is not None)


def _difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other
