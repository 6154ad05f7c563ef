"""Write a run's results to a file, or a folder of pictures."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from batch.errors import BatchRunnerError, InputError
from batch.model import RunState
from lifecycle.core.models import Account
from lifecycle.results.export.export import ExportOptions, ExportResult, check_target, export, format_of
from lifecycle.results.export.pictures import export_pictures
from lifecycle.results.export.vectors import VectorOptions, export_vectors
from lifecycle.results.read.table import ResultTable
from lifecycle.runner import Runner
from terminal.output.console import print_message


def check_out(out: Path, form: str) -> None:
    """Raises InputError for a place that nothing could be written to, whatever the run is."""
    if _is_pictures(out) or out.suffix.lower() == ".npy":
        if not os.access(out if out.is_dir() else out.parent, os.W_OK):
            raise InputError(f"{out} cannot be written.", "Choose a place that exists and can be written to.")
        return
    check_target(out, form)


def export_results(runner: Runner, account: Account, run_id: str, options: argparse.Namespace) -> None:
    out = Path(options.out)
    check_out(out, options.form)
    run = runner.runs.get(account, run_id)
    table = runner.runs.results(account, run_id)
    try:
        exported = _export(table, out, options, run.state is RunState.FINISHED)
    except OSError as error:
        message = f"{out} cannot be written: {error.strerror or error}."
        raise BatchRunnerError(message, f"Make room, then `results {run_id} --out FILE`.") from error
    for note in exported.notes:
        print_message(note)
    print_message(f"Wrote {exported.path}.")


def _export(table: ResultTable, out: Path, options: argparse.Namespace, complete: bool) -> ExportResult:
    """Vectors and pictures in the forms that hold them, everything else as a table."""
    suffix = out.suffix.lower()
    if table.kind.vectors and suffix in (".npy", ".parquet"):
        return export_vectors(table, out, VectorOptions(options.failed_rows, options.normalize, complete))
    if table.kind.pictures and _is_pictures(out):
        return export_pictures(table, out, ExportOptions(complete=complete), table_format=options.table)
    if suffix == ".npy" or _is_pictures(out):
        raise InputError(f"{out} is not for results of this kind.", "Choose .jsonl, .csv, .parquet or .xlsx.")
    asked = ExportOptions(complete=complete, fields=bool(table.reconciliation.fields))
    return export(table, out, format_of(out), asked, layout=options.form)


def _is_pictures(out: Path) -> bool:
    """A folder, or what can only be one."""
    return out.suffix.lower() in ("", ".zip") or out.is_dir()
