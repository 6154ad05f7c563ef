"""Adopt batch jobs that were made elsewhere."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from lifecycle.core.models import Account
from lifecycle.runner import Runner
from terminal.output import lines
from terminal.output.console import print_message, print_result, print_run_id
from terminal.steps.drafts import prepare_job_input
from terminal.steps.patience import when_there
from terminal.steps.watch import report_outcome, wait_for_run


def recover(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Adopt a batch job made elsewhere with the same key, and collect its results; without a JOB, list such jobs."""
    if not options.job:
        jobs = runner.imports.list_foreign_jobs(account)
        print_result(options, [asdict(job) for job in jobs], lambda: [lines.foreign_job_line(job) for job in jobs])
        return 0
    draft = prepare_job_input(runner, options.input) if options.input else None
    imported = runner.imports.import_job(
        account, options.job, name=options.name, draft=draft, key_field=options.key_field
    )
    print_run_id(options, imported.run_id)
    print_message(
        f"Run {imported.run_id} {'has that job already' if imported.already_known else 'has adopted the job'}."
    )
    runner.start()
    run = wait_for_run(runner, account, imported.run_id, until_ended=options.wait or imported.job_ended)
    if options.out and run.has_results:
        from terminal.steps.export import export_results

        when_there(lambda: export_results(runner, account, run.id, options))
    return report_outcome(run, options)
