"""Who did what to which run, when and from where: one line of JSON each, added to and never changed."""

from __future__ import annotations

import csv
import logging
import os
from datetime import UTC, datetime
from pathlib import Path

import orjson

from batch.errors import InputError
from batch.responses.spreadsheet_text import escape_formula

AUDIT_FILE = "audit.jsonl"
log = logging.getLogger("gemini_batch_runner")


def note(data_dir: Path, user: str, address: str, what: str, run_id: str = "") -> None:
    """Add a line. Several processes may do so at once. A disk that takes none stops nobody's work, and is logged."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    entry = {"at": at, "user": user, "address": address, "what": what, "run": run_id}
    try:
        file = os.open(data_dir / AUDIT_FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))
        finally:
            os.close(file)
    except OSError as error:
        log.error("The audit log could not be written (%s): %s", error.strerror, entry)


COLUMNS = ("at", "user", "address", "what", "run")


def export_csv(data_dir: Path, target: Path) -> tuple[int, int]:
    """Write the log as a table, for its owner only; returns how many entries it has, and how many lines were broken.

    Raises InputError for a place that cannot be written to.
    """
    written = broken = 0
    source = data_dir / AUDIT_FILE
    lines = source.read_bytes().splitlines() if source.exists() else []
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="") as out:
            table = csv.writer(out)
            table.writerow(COLUMNS)
            for line in lines:
                try:
                    entry = orjson.loads(line)
                    table.writerow([escape_formula(str(entry.get(name, ""))) for name in COLUMNS])
                    written += 1
                except (orjson.JSONDecodeError, AttributeError):
                    broken += 1
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror}.", "Choose another place.") from error
    return written, broken
