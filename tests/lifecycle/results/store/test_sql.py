"""The reading database: what it writes beside its memory is its own."""

from __future__ import annotations

import stat
import subprocess
import sys
import tempfile
from pathlib import Path

from lifecycle.results.store import sql

ROOT = Path(__file__).parents[4]
SCRIPT = """
from lifecycle.results.store import sql
folder = sql.cursor().sql("SELECT current_setting('temp_directory')").fetchone()[0]
print(folder, flush=True)
"""


def spill_folder() -> Path:
    row = sql.cursor().sql("SELECT current_setting('temp_directory')").fetchone()
    assert row is not None
    return Path(row[0])


def test_nobody_else_can_look_into_what_is_spilled() -> None:
    """Its name cannot be guessed, so that nobody can have made it before, as a link to another place."""
    folder = spill_folder()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert folder.parent == Path(tempfile.gettempdir()) and folder != folder.parent / "gemini-batch-results"


def test_the_folder_goes_with_its_process() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True)
    other = Path(done.stdout.strip())
    assert other.name.startswith("gemini-batch-results-") and other != spill_folder()
    assert not other.exists()
