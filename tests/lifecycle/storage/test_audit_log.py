"""Every line of the audit log is whole, whoever writes at once; a disk that takes none stops nobody."""

from __future__ import annotations

import json
import logging
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from batch.errors import InputError
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


def test_the_log_is_written_as_a_table_that_runs_nothing(tmp_path: Path) -> None:
    audit_log.note(tmp_path, "=cmd()", "10.0.0.1", "submit", "r1")
    with (tmp_path / audit_log.AUDIT_FILE).open("ab") as log:
        log.write(b"{broken\n[1]\n")
    assert audit_log.export_csv(tmp_path, tmp_path / "audit.csv") == (1, 2)
    header, line = (tmp_path / "audit.csv").read_text("utf-8-sig").splitlines()
    assert header == "at,user,address,what,run"
    assert line.split(",")[1:] == ["'=cmd()", "10.0.0.1", "submit", "r1"]
    assert stat.S_IMODE((tmp_path / "audit.csv").stat().st_mode) == 0o600
    assert audit_log.export_csv(tmp_path / "empty", tmp_path / "none.csv") == (0, 0)
    with pytest.raises(InputError, match="cannot be written"):
        audit_log.export_csv(tmp_path, tmp_path / "nowhere" / "audit.csv")
