"""What a run cost, with its retries: compared with the estimate, and with what it would have cost otherwise."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from batch.formatting import money, plural
from batch.pricing.costs import RunCost, describe_unreturned, sum_run_costs
from lifecycle.core.models import Account, RunView
from lifecycle.runner import Runner
from ui.shared.notices import escape_markdown

MIN_USD = 5e-9  # smaller differences are rounding


def draw(runner: Runner, account: Account, run: RunView) -> None:
    """Draw the cost of a run that has ended; of one under way, nothing is settled yet."""
    costs = runner.billing.run_costs(account, run.id) if run.state.ended else []
    if not costs:
        return
    combined = sum_run_costs(costs)
    with st.container(border=True, key="run-cost"):
        with st.container(horizontal=True, gap="medium"):
            st.metric(describe_what(costs, run.rehearsal), format_amount(combined), width="content")
            st.metric("Expected", money(combined.expected_usd), width="content")
            if combined.saved is not None and combined.standard_usd:
                st.metric("Saved" if combined.saved >= 0 else "Lost", money(abs(combined.saved)), width="content")
        for sentence in describe_cost(costs):
            st.caption(escape_markdown(sentence))


def describe_what(costs: Sequence[RunCost], rehearsal: bool) -> str:
    """What the figure is the cost of: "Cost", "Cost with 2 retries"."""
    retries = f" with {plural(len(costs) - 1, 'retry', 'retries')}" if len(costs) > 1 else ""
    return f"{'Would have cost' if rehearsal else 'Cost'}{retries}"


def describe_cost(costs: Sequence[RunCost]) -> list[str]:
    """The cost of a run and its retries in words."""
    combined = sum_run_costs(costs)
    user_caches_note = "Caches that you made yourself were read; making and keeping them is not in these figures."
    candidates = (
        *compare_with_estimate(combined),
        describe_savings(combined),
        describe_parts(combined),
        describe_retries(costs),
        user_caches_note if combined.borrowed else "",
    )
    return [sentence for sentence in candidates if sentence]


def format_amount(cost: RunCost) -> str:
    """What a run comes to: "$0.25", "at least $0.25", "not known"."""
    return f"{'at least ' if cost.at_least and cost.usd is not None else ''}{money(cost.usd)}"


def compare_with_estimate(cost: RunCost) -> tuple[str, ...]:
    """By how much the estimates were off, and whether the cost lies in the range that was estimated."""
    if cost.expected_usd is None or cost.usd is None:
        return ()
    worst = f"; {money(cost.worst_usd)} was the worst case" if cost.worst_usd is not None else ""
    if not cost.finished or cost.unreturned:
        return ("The estimate was for all rows, and nothing came back for some: the two cannot be compared.",)
    if cost.worst_usd is not None and cost.usd > cost.worst_usd + MIN_USD:
        worst = f", and more than the {money(cost.worst_usd)} estimated as the worst case"
    rows = f" A row cost {money(cost.usd / cost.rows)}, {money(cost.expected_usd / cost.rows)} was expected."
    comparison = (
        f"{format_difference(cost.estimate_error).capitalize()}{worst}.{rows if cost.rows > 1 else ''}"
        if cost.estimate_error is not None
        else ""
    )
    if cost.first_usd in (None, cost.expected_usd) or cost.first_estimate_error is None:
        return (comparison,)
    return (
        comparison,
        f"Before the first rows had answered, {money(cost.first_usd)} was expected: "
        f"{format_difference(cost.first_estimate_error)}.",
    )


def format_difference(share: float, than: str = "expected") -> str:
    """A difference in words: "12 % more than expected"."""
    percent = round(100 * share)
    return f"{abs(percent):,} % {'more' if percent > 0 else 'less'} than {than}" if percent else f"as {than}"


def describe_savings(cost: RunCost) -> str:
    """What batch and caches saved, each for itself; a loss is called one."""
    usd, by_caching, by_batching, standard = cost.usd, cost.saved_by_caching, cost.saved_by_batching, cost.standard_usd
    if usd is None or by_caching is None or by_batching is None or not standard:
        return ""
    text = format_difference(usd / standard - 1, f"{money(standard)}, the standard price without caches").capitalize()
    return f"{text}: {describe_saving(by_batching, 'batch')}, {describe_saving(by_caching, 'caching')}."


def describe_saving(usd: float, source: str) -> str:
    """One saving: "batch saved $0.04", "caching lost $0.01", "caching saved nothing"."""
    if abs(usd) < MIN_USD:
        return f"{source} saved nothing"
    return f"{source} {'saved' if usd > 0 else 'lost'} {money(abs(usd))}"


def describe_parts(cost: RunCost) -> str:
    """What a cost is made of, and what of it is not known."""
    if cost.again:
        return "What its job has cost was counted with an earlier run, deleted since, and is not counted again."
    if cost.rows_usd is None:
        return f"The price of {cost.model} is not known. Give it in CATALOG_FILE."
    if cost.caches_usd is None:
        return f"Requests {money(cost.rows_usd)}; what their caches cost is not known."
    split_text = f"Requests {money(cost.rows_usd)}, caches {money(cost.caches_usd)}." if cost.caches_usd else ""
    unpriced_text = (
        f"Of {plural(cost.unpriced, 'line')} the cost is not known in full: no usage came back, or search fees are not "
        "included."
    )
    unreturned_text = f"Maybe more: {describe_unreturned(cost.unreturned)}" if cost.unreturned else ""
    return " ".join(filter(None, (split_text, unpriced_text if cost.unpriced else "", unreturned_text)))


def describe_retries(costs: Sequence[RunCost]) -> str:
    """How a sum is made up of a run and its retries; "" for one run alone."""
    first, *others = costs
    if not others:
        return ""
    retry_count = plural(len(others), "retry", "retries")
    return f"First sending {format_amount(first)}, {retry_count} {format_amount(sum_run_costs(others))}."
