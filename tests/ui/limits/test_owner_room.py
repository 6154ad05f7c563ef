"""What an owner takes of the disk is what lies there under his name, and is not looked at for every piece."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lifecycle.core.run_files import owner_folder_name
from ui.limits import owner_room
from ui.limits.owner_room import NoRoom, OwnerRoom

OWNER = "0123456789abcdef0000"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def write(folder: Path, name: str, size_bytes: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"x" * size_bytes)
    return folder / name


def test_room_is_counted_between_looks_and_comes_back_with_the_next(tmp_path: Path) -> None:
    clock = Clock()
    room = OwnerRoom(tmp_path, max_bytes=100, clock=clock)
    write(tmp_path / owner_folder_name(OWNER, "page") / "files", "a", 40)
    room.reserve(OWNER, 50)
    with pytest.raises(NoRoom):
        room.reserve(OWNER, 11)
    room.reserve(OWNER, 10)
    room.reserve("another", 100)
    clock.now = owner_room.MEASURED_SECONDS + 1
    room.reserve(OWNER, 60)


def test_drafts_and_exports_count_and_one_file_under_several_names_counts_once(tmp_path: Path) -> None:
    clock = Clock()
    folders = [tmp_path / name for name in ("uploads", "drafts", "exports")]
    room = OwnerRoom(*folders, max_bytes=100, clock=clock)
    upload = write(folders[0] / owner_folder_name(OWNER, "page"), "a", 30)
    draft = folders[1] / owner_folder_name(OWNER, "1")
    export = write(folders[2], owner_folder_name(OWNER, "2") + ".zip", 40)
    write(folders[1] / owner_folder_name("another", "1"), "requests.jsonl", 1000)
    room.require(OWNER)
    os.link(upload, write(draft, "requests.jsonl", 29).with_name("source"))
    clock.now += owner_room.FRESH_SECONDS + 1
    room.require(OWNER)
    write(draft, "more", 1)
    clock.now += owner_room.FRESH_SECONDS + 1
    with pytest.raises(NoRoom) as caught:
        room.require(OWNER)
    assert "exports" in str(caught.value) and caught.value.remedy
    export.unlink()
    clock.now += owner_room.FRESH_SECONDS + 1
    room.reserve(OWNER, 40)


@pytest.mark.parametrize("owner_id", ["../../etc", "*", "", "a/b"])
def test_a_folders_name_stays_a_name(owner_id: str) -> None:
    name = owner_folder_name(owner_id, "page")
    assert Path(name).name == name and "*" not in name and name.endswith("-page")
