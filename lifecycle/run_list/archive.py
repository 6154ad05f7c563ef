"""The results of several runs in one archive, a file each."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from batch.errors import InputError, NotFound
from batch.formatting import plural
from batch.model import RunState
from batch.responses.spreadsheet_text import export_name
from lifecycle.core.models import Account
from lifecycle.results.export.export import ExportOptions
from lifecycle.results.export.file_name import file_stem
from lifecycle.results.fill.fill import export_table
from lifecycle.services.runs import RunService

MAX_STEM = 80  # characters
PACKED = (".csv", ".tsv", ".json", ".jsonl", ".txt")  # the other formats are packed in themselves


@dataclass(frozen=True)
class ArchiveResult:
    """A written archive, the runs that are in it, and what is to be said of it."""

    path: Path
    run_ids: tuple[str, ...]
    notes: tuple[str, ...]


def export_archive(
    runs: RunService, account: Account, run_ids: Sequence[str], path: Path, format: str
) -> ArchiveResult:
    """Write each run's merged results into a ZIP; runs without results are left out, and told.

    Raises InputError if none has any.
    """
    written: list[str] = []
    left_out: list[str] = []
    taken: set[str] = set()
    part, one = path.with_suffix(".part"), path.with_suffix(f".one.{format}")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for run_id in run_ids:
                try:
                    run, table = runs.get(account, run_id), runs.results(account, run_id)
                except NotFound:
                    left_out.append(run_id)
                    continue
                complete = run.state is RunState.FINISHED and table.totals().complete
                fields = bool(table.reconciliation.fields)
                export_table(table, one, format, ExportOptions(complete=complete, fields=fields))
                stem = _safe(file_stem(table.folder, run.name, run.id)) or run.id
                name = free_name(export_name(stem, format, complete=complete), taken)
                packing = zipfile.ZIP_DEFLATED if one.suffix in PACKED else zipfile.ZIP_STORED
                archive.write(one, name, compress_type=packing)
                one.unlink()
                written.append(run_id)
        if not written:
            raise InputError("None of these runs has results.", "Wait until one has ended.")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
        one.unlink(missing_ok=True)
    notes = (f"{plural(len(left_out), 'run')} without results left out.",) if left_out else ()
    return ArchiveResult(path, tuple(written), notes)


def _safe(stem: str) -> str:
    """A name without separators and control characters."""
    cleaned = "".join("-" if char in '/\\:*?"<>|' or not char.isprintable() else char for char in stem)
    return cleaned.strip(" .")[:MAX_STEM]


def free_name(name: str, taken: set[str]) -> str:
    """The name, with a number where it is taken in any case; it is taken from then on."""
    stem, dot, suffix = name.rpartition(".")
    free, number = name, 1
    while free.casefold() in taken:
        number += 1
        free = f"{stem} ({number}){dot}{suffix}"
    taken.add(free.casefold())
    return free
