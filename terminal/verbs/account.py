"""What a key owns and has cost."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from batch.pricing.costs import by_day_and_model, by_model, overall, sum_spend
from lifecycle.core.models import Account
from lifecycle.runner import Runner
from terminal.output import documents, lines
from terminal.output.console import print_message, print_result


def caches(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """List every cached content under this key, the forgotten ones included."""
    cache_infos = runner.caches.list_all(account)
    print_result(
        options, [asdict(cache) for cache in cache_infos], lambda: [lines.cache_line(cache) for cache in cache_infos]
    )
    return 0


def spend(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Say what all runs of this key have cost, by day and model, deleted ones included."""
    costs = runner.billing.run_costs(account)
    active_runs = [run for run in runner.runs.list_recent(account, limit=100_000) if not run.state.ended]
    estimates: list[Any] = [run.estimate_usd for run in active_runs]
    overall_spend = sum_spend(costs, overall)
    if account.rehearsal:
        print_message("Rehearsed: nothing was spent, this is what it would have cost.")
    document = {
        "rehearsal": account.rehearsal,
        "total": documents.spend_document(overall_spend[0]) if overall_spend else None,
        "models": [documents.spend_document(line) for line in sum_spend(costs, by_model)],
        "days": [documents.spend_document(line) for line in sum_spend(costs, by_day_and_model)],
        "under_way": {"runs": len(active_runs), "estimate_usd": None if None in estimates else sum(estimates)},
    }
    print_result(
        options,
        document,
        lambda: [*map(lines.spend_line, sum_spend(costs, by_day_and_model)), *map(lines.spend_line, overall_spend)],
    )
    return 0
