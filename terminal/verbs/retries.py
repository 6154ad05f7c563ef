"""Send rows again: those that did not succeed, or those that a cancelled run leaves unanswered."""

from __future__ import annotations

import argparse

from batch.formatting import money
from lifecycle.core.models import Account
from lifecycle.runner import Runner
from terminal.output.console import print_message, print_run_id
from terminal.steps.watch import report_outcome, wait_for_run


def resubmit(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Cancel a run, and send what it leaves unanswered as a child run, elsewhere."""
    forecast = runner.retries.resubmit_forecast(
        account, options.run, model=options.model, rows_per_job=options.rows_per_job
    )
    child_id = runner.retries.submit_retry(account, forecast, "")
    print_run_id(options, child_id)
    worst = money(forecast.worst_usd)
    print_message(f"Run {child_id} sends what {options.run} leaves unanswered; at worst that costs {worst}.")
    runner.start()
    return report_outcome(wait_for_run(runner, account, child_id, until_ended=options.wait), options)


def raise_budget(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Let a run cost more; what it left unsent at its budget is sent as a child run."""
    run_id = runner.retries.raise_budget(account, options.run, options.usd)
    print_run_id(options, run_id)
    runner.start()
    return report_outcome(wait_for_run(runner, account, run_id, until_ended=options.wait), options)


def retry(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Send rows that did not succeed again, as a child run whose results are merged into the run's."""
    outcomes = [name.strip() for name in options.only.split(",") if name.strip()]
    child_id = runner.retries.retry(
        account,
        options.run,
        "",
        outcomes=outcomes,
        keys=options.keys,
        model=options.model,
        max_output_tokens=options.max_output_tokens,
        rows_per_job=options.rows_per_job,
    )
    print_run_id(options, child_id)
    runner.start()
    return report_outcome(wait_for_run(runner, account, child_id, until_ended=options.wait), options)
