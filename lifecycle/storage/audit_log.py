"""Who did what to which run, when and from where: one line of JSON each, added to and never changed."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from pathlib import Path

import orjson

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
