"""Uploads and exports have names of their own, and go after a day."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ui.shared import temp_files


@pytest.mark.parametrize(("suffix", "kept"), [(".csv", ".csv"), (".tar.gz", ".gz"), ("", ""), ("/../../etc", "")])
def test_a_path_keeps_only_the_ending_of_a_name(tmp_path: Path, suffix: str, kept: str) -> None:
    path = temp_files.new_path(tmp_path / "uploads", suffix)
    assert path.parent == tmp_path / "uploads" and path.suffix == kept
    assert path != temp_files.new_path(tmp_path / "uploads", suffix)


def test_what_nobody_fetched_for_a_day_is_deleted(tmp_path: Path) -> None:
    old_file, old_folder, fresh = tmp_path / "old", tmp_path / "folder", tmp_path / "fresh"
    old_folder.mkdir()
    for path in (old_file, old_folder / "inside", fresh):
        path.write_text("x")
    yesterday = time.time() - temp_files.MAX_AGE_SECONDS - 60
    for path in (old_file, old_folder):
        os.utime(path, (yesterday, yesterday))
    temp_files.delete_stale(tmp_path, tmp_path / "absent")
    assert sorted(tmp_path.iterdir()) == [fresh]
