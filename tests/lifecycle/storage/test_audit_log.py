"""Every line of the audit log is whole, whoever writes at once; a disk that takes none stops nobody."""

from __future__ import annotations

import json
import logging
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lifecycle.storage import audit_log


def test_lines_are_added_whole_and_only_the_owner_reads_them(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: audit_log.note(tmp_path, f"user\n{n}", "10.0.0.1", "submit", f"r{n}"), range(200)))
    path = tmp_path / audit_log.AUDIT_FILE
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    assert sorted(entry["run"] for entry in entries) == sorted(f"r{n}" for n in range(200))
    assert set(entries[0]) == {"at", "user", "address", "what", "run"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_log_that_cannot_be_written_is_said_elsewhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        audit_log.note(tmp_path / "absent", "ann", "10.0.0.1", "cancel", "r1")
    assert "ann" in caplog.text and "cancel" in caplog.text
