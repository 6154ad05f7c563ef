"""Write a run's results to a file."""

from __future__ import annotations

import argparse
from pathlib import Path

from batch.errors import BatchRunnerError
from batch.model import RunState
from lifecycle.core.models import Account
from lifecycle.results.export.export import ExportOptions, check_target, export, format_of
from lifecycle.runner import Runner
from terminal.output.console import print_message


def export_results(runner: Runner, account: Account, run_id: str, options: argparse.Namespace) -> None:
    out = Path(options.out)
    check_target(out, options.form)
    run = runner.runs.get(account, run_id)
    table = runner.runs.results(account, run_id)
    try:
        exported = export(
            table, out, format_of(out), ExportOptions(complete=run.state is RunState.FINISHED), layout=options.form
        )
    except OSError as error:
        message = f"{out} cannot be written: {error.strerror or error}."
        raise BatchRunnerError(message, f"Make room, then `results {run_id} --out FILE`.") from error
    for note in exported.notes:
        print_message(note)
    print_message(f"Wrote {exported.path}.")
