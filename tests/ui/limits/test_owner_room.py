"""What an owner's uploads take is what lies on the disk, and is not looked at for every piece."""

from __future__ import annotations

from pathlib import Path

import pytest

from ui.limits import owner_room
from ui.limits.owner_room import NoRoom, OwnerRoom


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_room_is_counted_between_looks_and_comes_back_with_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner_room, "MAX_OWNER_BYTES", 100)
    clock = Clock()
    room = OwnerRoom(tmp_path, clock)
    folder = tmp_path / room.folder_name("0123456789abcdef0000", "page") / "files"
    folder.mkdir(parents=True)
    (folder / "a").write_bytes(b"x" * 40)
    room.reserve("0123456789abcdef0000", 50)
    with pytest.raises(NoRoom):
        room.reserve("0123456789abcdef0000", 11)
    room.reserve("0123456789abcdef0000", 10)
    room.reserve("another", 100)
    clock.now = owner_room.MEASURED_SECONDS + 1
    room.reserve("0123456789abcdef0000", 60)


@pytest.mark.parametrize("owner_id", ["../../etc", "*", "", "a/b"])
def test_a_folders_name_stays_a_name(tmp_path: Path, owner_id: str) -> None:
    name = OwnerRoom(tmp_path).folder_name(owner_id, "page")
    assert Path(name).name == name and "*" not in name and name.endswith("-page")
