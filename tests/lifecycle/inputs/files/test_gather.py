"""Files are found in folders, archives and by patterns, named by where they are, and in natural order."""

from __future__ import annotations

import os
import zipfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from batch.errors import InputError
from lifecycle.inputs.files.gather import expand, gather


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("scans/p10.png", "scans/p2.png", "scans/more/a.png", "scans/.hidden/x.png", "scans/Thumbs.db"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    with zipfile.ZipFile(tmp_path / "box.zip", "w") as out:
        out.writestr("p1.png", b"y")
        out.writestr("__MACOSX/._p1.png", b"z")
    return tmp_path


def names(*sources: Path) -> list[str]:
    with ExitStack() as archives:
        return [file.name for file in gather(sources, archives).files]


def test_a_folders_files_are_named_relative_to_it_and_what_systems_leave_is_left_out(folder: Path) -> None:
    with ExitStack() as archives:
        found = gather([folder / "scans"], archives)
    assert [file.name for file in found.files] == ["more/a.png", "p2.png", "p10.png"]
    assert found.left_out == 2


def test_of_several_folders_and_archives_each_gives_its_name(folder: Path) -> None:
    assert names(folder / "scans", folder / "box.zip") == [
        "box/p1.png", "scans/more/a.png", "scans/p2.png", "scans/p10.png",
    ]  # fmt: skip


def test_single_files_of_one_name_are_told_apart(folder: Path) -> None:
    other = folder / "p2.png"
    other.write_bytes(b"q")
    assert names(folder / "scans" / "p2.png", other) == ["p2.png", "p2.png (2)"]


def test_a_link_that_leads_out_is_refused_and_folders_behind_links_are_not_entered(
    folder: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.png").write_bytes(b"s")
    os.symlink(outside / "secret.png", folder / "scans" / "link.png")
    os.symlink(outside, folder / "scans" / "linked")
    with ExitStack() as archives:
        found = gather([folder / "scans"], archives)
    faults = {file.name: file.fault for file in found.files if file.fault}
    assert list(faults) == ["link.png"]


def test_patterns_are_for_names_that_do_not_exist(folder: Path) -> None:
    assert [path.name for path in expand([str(folder / "scans" / "*.png")])] == ["p2.png", "p10.png"]
    odd = folder / "a[1].png"
    odd.write_bytes(b"o")
    assert expand([str(odd)]) == [odd]
    with pytest.raises(InputError, match="no file or folder"):
        expand([str(folder / "nothing*.tif")])
