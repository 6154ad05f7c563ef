"""The words of a price: the one figure, its range, what it rests on, and what to know of a budget. Pure."""

from __future__ import annotations

from batch.formatting import money, plural
from batch.pricing.estimate import CostEstimate, budget_warning
from lifecycle.planning.forecast import Forecast

HALF = (0.45, 0.55)  # of the standard price: what a batch is said to cost half of
PLAN_WORTH_OPENING = 0.10  # of the price without a cache, saved by one


def headline(estimate: CostEstimate) -> str:
    """The one figure: "About $1.02"."""
    if estimate.usd.expected is None:
        return "Price not known"
    return f"{'At least' if estimate.at_least else 'About'} {money(estimate.usd.expected)}"


def describe_range(estimate: CostEstimate) -> str:
    """What it may well come to: "between $0.90 and $1.21"."""
    low, high = estimate.usd.low, estimate.likely_high_usd
    if low is None or high is None or money(low) == money(high):
        return ""
    return f"between {money(low)} and {money(high)}"


def describe_rows(estimate: CostEstimate) -> str:
    """How many rows, and what they would cost one by one."""
    rows, batch, single = plural(estimate.rows, "row"), estimate.usd.expected, estimate.standard.expected
    if not batch or not single:
        return f"{rows}."
    is_half = HALF[0] <= batch / single <= HALF[1]
    return (
        f"{rows}, half the price of single calls ({money(single)})."
        if is_half
        else (f"{rows}; {money(single)} as single calls.")
    )


def describe_source(forecast: Forecast) -> str:
    """What the output was taken from."""
    answers = forecast.estimate.answers
    if not answers.has_output:
        return ""
    if answers.source == "tries":
        return f"Measured on your {plural(answers.measured_on, 'try', 'tries')}."
    if answers.source == "rows":
        return "Measured on rows of this run."
    if answers.source == "runs":
        runs = "run" if answers.measured_on == 1 else f"{answers.measured_on} runs"
        return f"Learned from your last {runs} like this."
    return "A guess from rows like these. Trying 5 makes it sure." if forecast.estimate.rows > 1 else "A guess."


def describe_saving(estimate: CostEstimate) -> str:
    """What caching saves, if it does."""
    saving = _saving(estimate)
    return f" A cache saves {money(saving)}." if saving > 0 and money(saving) != money(0) else ""


def is_plan_worth_opening(estimate: CostEstimate) -> bool:
    """Whether a cache saves enough for the plan to be shown unasked."""
    plain = estimate.uncached.expected
    return bool(plain) and plain is not None and _saving(estimate) >= PLAN_WORTH_OPENING * plain


def describe_unbounded(estimate: CostEstimate) -> str:
    """What it costs if no answer ends by itself."""
    if not estimate.answers.has_output:
        return ""
    if estimate.unbounded_usd is None:
        return "What it costs if every answer ran to its limit is not known."
    caps = {cap for cap, _ in estimate.caps if cap is not None}
    limit = f" of {caps.pop():,} tokens" if len(caps) == 1 else ""
    return f"If every answer ran to its limit{limit}: {money(estimate.unbounded_usd)}."


def describe_budget(estimate: CostEstimate, max_usd: float | None) -> str:
    """What a budget does to this run; "" without one."""
    if max_usd is None or (estimate.usd.expected or 0.0) > max_usd:
        return ""
    said = budget_warning(estimate, max_usd) or f"Stops sending at {money(max_usd)}."
    is_above = estimate.unbounded_usd is None or estimate.unbounded_usd > max_usd
    return f"{said} {describe_unbounded(estimate)}".strip() if is_above else said


def tries_usd(estimate: CostEstimate, rows: int) -> float | None:
    """What trying so many rows costs: single calls, at the standard price."""
    return None if estimate.standard.expected is None else estimate.standard.expected / max(1, estimate.rows) * rows


def offers_tries_first(forecast: Forecast, from_usd: float) -> bool:
    """Whether a few rows should be tried before all are paid for: it is dear, and nothing was measured yet."""
    expected = forecast.estimate.usd.expected
    is_measured = forecast.estimate.answers.source in ("tries", "rows")
    return expected is not None and expected >= from_usd and not is_measured


def _saving(estimate: CostEstimate) -> float:
    planned, plain = estimate.usd.expected, estimate.uncached.expected
    return plain - planned if plain is not None and planned is not None else 0.0
