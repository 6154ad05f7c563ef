"""Write a run's results to a file, or a folder of pictures."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from batch.errors import BatchRunnerError, InputError
from batch.model import RunState
from lifecycle.core.models import Account
from lifecycle.results.export.documents import DOCUMENT_FORMATS, export_documents
from lifecycle.results.export.export import ExportOptions, ExportResult, check_target, export, format_of
from lifecycle.results.export.pictures import export_pictures
from lifecycle.results.export.vectors import VectorOptions, export_vectors
from lifecycle.results.fill.fill import export_table
from lifecycle.results.read.table import ResultTable
from lifecycle.runner import Runner
from terminal.output.console import print_message


def check_out(out: Path, options: argparse.Namespace) -> None:
    """Raises InputError for a place that nothing could be written to, whatever the run is."""
    if options.by_document and not (_is_folder(out) or _is_document(out)):
        raise InputError(
            f"{out.name} cannot hold answers by document.", "Choose .md, .txt, or a folder or .zip of them."
        )
    if _is_folder(out) or out.suffix.lower() in (".npy", ".md"):
        if not os.access(out if out.is_dir() else out.parent, os.W_OK):
            raise InputError(f"{out} cannot be written.", "Choose a place that exists and can be written to.")
        return
    check_target(out, options.form)


def export_results(runner: Runner, account: Account, run_id: str, options: argparse.Namespace) -> None:
    out = Path(options.out)
    check_out(out, options)
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
    """Documents, vectors and pictures in the forms that hold them, everything else as a table."""
    suffix = out.suffix.lower()
    if options.by_document or suffix == ".md":
        return export_documents(table, out, options.by_document or "md", ExportOptions(complete=complete))
    if options.form == "flat" and table.kind.vectors and suffix in (".npy", ".parquet"):
        return export_vectors(table, out, VectorOptions(options.failed_rows, options.normalize, complete))
    if table.kind.pictures and _is_folder(out):
        return export_pictures(table, out, ExportOptions(complete=complete), table_format=options.table)
    if suffix == ".npy" or _is_folder(out):
        remedy = "Choose .jsonl, .csv, .parquet or .xlsx; a folder of documents with --by-document."
        raise InputError(f"{out} is not for results of this kind.", remedy)
    fields = bool(table.reconciliation.fields)
    asked = ExportOptions(complete=complete, fields=fields, raw_cells=options.raw_cells)
    if options.form == "flat":
        return export_table(table, out, format_of(out), asked, way=options.way)
    return export(table, out, format_of(out), asked, layout=options.form)


def _is_folder(out: Path) -> bool:
    """A folder, or what can only be one."""
    return out.suffix.lower() in ("", ".zip") or out.is_dir()


def _is_document(out: Path) -> bool:
    return out.suffix.lower().lstrip(".") in DOCUMENT_FORMATS
