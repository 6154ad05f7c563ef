"""What a run did cost, with its retries: held against the estimate, and against what it would have cost otherwise."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from batch.formatting import count
from batch.pricing.costs import Bill, may_be_billed, total
from lifecycle.core.models import Account, RunView
from lifecycle.runner import Runner
from ui.shared.format import money
from ui.shared.notices import plain

LEAST_USD = 5e-9  # smaller differences are rounding


def draw(runner: Runner, account: Account, run: RunView) -> None:
    """Draw the money of a run that has ended; of one under way, nothing is settled yet."""
    bills = runner.billing.bills(account, run.id) if run.state.ended else []
    if not bills:
        return
    whole = total(bills)
    with st.container(border=True, key="money"):
        with st.container(horizontal=True, gap="medium"):
            st.metric("Would have cost" if run.rehearsal else "Cost", amount(whole), width="content")
            st.metric("Expected", money(whole.expected_usd), width="content")
            if whole.saved is not None and whole.standard_usd:
                st.metric("Saved" if whole.saved >= 0 else "Lost", money(abs(whole.saved)), width="content")
        for words in sentences(bills):
            st.caption(plain(words))


def sentences(bills: Sequence[Bill]) -> list[str]:
    """The bill of a run and its retries in words."""
    whole = total(bills)
    borrowed = "Caches that you made yourself were read; making and keeping them is not in these figures."
    found = (*against_estimate(whole), savings(whole), parts(whole), retries(bills), borrowed if whole.borrowed else "")
    return [words for words in found if words]


def amount(bill: Bill) -> str:
    """What a bill comes to: "$0.25", "at least $0.25", "not known"."""
    return f"{'at least ' if bill.at_least and bill.usd is not None else ''}{money(bill.usd)}"


def against_estimate(bill: Bill) -> tuple[str, ...]:
    """By how much the estimates were off, and whether the cost lies in the range that was told."""
    if bill.expected_usd is None or bill.usd is None:
        return ()
    worst = f"; {money(bill.worst_usd)} was the worst case" if bill.worst_usd is not None else ""
    if not bill.finished or bill.unreturned:
        return ("The estimate was for all rows, and nothing came back for some: the two cannot be compared.",)
    if bill.worst_usd is not None and bill.usd > bill.worst_usd + LEAST_USD:
        worst = f", and more than the {money(bill.worst_usd)} told as the worst case"
    rows = f" A row cost {money(bill.usd / bill.rows)}, {money(bill.expected_usd / bill.rows)} was expected."
    last = f"{off(bill.error).capitalize()}{worst}.{rows if bill.rows > 1 else ''}" if bill.error is not None else ""
    if bill.first_usd in (None, bill.expected_usd) or bill.first_error is None:
        return (last,)
    return last, f"Before the first rows had answered, {money(bill.first_usd)} was expected: {off(bill.first_error)}."


def off(share: float, than: str = "expected") -> str:
    """A difference in words: "12 % more than expected"."""
    percent = round(100 * share)
    return f"{abs(percent):,} % {'more' if percent > 0 else 'less'} than {than}" if percent else f"as {than}"


def savings(bill: Bill) -> str:
    """What batch and caches saved, each for itself; a loss is called one."""
    usd, by_caching, by_batching, standard = bill.usd, bill.by_caching, bill.by_batching, bill.standard_usd
    if usd is None or by_caching is None or by_batching is None or not standard:
        return ""
    words = off(usd / standard - 1, f"{money(standard)}, the standard price without caches").capitalize()
    return f"{words}: {saved(by_batching, 'batch')}, {saved(by_caching, 'caching')}."


def saved(usd: float, by: str) -> str:
    """One saving: "batch saved $0.04", "caching lost $0.01", "caching saved nothing"."""
    if abs(usd) < LEAST_USD:
        return f"{by} saved nothing"
    return f"{by} {'saved' if usd > 0 else 'lost'} {money(abs(usd))}"


def parts(bill: Bill) -> str:
    """What a bill is made of, and what of it is not known."""
    if bill.again:
        return "What its job has cost is on the bill of an earlier run, deleted since, and is not counted again."
    if bill.rows_usd is None:
        return f"The price of {bill.model} is not known. Give it in CATALOG_FILE."
    if bill.caches_usd is None:
        return f"Requests {money(bill.rows_usd)}; what their caches cost is not known."
    words = f"Requests {money(bill.rows_usd)}, caches {money(bill.caches_usd)}." if bill.caches_usd else ""
    lines = f"{count(bill.unpriced, 'line')} came back without usage; what they cost is not known."
    more = f"Maybe more: {may_be_billed(bill.unreturned)}" if bill.unreturned else ""
    return " ".join(filter(None, (words, lines if bill.unpriced else "", more)))


def retries(bills: Sequence[Bill]) -> str:
    """How a sum is made up of a run and its retries; "" for one run alone."""
    first, *others = bills
    if not others:
        return ""
    again = count(len(others), "retry", "retries")
    return f"First sending {amount(first)}, {again} {amount(total(others))}."
