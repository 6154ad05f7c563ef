"""Copies of everything and of the audit log, and folders of runs that a database does not know."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

import msgspec

from batch.errors import InputError
from batch.formatting import plural
from lifecycle.core.models import Account
from lifecycle.runner import Runner
from lifecycle.storage import audit_log
from lifecycle.storage.copies.backup import Manifest
from terminal.output import documents, lines
from terminal.output.console import print_message, print_result


def backup(runner: Runner, account: Account | None, options: argparse.Namespace) -> int:
    """Write a copy of all runs, results and bills, while everything works."""
    summary = runner.backup(Path(options.file).resolve())
    document = {**asdict(summary), "path": str(summary.path)}
    size = f"{summary.size_bytes / 1e6:,.1f} MB"
    print_result(options, document, lambda: [f"Wrote {plural(summary.runs, 'run')} to {summary.path}, {size}."])
    if summary.unfinished:
        print_message(f"{plural(summary.unfinished, 'run')} among them were under way.")
    return 0


def audit(runner: Runner, account: Account | None, options: argparse.Namespace) -> int:
    """Write the audit log as a table. What would run in a spreadsheet is written as text."""
    written, broken = audit_log.export_csv(runner.data_dir, Path(options.out))
    print_result(
        options, {"entries": written, "broken": broken}, lambda: [f"Wrote {plural(written, 'entry', 'entries')}."]
    )
    if broken:
        print_message(f"{plural(broken, 'line')} of the log could not be read.")
    return 0


def restore(manifest: Manifest, options: argparse.Namespace) -> int:
    """Say what was put back: that has been done already, before anything was opened."""
    print_result(options, msgspec.to_builtins(manifest), lambda: [f"Put back {plural(manifest.runs, 'run')}."])
    if manifest.unfinished:
        print_message(
            f"{plural(manifest.unfinished, 'run')} among them were under way and go on here with `resume` or the page. "
            "See to it that nobody works on them where the copy was made."
        )
    return 0


def adopt_folder(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Take up the folders of runs that the database does not know, under this key."""
    adopted, refused = [], 0
    for name in options.folders:
        try:
            adopted.append(runner.runs.adopt_folder(account, Path(name)))
        except InputError as error:
            refused += 1
            print_message(error.describe())
    print_result(
        options, [documents.run_document(run) for run in adopted], lambda: [lines.run_line(run) for run in adopted]
    )
    if any(not run.state.ended for run in adopted):
        print_message("Runs that had not ended go on with `resume`, or on the page.")
    return 2 if refused else 0
