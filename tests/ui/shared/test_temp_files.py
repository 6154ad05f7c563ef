"""Uploads, drafts and exports have names of their own, and go after a day."""

from __future__ import annotations

import os
import shutil
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
    for path in (old_file, old_folder / "inside", old_folder):
        os.utime(path, (yesterday, yesterday))
    temp_files.delete_stale(tmp_path, tmp_path / "absent")
    assert sorted(tmp_path.iterdir()) == [fresh]


def test_a_folder_that_is_still_added_to_stays(tmp_path: Path) -> None:
    """A page that is open for days: its folder was made long ago, what is in it was not."""
    folder, yesterday = tmp_path / "folder", time.time() - temp_files.MAX_AGE_SECONDS - 60
    folder.mkdir()
    (folder / "new").write_text("x")
    os.utime(folder, (yesterday, yesterday))
    temp_files.delete_stale(tmp_path)
    assert (folder / "new").exists()


def test_one_that_cannot_be_deleted_does_not_keep_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    yesterday = time.time() - temp_files.MAX_AGE_SECONDS - 60
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (yesterday, yesterday))
    delete = shutil.rmtree

    def refuse_first(path: Path) -> None:
        if path.name == "a":
            raise PermissionError
        delete(path)

    monkeypatch.setattr(shutil, "rmtree", refuse_first)
    temp_files.delete_stale(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
